/**
 * The work that bricks are measured by. Each function does its part of it on one stand, and answers a { rate, cpu } for
 * each of its rows: rate in operations, IOPS or MiB a second; cpu in seconds of the brick processes a million operations.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runBounded } from "./bounded.mjs";
import { fio } from "./fio.mjs";
import { machineSeconds } from "./process-figures.mjs";

const PROGRAM = fileURLToPath(new URL("./small-files.py", import.meta.url));
const PROCESSES = 4;
const MILLION = 1e6;
const STEP_SECONDS = 120;
const FILE_SIZE = "256M";
/** What the bricks use at most between two looks when there is no work. */
const LOOK_MS = 100;
const IDLE_SECONDS = 0.001;
const IDLE_LOOKS = 5;
const BUSY_PART = 0.7;

export const SMALL = [
  { phase: "create", work: "create and write 4 KiB", atLeast: 1.4, aim: 2 },
  { phase: "stat", work: "stat", atLeast: 1.4, aim: 2 },
  { phase: "chmod", work: "chmod", atLeast: 1.4, aim: 2 },
  { phase: "rename", work: "rename", atLeast: 1.8, aim: 3 },
  { phase: "read", work: "cold read of small files", cold: true, atLeast: 1.2, aim: 1.8 },
  { phase: "names", work: "cold readdir", cold: true, atLeast: 1.8, aim: 3 },
  { phase: "list", work: "cold readdir and stat", cold: true, atLeast: 1.8, aim: 3 },
  { phase: "unlink", work: "unlink", atLeast: 1.2, aim: 1.8 },
];
const KINDS = [
  { name: "4 KiB random read, cold", rw: "randread", bs: "4k", cold: true },
  { name: "4 KiB random read, cold", rw: "randread", bs: "4k", depth: 32, cold: true },
  { name: "4 KiB random read", rw: "randread", bs: "4k" },
  { name: "4 KiB random read", rw: "randread", bs: "4k", depth: 32 },
  { name: "4 KiB random write", rw: "randwrite", bs: "4k" },
  { name: "4 KiB random write", rw: "randwrite", bs: "4k", depth: 32 },
  { name: "1 MiB sequential read", rw: "read", bs: "1M" },
  { name: "1 MiB sequential write", rw: "write", bs: "1M" },
];
export const TRANSFERS = KINDS.map(({ name, depth = 1, ...rest }) =>
  ({ ...rest, depth, work: `${name}${rest.bs === "1M" ? "" : `, depth ${depth}`}`, atLeast: 1, aim: 1.5 }));
export const WARM_TRANSFERS = TRANSFERS.filter(({ cold }) => !cold);

/** Four processes, `files` each, through as many mounts as `clients` says. Cold: all clients are mounted anew before. */
export async function smallFiles(stand, { name, clients, files }) {
  const results = [];
  let points = await mount(stand, clients);
  await runBounded("mkdir", [`${points[0]}/${name}`], STEP_SECONDS);
  for (const { phase, cold } of SMALL) {
    if (cold) {
      await stand.unmount();
      points = await mount(stand, clients);
    }
    const used = meter(stand);
    const directories = points.map((point) => `${point}/${name}`).join(",");
    const rate = await runBounded("python3", [PROGRAM, directories, phase, String(files)], STEP_SECONDS);
    const { cpuSeconds, ...parts } = used();
    results.push({ rate: Number(rate), cpu: (cpuSeconds / (PROCESSES * files)) * MILLION, ...parts });
  }
  await stand.unmount();
  return results;
}

/** From now on. */
function meter(stand) {
  const cpu = stand.cpuSeconds();
  const inKernel = stand.kernelSeconds();
  const machine = machineSeconds();
  return () => {
    const cpuSeconds = stand.cpuSeconds() - cpu;
    const kernel = (stand.kernelSeconds() - inKernel) / cpuSeconds;
    const now = machineSeconds();
    const busySeconds = now.busy - machine.busy;
    return { cpuSeconds, kernel, busy: busySeconds / (now.all - machine.all), bricks: cpuSeconds / busySeconds };
  };
}

async function mount(stand, clients, options = []) {
  const points = Array.from({ length: clients }, (_, index) => `${stand.mountPoint}${index === 0 ? "" : `-${index}`}`);
  for (const point of points) await stand.mount(options, point);
  return points;
}

/** Past the page cache of the client's kernel. Each client has a file of its own; a depth is that many threads. */
export async function throughFuse(stand, { rows, seconds, clients }) {
  const points = await mount(stand, clients, ["--direct-io-mode=enable"]);
  const names = points.map((_, index) => `transfers-${index}`);
  const files = points.map((point, index) => `${point}/${names[index]}`);
  for (const filename of files) {
    await fio({ filename, rw: "write", bs: "1M", size: FILE_SIZE, ioengine: "psync", end_fsync: 1 });
  }
  const results = [];
  for (const { rw, bs, depth, cold } of rows) {
    await (cold ? stand.dropCaches() : stand.warm(names));
    const used = meter(stand);
    const all = await Promise.all(files.map((filename) => fio({
      filename, rw, bs, numjobs: depth, thread: true, ioengine: "psync", ...timed(seconds),
    })));
    const { cpuSeconds, ...parts } = used();
    results.push({ ...sumOf(all, bs, cpuSeconds), ...parts });
  }
  await stand.unmount();
  return results;
}

/**
 * By fio's engine for it. libgfapi takes ten seconds to end, in which it only waits: the next row begins when the bricks
 * have nothing to do any more.
 */
export async function throughLibrary(stand, { rows, seconds }) {
  const place = { volume: stand.kind, brick: stand.address, filename: "transfers-gfapi" };
  await fio({ ioengine: "gfapi", ...place, rw: "write", bs: "1M", size: FILE_SIZE, end_fsync: 1 });
  const measured = [];
  for (const { rw, bs, depth, cold } of rows) {
    await (cold ? stand.dropCaches() : stand.warm([place.filename]));
    const used = meter(stand);
    const engine = depth === 1 ? { ioengine: "gfapi" } : { ioengine: "gfapi_async", iodepth: depth };
    const job = fio({ ...engine, ...place, rw, bs, ...timed(seconds) });
    await untilIdle(stand, seconds, job);
    const { cpuSeconds, kernel } = used();
    measured.push({ job, bs, cpuSeconds, kernel });
  }
  return Promise.all(measured.map(async ({ job, bs, cpuSeconds, kernel }) =>
    ({ ...sumOf([await job], bs, cpuSeconds), kernel })));
}

/**
 * Until the bricks have had work for most of so many seconds, and have none; at the latest until the job ends. On a machine
 * that is busy with other things it is the latter.
 */
async function untilIdle(stand, seconds, job) {
  const ended = job.then(() => true, () => true);
  let last = stand.cpuSeconds();
  let [busyLooks, idleLooks] = [0, 0];
  while (busyLooks * LOOK_MS < BUSY_PART * seconds * 1000 || idleLooks < IDLE_LOOKS) {
    if (await Promise.race([ended, delay(LOOK_MS, false)])) return;
    const now = stand.cpuSeconds();
    const isIdle = now - last < IDLE_SECONDS;
    if (!isIdle) busyLooks++;
    idleLooks = isIdle ? idleLooks + 1 : 0;
    last = now;
  }
}

function timed(seconds) {
  return { size: FILE_SIZE, runtime: seconds, time_based: true, randrepeat: 0, fallocate: "none" };
}

function sumOf(all, bs, cpuSeconds) {
  const calls = all.reduce((sum, { iops, seconds }) => sum + iops * seconds, 0);
  const rate = all.reduce((sum, { iops, mibps }) => sum + (bs === "1M" ? mibps : iops), 0);
  return { rate, cpu: (cpuSeconds / calls) * MILLION };
}
