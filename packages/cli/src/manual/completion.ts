/** `mortar completion`: what a shell reads once, and what it asks at each key. */
import { resolve } from "node:path";
import type { CliIo } from "../io.ts";
import { type NodeContext, VerbError } from "../node/verb.ts";
import { commandTable } from "./command-table.ts";
import { namesOf } from "./completion-names.ts";
import { completionScripts, shells } from "./completion-scripts.ts";
import { candidatesFor } from "./completion-words.ts";

export async function completion(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  if (args[0] === "--") {
    io.stdout.write(await answered(args.slice(1), root));
    return 0;
  }
  const shell = shells.find((it) => it === args[0]);
  if (shell === undefined || args.length > 1) {
    throw new VerbError(`it takes one of ${shells.join(", ")}.`, "mortar help completion");
  }
  io.stdout.write(completionScripts[shell]);
  return 0;
}

/** A line each, sorted: the word, a tab, and what it does. */
async function answered(typed: readonly string[], root: string): Promise<string> {
  const line = withoutRoot(typed);
  const { words, kinds } = candidatesFor(commandTable(), line.typed);
  const names = await namesOf(kinds, line.root ?? root);
  const current = typed.at(-1) ?? "";
  return [...words, ...names.map((word) => ({ word, about: "" }))]
    .filter(({ word }) => word !== "" && word.startsWith(current))
    .toSorted((one, other) => (one.word < other.word ? -1 : 1))
    .map(({ word, about }) => `${word}\t${about}\n`)
    .join("");
}

/** What the line itself says about whose names are meant. */
function withoutRoot(typed: readonly string[]) {
  const [first = "", second] = typed;
  if (first === "--root" && typed.length > 2 && second !== undefined) {
    return { typed: typed.slice(2), root: resolve(second) };
  }
  if (first.startsWith("--root=") && typed.length > 1) {
    return { typed: typed.slice(1), root: resolve(first.slice("--root=".length)) };
  }
  return { typed, root: undefined };
}
