/** `mortar events`: what happened, newest last; of this node's pools alone when mortard does not run. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ClusterEvent, followEvents } from "@mortar/api";
import { readPoolEvents, type PoolEvent } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { clientOf, nodeStatusOf, runDirectoryOf } from "./daemon.ts";
import { resultOf } from "./daemon-answer.ts";
import { type NodeContext, VerbError } from "./verb.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;

export async function events(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const { limit, json, follow } = parsed(args);
  if ((await nodeStatusOf(root)) === undefined) return poolsAlone(root, io, { limit, json, follow });
  const sinceMs = Date.now();
  const told = new Set<string>();
  const tell = (event: ClusterEvent): void => {
    const key = `${event.id} ${event.nodeId}`;
    if (told.has(key)) return;
    if (told.size >= LIMIT_MAX) told.clear();
    told.add(key);
    io.stdout.write(json ? `${JSON.stringify(event)}\n` : clusterEventLine(event));
  };
  const before = resultOf(await clientOf(root).eventList({ limit }), io);
  for (const event of before.toReversed()) tell(event);
  if (!follow) return 0;
  const socketPath = join(runDirectoryOf(root), "mortard.sock");
  const onLost = (reason: string): void => void io.stderr.write(`mortar events: ${reason}\n`);
  for await (const event of followEvents({ socketPath }, { sinceMs, onLost })) tell(event);
  return 0;
}

interface Asked {
  readonly limit: number;
  readonly json: boolean;
  readonly follow: boolean;
}

function parsed(args: readonly string[]): Asked {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        limit: { type: "string" }, json: { type: "boolean", default: false },
        follow: { type: "boolean", short: "f", default: false },
      },
    });
    const limit = Number(values.limit ?? LIMIT_DEFAULT);
    if (Number.isInteger(limit) && limit > 0 && limit <= LIMIT_MAX) return { ...values, limit };
  } catch (error) {
    throw new VerbError((error as Error).message, "mortar help events");
  }
  throw new VerbError(`--limit takes a whole number from 1 to ${LIMIT_MAX}.`, "mortar help events");
}

function poolsAlone(root: string, io: CliIo, { limit, json, follow }: Asked): number {
  if (follow) throw new VerbError("mortard does not run: nobody tells what happens.", "mortar up");
  io.stderr.write("mortard does not run: this is of this node's pools alone.\n");
  for (const event of readPoolEvents(runDirectoryOf(root), limit)) {
    io.stdout.write(json ? `${JSON.stringify(event)}\n` : `${eventLine(event)}\n`);
  }
  return 0;
}

function clusterEventLine({ atMs, severity, node, sentence, nextStep }: ClusterEvent): string {
  const time = new Date(atMs).toISOString();
  return `${lineOf({ time, severity, nextStep, text: `${node}: ${sentence}` })}\n`;
}

export function eventLine({ time, severity, message, nextStep }: PoolEvent): string {
  return lineOf({ time, severity, nextStep, text: message });
}

interface Line {
  readonly time: string;
  readonly severity: string;
  readonly text: string;
  readonly nextStep: string | undefined;
}

function lineOf({ time, severity, text, nextStep }: Line): string {
  const when = time.replace("T", " ").slice(0, 19);
  const next = nextStep === undefined ? "" : `  Next: ${nextStep}`;
  return `${when} UTC  ${severity.padEnd(7)}  ${text}${next}`;
}
