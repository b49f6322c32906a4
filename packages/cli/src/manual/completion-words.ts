/**
 * What may follow the words of a command line: pure, from the table. A usage pattern is read for the
 * kinds of names it asks for and the words it knows; which of them fits where is not decided finely:
 * the first argument is taken exactly, later ones may be any of the rest.
 */
import type { TableCommand } from "./command-table.ts";

export type NameKind = "volume" | "snapshot" | "schedule" | "lv" | "vg" | "pv" | "node";

export interface Candidates {
  readonly words: readonly { readonly word: string; readonly about: string }[];
  /** Names to be asked for. */
  readonly kinds: readonly NameKind[];
}

const ABOUT_MAX = 60;

const KINDS: readonly (readonly [pattern: RegExp, kind: NameKind])[] = [
  [/(?<!NEW-)VOLNAME|<volname>|\bVOLUME\b/, "volume"],
  [/<snapname>|\bsnapname\b/, "snapshot"],
  [/<name>|--schedule/, "schedule"],
  [/\bVG\/LV\b|\bVG\/POOL\b|\bSOURCE\b/, "lv"],
  [/\[VG\]/, "vg"],
  [/<HOSTNAME>|\bNODE\b/, "node"],
];

/** `typed`: what stands behind `mortar`, without options before the verb; the last is being typed. */
export function candidatesFor(table: readonly TableCommand[], typed: readonly string[]): Candidates {
  const before = typed.slice(0, -1).filter((word) => !word.startsWith("-"));
  const current = typed.at(-1) ?? "";
  const fitting = table.filter(({ words }) => isBegun(words, before));
  const complete = longestOf(fitting.filter(({ words }) => words.length <= before.length));
  const next = fitting.filter(({ words }) => words.length > before.length);
  if (current.startsWith("-")) return optionsOf(complete ?? next[0], before.length === 0);
  const words = new Map(next.map((it) => [
    it.words[before.length] ?? "", it.words.length === before.length + 1 ? firstLine(it.help) : "",
  ]));
  const listed = [...words].map(([word, about]) => ({ word, about }));
  if (complete === undefined) return { words: listed, kinds: [] };
  const { words: further, kinds } = argumentsOf(complete, before.length - complete.words.length);
  return { words: [...listed, ...further.map((word) => ({ word, about: "" }))], kinds };
}

/** One of them is the beginning of the other. */
function isBegun(words: readonly string[], typed: readonly string[]): boolean {
  return words.every((word, index) => index >= typed.length || word === typed[index]);
}

function longestOf(commands: readonly TableCommand[]): TableCommand | undefined {
  return commands.toSorted((one, other) => other.words.length - one.words.length)[0];
}

function optionsOf(command: TableCommand | undefined, isFirst: boolean): Candidates {
  const options = isFirst ? ["--root", "--version", "--help"] : (command?.options ?? []);
  return { words: options.map((word) => ({ word, about: "" })), kinds: [] };
}

function argumentsOf(
  { family, words, usage }: TableCommand, position: number,
): { readonly words: readonly string[]; readonly kinds: readonly NameKind[] } {
  if (family === "lvm") return { words: [], kinds: lvmKinds(words[0] ?? "") };
  const patterns = usage.flatMap((line) => {
    const rest = line.split(" ").slice(words.length).join(" ");
    const parts = topLevel(rest);
    return position === 0 ? parts.slice(0, 1) : parts.slice(1);
  });
  // What stands between bars or before the first is an alternative of the first word.
  const first = usage.flatMap((line) => line.split(" | ").slice(1).map((it) => it.split(" ")[0] ?? ""));
  const text = patterns.join(" ");
  const known = position === 0 && family === "mortar" ? `${text} ${first.join(" ")}` : text;
  return {
    words: literalsIn(known),
    kinds: KINDS.filter(([pattern]) => pattern.test(text)).map(([, kind]) => kind),
  };
}

function lvmKinds(tool: string): NameKind[] {
  if (tool.startsWith("pv")) return ["pv"];
  if (tool.startsWith("vg")) return ["vg"];
  return tool === "lvcreate" ? ["vg", "lv"] : ["lv", "vg"];
}

/** Parts that blanks divide outside of brackets. */
function topLevel(pattern: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const letter of pattern) {
    if ("[{(<".includes(letter)) depth += 1;
    if ("]})>".includes(letter)) depth -= 1;
    if (letter === " " && depth === 0) {
      if (part !== "") parts.push(part);
      part = "";
    } else part += letter;
  }
  return part === "" ? parts : [...parts, part];
}

/** Words that are to be typed as they are: `force`, and not `<snapname>` or VOLUME. */
function literalsIn(pattern: string): string[] {
  const bare = pattern.replaceAll(/<[^>]*>/g, " ").replaceAll(/(?<!\w)--?[a-z][a-z-]*( [A-Z]\S*)?/g, " ");
  const found = bare.match(/(?<![\w/<.-])[a-z][a-z-]*[a-z](?![\w/.>])/g) ?? [];
  return [...new Set(found)].filter((word) => !["snapname", "volname", "or"].includes(word));
}

/** The first words of the first sentence. */
function firstLine(help: string): string {
  const sentence = /^[^.:;`]*/.exec(help.replaceAll("\n", " "))?.[0] ?? "";
  return sentence.length <= ABOUT_MAX ? sentence : `${sentence.slice(0, ABOUT_MAX - 1)}…`;
}
