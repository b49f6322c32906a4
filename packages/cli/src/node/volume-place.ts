/**
 * `mortar volume create V … --size SIZE`: bricks are placed and made, then the volume is created of
 * them like any other. When it cannot be, they are removed again.
 */
import type { BrickPlan, MortarClient } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { printPlan } from "./brick.ts";
import { watchedClientOf } from "./daemon.ts";
import { resultOf } from "./daemon-answer.ts";
import { sizeArgument } from "./size-argument.ts";
import { problemJson } from "../told-as-json.ts";
import { type NodeContext, VerbError } from "./verb.ts";

const MAKE_MS_MAX = 600_000;

/** Creates the volume of a whole command line, `volume create V …`; gives the exit code. */
export type CreateVolume = (words: readonly string[]) => Promise<number>;

export interface PlaceRequest {
  readonly volume: string;
  readonly sizeBytes: number;
  readonly setSize: number;
  readonly setCount: number | undefined;
  readonly nodes: readonly string[] | undefined;
  readonly vg: string | undefined;
  readonly force: boolean;
  readonly dryRun: boolean;
  /** The layout, as it is typed before bricks: `replica 3`. */
  readonly layout: readonly string[];
}

/** Whether a line of `volume create` asks for bricks to be made. */
export function asksForBricks(words: readonly string[]): boolean {
  const [family = "", verb = ""] = words.filter((it) => !it.startsWith("--"));
  return family.length >= 3 && "volume".startsWith(family) &&
    verb.length >= 2 && "create".startsWith(verb) &&
    words.some((it) => it === "--size" || it.startsWith("--size="));
}

export async function createWithBricks(
  words: readonly string[],
  io: CliIo,
  context: NodeContext,
  createVolume: CreateVolume,
): Promise<number> {
  try {
    return await create(words, io, context, createVolume);
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== "VerbError" && name !== "ApiError") throw error;
    const { nextStep: next, problem } = error instanceof VerbError ? error : {};
    if (words.includes("--json")) {
      const { code = "refused" } = error as { readonly code?: string };
      io.stdout.write(problemJson(problem ?? { type: code, detail: message, nextStep: next }));
      return 1;
    }
    io.stderr.write(`mortar volume create: ${message}\n`);
    if (next !== undefined) io.stderr.write(`Next: ${next}\n`);
    return 1;
  }
}

async function create(
  words: readonly string[],
  io: CliIo,
  { root }: NodeContext,
  createVolume: CreateVolume,
): Promise<number> {
  const { request, rest } = parsePlaceRequest(words);
  const { volume, sizeBytes, setSize, setCount, nodes, vg, force, dryRun, layout } = request;
  const client = watchedClientOf(root, io, MAKE_MS_MAX);
  const plans = resultOf(
    await client.brickPlace({
      volume, sizeBytes, setSize, force, dryRun,
      ...(setCount === undefined ? {} : { setCount }),
      ...(nodes === undefined ? {} : { nodes: [...nodes] }),
      ...(vg === undefined ? {} : { vg }),
    }),
    io,
  );
  const bricks = plans.map((it) => it.brick);
  const line = ["volume", "create", volume, ...layout, ...bricks];
  if (dryRun && rest.includes("--json")) {
    io.stdout.write(`${JSON.stringify({ result: { bricks: plans, command: line }, warnings: [], details: [] }, undefined, 2)}\n`);
    return 0;
  }
  if (dryRun) {
    for (const plan of plans) printPlan(plan, io);
    io.stdout.write(`mortar ${line.join(" ")}\n`);
    return 0;
  }
  let exitCode = 1;
  try {
    exitCode = await createVolume([...rest, ...line]);
  } finally {
    if (exitCode !== 0) await takeBack(client, plans, io);
  }
  return exitCode;
}

async function takeBack(
  client: Pick<MortarClient, "brickDelete">,
  plans: readonly BrickPlan[],
  io: CliIo,
): Promise<void> {
  for (const { brick } of plans) {
    const answer = await client.brickDelete(brick);
    if (answer.ok) continue;
    io.stderr.write(`${brick} stays: ${answer.problem.detail}\nNext: mortar brick delete ${brick}\n`);
  }
}

const counts = ["replica", "arbiter", "disperse", "disperse-data", "redundancy"];

/** Throws `VerbError`. `rest` are options of every command. */
export function parsePlaceRequest(
  words: readonly string[],
): { request: PlaceRequest; rest: string[] } {
  const options = new Map<string, string>();
  const rest: string[] = [];
  const plain: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    const name = word.split("=", 1)[0] ?? "";
    if (ownOptions.includes(name)) {
      const value = word.includes("=") ? word.slice(name.length + 1) : words[(index += 1)];
      if (value === undefined || value === "") throw wrong(`${name} has no value.`);
      options.set(name, value);
    } else if (word === "--dry-run") options.set(word, "");
    else if (word.startsWith("--")) rest.push(word);
    else plain.push(word);
  }
  const force = plain.at(-1) === "force";
  const [, , volume, ...layout] = force ? plain.slice(0, -1) : plain;
  if (volume === undefined) throw wrong("the name of the volume is missing.");
  const given = new Map<string, number>();
  for (let index = 0; index < layout.length; index += 2) {
    const [word = "", count = ""] = layout.slice(index, index + 2);
    if (word === "transport") continue;
    if (!counts.includes(word) || !/^[1-9]\d{0,3}$/u.test(count)) {
      throw wrong(`with --size there are no bricks to name; ${word} ${count} is no layout.`);
    }
    given.set(word, Number(count));
  }
  const nodes = options.get("--nodes")?.split(",").filter((it) => it !== "");
  const sets = options.get("--sets");
  if (sets !== undefined && !/^[1-9]\d{0,3}$/u.test(sets)) throw wrong("--sets takes a number.");
  return {
    request: {
      volume, layout, nodes, force,
      sizeBytes: sizeArgument("--size", options.get("--size") ?? ""),
      setSize: setSizeOf(given),
      setCount: sets === undefined ? undefined : Number(sets),
      vg: options.get("--vg"),
      dryRun: options.has("--dry-run"),
    },
    rest,
  };
}

const ownOptions = ["--size", "--nodes", "--sets", "--vg"];

/** `replica 2 arbiter 1` is three bricks, as is `replica 3 arbiter 1`. */
function setSizeOf(given: ReadonlyMap<string, number>): number {
  const replica = given.get("replica");
  if (replica !== undefined) return replica === 2 ? 2 + (given.get("arbiter") ?? 0) : replica;
  const disperse = given.get("disperse");
  if (disperse !== undefined) return disperse;
  const data = given.get("disperse-data");
  const redundancy = given.get("redundancy");
  if (data !== undefined && redundancy !== undefined) return data + redundancy;
  if (data === undefined && redundancy === undefined) return 1;
  throw wrong("give disperse COUNT, or both of disperse-data and redundancy.");
}

function wrong(sentence: string): VerbError {
  return new VerbError(sentence,
    "mortar volume create V [replica N] --size SIZE [--sets N] [--nodes A,B,C] [--vg VG] [--dry-run]");
}
