/**
 * `mortar upgrade --bricks`: the bricks of this node that are of another version, or all of them anew,
 * one after the other: ended in order, and started by the mortard that runs now.
 *
 * A client of a volume with copies notices nothing while the other copies are there and have all that
 * was written. So a volume has to be whole before each of its bricks goes, and the next brick waits
 * until it is whole again. A volume without copies is left alone, and named.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrickProcess, MortarClient, VolumeInfo } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { clientOf, waitForEnd } from "./daemon.ts";
import { resultOf } from "./daemon-answer.ts";
import { VerbError } from "./verb.ts";

const END_MS_MAX = 60_000;
const ONLINE_MS_MAX = 60_000;
/** Heals of what was written while a brick was away. */
const WHOLE_MS_MAX = 30 * 60_000;
const LOOK_MS = 500;

export async function upgradeBricks(root: string, io: CliIo): Promise<void> {
  const client = clientOf(root, 300_000);
  const volumes = new Map(
    resultOf(await client.volumeInfoAll(), io).map((it) => [it.name, it] as const),
  );
  const bricks: object[] = [];
  const alone = new Set<string>();
  for (const brick of (await served(client, io)).filter(isOwn)) {
    const volume = volumes.get(brick.volume);
    if (volume === undefined) continue;
    if (!hasCopies(volume)) {
      alone.add(volume.name);
      continue;
    }
    const pid = await replace(client, io, brick);
    bricks.push({ volume: volume.name, path: brick.path, before: brick.pid, after: pid });
    io.stdout.write(`brick ${brick.path} of ${volume.name}: pid ${brick.pid} -> ${pid}\n`);
  }
  io.tell?.({ bricks, left: [...alone] });
  for (const name of alone) {
    io.stdout.write(
      `bricks of ${name} go on as they are: it has no copies, and clients would see them go.\n` +
        `  When they may: mortar volume stop ${name}; mortar volume start ${name}\n`,
    );
  }
}

async function served(client: MortarClient, io: CliIo): Promise<readonly BrickProcess[]> {
  return resultOf(await client.nodeStatus(), io).bricks;
}

/** Those of snapshots are of the version that activates them next. */
function isOwn({ snapshot, engine, state }: BrickProcess): boolean {
  return snapshot === undefined && state === "online" && engine === "builtin";
}

function hasCopies({ replicaCount, redundancyCount }: VolumeInfo): boolean {
  return replicaCount > 1 || redundancyCount > 0;
}

/** Gives the new pid. */
async function replace(
  client: MortarClient, io: CliIo, { volume, path, pid }: BrickProcess,
): Promise<number> {
  await wholeness(client, io, volume);
  if (pid === undefined) throw new VerbError(`the brick ${path} of ${volume} has just ended.`);
  process.kill(pid, "SIGTERM");
  if (!(await waitForEnd(pid, END_MS_MAX))) {
    throw new VerbError(`the brick ${path} (pid ${pid}) has not ended after ${END_MS_MAX / 1000} s.`);
  }
  const again = `mortar volume start ${volume} force`;
  const deadline = performance.now() + ONLINE_MS_MAX;
  for (;;) {
    const found = (await served(client, io)).find((it) => it.path === path);
    if (found?.pid !== undefined && found.pid !== pid && found.state === "online") {
      await wholeness(client, io, volume);
      return found.pid;
    }
    if (performance.now() > deadline) {
      throw new VerbError(`the brick ${path} of ${volume} does not come up: ${found?.reason}`, again);
    }
    // It was told to end, and stays down until it is asked for.
    if (found?.state === "ended") resultOf(await client.volumeStart(volume, { force: true }), io);
    else await sleep(LOOK_MS);
  }
}

/** Waits until all bricks are there, and nothing is to be healed. */
async function wholeness(client: MortarClient, io: CliIo, volume: string): Promise<void> {
  const deadline = performance.now() + WHOLE_MS_MAX;
  for (;;) {
    const { bricks } = resultOf(await client.volumeHealInfo(volume, { view: "summary" }), io);
    const amiss = bricks.find((it) => !it.online || it.pending > 0 || it.splitBrain > 0);
    if (amiss === undefined) return;
    const why = amiss.online
      ? `${amiss.host}:${amiss.path} has ${amiss.pending} entries to be healed, ${amiss.splitBrain} of them split`
      : `${amiss.host}:${amiss.path} is not there`;
    if (amiss.splitBrain > 0 || performance.now() > deadline) {
      throw new VerbError(`${volume} is not whole: ${why}.`, `mortar volume heal ${volume} info`);
    }
    // The daemons look by themselves every ten minutes only; refused while a brick is away.
    await client.volumeHeal(volume, { full: false });
    await sleep(LOOK_MS);
  }
}
