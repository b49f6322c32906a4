/** `mortar brick create|list|delete`: file systems for bricks, on any node of the cluster. */
import { parseArgs } from "node:util";
import type { BrickPlan } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { table } from "../table.ts";
import { clientOf, watchedClientOf } from "./daemon.ts";
import { resultOf } from "./daemon-answer.ts";
import { shownSize } from "../shown-size.ts";
import { sizeArgument } from "./size-argument.ts";
import { type NodeContext, VerbError } from "./verb.ts";

/** mkfs of a large volume on a slow disk. */
const MAKE_MS_MAX = 600_000;

type Run = (args: readonly string[], io: CliIo, context: NodeContext) => Promise<number>;

const parts: Readonly<Record<string, Run>> = { create, list, delete: remove };

export async function brick(
  args: readonly string[],
  io: CliIo,
  context: NodeContext,
): Promise<number> {
  const [part = "", ...rest] = args;
  const run = Object.hasOwn(parts, part) ? parts[part] : undefined;
  if (run === undefined) {
    throw new VerbError("it takes create, list or delete.", "mortar help brick");
  }
  return await run(rest, io, context);
}

async function create(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        size: { type: "string" }, vg: { type: "string" }, device: { type: "string" },
        file: { type: "string" }, name: { type: "string" }, pool: { type: "string" },
        "pool-size": { type: "string" }, "dry-run": { type: "boolean" }, json: { type: "boolean" },
      },
    }),
  );
  const { size, "pool-size": poolSize, "dry-run": dryRun = false, json, ...names } = values;
  if (size === undefined) throw new VerbError("--size is missing.", "mortar help brick");
  const plan = resultOf(
    await watchedClientOf(root, io, MAKE_MS_MAX).brickCreate({
      brick: onlyOne(positionals),
      sizeBytes: sizeArgument("--size", size),
      ...names,
      ...(poolSize === undefined ? {} : { poolSizeBytes: sizeArgument("--pool-size", poolSize) }),
      dryRun,
    }),
    io,
  );
  if (json === true) io.stdout.write(`${JSON.stringify(plan, undefined, 2)}\n`);
  else if (dryRun) printPlan(plan, io);
  else {
    io.stdout.write(
      `brick create: ${plan.brick}: success: ${shownSize(plan.sizeBytes)} on ` +
        `${plan.vg}/${plan.lv}, mounted at ${plan.mountPoint}\n`,
    );
  }
  return 0;
}

export function printPlan(plan: BrickPlan, io: CliIo): void {
  const steps = plan.steps.map((step) => `  ${step}\n`).join("");
  io.stdout.write(`${plan.brick}, on ${plan.node}:\n${steps}`);
}

async function list(args: readonly string[], io: CliIo, { root }: NodeContext): Promise<number> {
  const { values } = parsed(() =>
    parseArgs({ args: [...args], options: { json: { type: "boolean" } } }),
  );
  const bricks = resultOf(await clientOf(root).brickList(), io);
  if (values.json === true) {
    io.stdout.write(`${JSON.stringify(bricks, undefined, 2)}\n`);
    return 0;
  }
  const rows = bricks.map((it) => [
    it.brick, shownSize(it.sizeBytes), it.dataPercent ?? "-", `${it.vg}/${it.lv}`, `${it.vg}/${it.pool}`,
    it.usedBy.length === 0 ? "unused" : it.usedBy.join(", "),
  ]);
  const head = ["BRICK", "SIZE", "DATA%", "LV", "POOL", "USED BY"];
  io.stdout.write(rows.length === 0 ? "No bricks were made by Mortar.\n" : table([head, ...rows]));
  return 0;
}

async function remove(args: readonly string[], io: CliIo, { root }: NodeContext): Promise<number> {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: [...args], allowPositionals: true,
      options: { json: { type: "boolean" }, "dry-run": { type: "boolean" } },
    }),
  );
  const name = onlyOne(positionals);
  if (values["dry-run"] === true) return await printRemoval(name, values.json === true, io, { root });
  const done = resultOf(await clientOf(root, MAKE_MS_MAX).brickDelete(name), io);
  io.stdout.write(
    values.json === true
      ? `${JSON.stringify(done, undefined, 2)}\n`
      : `brick delete: ${done.brick}: success\n`,
  );
  return 0;
}

/** What would be removed, and what it holds at the most; the refusal, if it would be refused. */
async function printRemoval(
  name: string, json: boolean, io: CliIo, { root }: Pick<NodeContext, "root">,
): Promise<number> {
  const made = resultOf(await clientOf(root).brickList(), io).find((it) => it.brick === name);
  if (made === undefined) throw new VerbError(`${name} is no brick that Mortar made.`, "mortar brick list");
  const { usedBy, vg, lv, mountPoint, sizeBytes, dataPercent = "0" } = made;
  const heldBytes = Math.round((sizeBytes * Number(dataPercent)) / 100);
  if (json) io.stdout.write(`${JSON.stringify({ ...made, heldBytes }, undefined, 2)}\n`);
  else if (usedBy.length === 0) {
    io.stdout.write(
      `${name}, on ${made.node}:\n  unmount ${mountPoint}\n  remove logical volume ${vg}/${lv}, ` +
        `which holds ${shownSize(heldBytes)} of ${shownSize(sizeBytes)}\n`,
    );
  }
  if (usedBy.length === 0) return 0;
  io.stderr.write(`brick delete: ${name}: would be refused: it is used by ${usedBy.join(", ")}\n`);
  return 1;
}

function onlyOne(words: readonly string[]): string {
  const [word, ...more] = words;
  if (word !== undefined && more.length === 0) return word;
  throw new VerbError("it takes one brick, NODE:PATH.", "mortar help brick");
}

/** Complaints about options are for the user. */
function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new VerbError((error as Error).message, "mortar help brick");
  }
}
