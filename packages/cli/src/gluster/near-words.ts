/** What a word that is none was probably meant to be, at any place of a command. */
import { suggestion } from "../suggestion.ts";
import type { GlusterCommand } from "./command.ts";

/**
 * The line as it may have been meant, up to the wrong word; undefined when nothing is near.
 * `others` are further words that fit there, such as those of `mortar pool`.
 */
export function nearLine(
  commands: readonly GlusterCommand[], typed: readonly string[], position: number,
  others: readonly string[] = [],
): string | undefined {
  const before = typed.slice(0, position);
  const fitting = commands.filter(({ words }) =>
    before.every((word, index) => words[index]?.startsWith(word) === true));
  const known = fitting.flatMap(({ words }) => words[position] ?? []);
  const near = suggestion(typed[position] ?? "", [...new Set([...known, ...others])]);
  return near === undefined ? undefined : [...before, near].join(" ");
}
