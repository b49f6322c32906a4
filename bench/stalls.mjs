/**
 * How long I/O waits at most while the processes of a pool are killed or replaced: the longest single 4 KiB write,
 * direct, QD 1, on a loop device over a thin LV, in a run in which one such thing happens. No peer has it: there the
 * writes fail.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { replaceProcesses } from "../packages/pool/dist/index.js";
import { poolStand, scratch, until, MiB } from "./block-stands.mjs";
import { fio } from "./fio.mjs";
import { median, rounded } from "./rows.mjs";
import { fill } from "./transfers.mjs";

const SIZE = 256 * MiB;
/** Young enough to be a server that has just started to serve. */
const YOUNG_MS = 20;

/** @type {[string, (stand: any) => Promise<unknown>][]} */
const EVENTS = [
  ["nothing happens", async () => undefined],
  ["kill -9 of the server", kill("server")],
  ["kill -9 of the server, and of the next one as it starts to serve", killTwice],
  ["SIGTERM of the server", signalServer],
  ["kill -9 of the holder", kill("holder")],
  ["upgrade: server and holder replaced", (stand) => replaceProcesses(stand.client.runDirectory)],
];

export async function rows({ rounds, seconds }) {
  const directory = scratch();
  const stand = await poolStand(directory, { sizeBytes: SIZE, poolBytes: 2 * SIZE });
  const found = EVENTS.map(() => []);
  try {
    await fill(stand.path);
    for (let round = 0; round < rounds; round++) {
      for (const [index, [, event]] of EVENTS.entries()) found[index].push(await longest(stand, event, seconds));
    }
  } finally {
    await stand.close();
    rmSync(directory, { recursive: true, force: true });
  }
  return EVENTS.map(([name], index) => ({
    work: `longest 4 KiB write, QD 1: ${name}`,
    ours: rounded(median(found[index])),
    peer: null,
    unit: "ms",
    range: [rounded(Math.min(...found[index])), rounded(Math.max(...found[index]))],
  }));
}

/** In milliseconds. The pool is at rest again afterwards. */
async function longest(stand, event, seconds) {
  const job = fio({
    filename: stand.path, rw: "randwrite", bs: "4k", iodepth: 1, ioengine: "libaio", direct: 1, size: SIZE,
    time_based: 1, runtime: Math.max(2, seconds),
  });
  await sleep(Math.max(2, seconds) * 500);
  await event(stand);
  const { maxUs } = await job;
  await until(async () => (await stand.client.status()).isHeld);
  return maxUs / 1000;
}

function pidOf(stand, which) {
  return Number(readFileSync(join(stand.client.runDirectory, `${which}.pid`), "utf8"));
}

function kill(which) {
  return async (stand) => process.kill(pidOf(stand, which), "SIGKILL");
}

async function killTwice(stand) {
  const { serverPid } = await stand.client.status();
  process.kill(serverPid, "SIGKILL");
  await until(async () => (await stand.client.status()).serverPid !== serverPid);
  await sleep(YOUNG_MS);
  process.kill(pidOf(stand, "server"), "SIGKILL");
}

async function signalServer(stand) {
  const { serverPid } = await stand.client.status();
  process.kill(serverPid, "SIGTERM");
  await until(async () => (await stand.client.status()).serverPid !== serverPid);
}
