/** `mortar events`: what happened to this node's thin pools, newest last. */
import { readPoolEvents, type PoolEvent } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { runDirectoryOf } from "./daemon.ts";
import { checkOptions, type NodeContext } from "./verbs.ts";

const SHOWN_MAX = 200;

export async function events(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  checkOptions(args, "events", ["--json"]);
  const found = readPoolEvents(runDirectoryOf(root), SHOWN_MAX);
  const text = args.includes("--json")
    ? `${JSON.stringify(found, undefined, 2)}\n`
    : found.map((event) => `${eventLine(event)}\n`).join("");
  io.stdout.write(text);
  return await Promise.resolve(0);
}

export function eventLine({ time, severity, message, nextStep }: PoolEvent): string {
  const when = time.replace("T", " ").slice(0, 19);
  const next = nextStep === undefined ? "" : `  Next: ${nextStep}`;
  return `${when} UTC  ${severity.padEnd(7)}  ${message}${next}`;
}
