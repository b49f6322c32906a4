/** Options of a command of Mortar's own: `--name value` and `--name=value`, anywhere. */
import { UsageError } from "./command.ts";

export interface WordOptions {
  readonly words: readonly string[];
  /** Without dashes. */
  readonly options: ReadonlyMap<string, string>;
}

/** `known` are the names that take a value. Throws UsageError. */
export function wordOptions(args: readonly string[], known: readonly string[]): WordOptions {
  const words: string[] = [];
  const options = new Map<string, string>();
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? "";
    const [, name = "", given] = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === "") {
      words.push(arg);
      continue;
    }
    if (!known.includes(name)) throw new UsageError(`--${name} is not an option of this command.`);
    const value = given ?? args[++index];
    if (value === undefined) throw new UsageError(`--${name} needs a value.`);
    options.set(name, value);
  }
  return { words, options };
}
