/**
 * Finds the command of a line: each command word may be shortened to a prefix that fits no other
 * word at its place; a word that fits exactly wins over longer ones.
 */
import type { GlusterCommand } from "./command.ts";

export type WordMatch =
  | {
      readonly kind: "command";
      readonly command: GlusterCommand;
      readonly args: readonly string[];
    }
  | { readonly kind: "unknown-word"; readonly word: string; readonly position: number }
  | { readonly kind: "incomplete" };

export function matchCommand(
  commands: readonly GlusterCommand[],
  typed: readonly string[],
): WordMatch {
  let candidates = commands;
  for (let position = 0; ; position += 1) {
    const complete = candidates.find((command) => command.words.length === position);
    const longer = candidates.filter((command) => command.words.length > position);
    const word = typed[position];
    const next = word === undefined ? undefined : meantIn(longer, word, position);
    if (next === undefined) {
      if (complete !== undefined) {
        return { kind: "command", command: complete, args: typed.slice(position) };
      }
      if (word === undefined) return { kind: "incomplete" };
      return { kind: "unknown-word", word, position };
    }
    candidates = longer.filter((command) => command.words[position] === next);
  }
}

/** Mortar's own words take no short form from stock's. */
function meantIn(
  commands: readonly GlusterCommand[],
  word: string,
  position: number,
): string | undefined {
  const stock = commands.filter(({ family }) => family !== "mortar");
  return meant(word, wordsAt(stock, position)) ?? meant(word, wordsAt(commands, position));
}

function wordsAt(commands: readonly GlusterCommand[], position: number): string[] {
  return [...new Set(commands.map((command) => command.words[position] ?? ""))];
}

function meant(typed: string, words: readonly string[]): string | undefined {
  if (typed === "") return undefined;
  if (words.includes(typed)) return typed;
  const fitting = words.filter((word) => word.startsWith(typed));
  return fitting.length === 1 ? fitting[0] : undefined;
}
