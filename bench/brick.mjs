/**
 * Our brick and glusterfsd, on one XFS, under stock clients. Figures of the clients; CPU of the brick processes.
 *
 * Small files: four processes, through one mount, through four mounts of as many clients, and on three copies. Transfers:
 * through FUSE without the client kernel's page cache, and through libgfapi. "Cold": the client is mounted anew, or the
 * machine's caches are emptied, before.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brickStands } from "./brick-stands.mjs";
import { fio } from "./fio.mjs";
import { row } from "./rows.mjs";

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL("./small-files.py", import.meta.url));
const FILES = 1000;
const CALLS = 4 * FILES;
const CLIENTS = 4;
const MILLION = 1e6;
const LARGE_SECONDS = 7200;

const SMALL = [
  { phase: "create", work: "create and write 4 KiB", atLeast: 1.4, aim: 2 },
  { phase: "stat", work: "stat", atLeast: 1.4, aim: 2 },
  { phase: "chmod", work: "chmod", atLeast: 1.4, aim: 2 },
  { phase: "rename", work: "rename", atLeast: 1.8, aim: 3 },
  { phase: "read", work: "cold read of small files", cold: true, atLeast: 1.2, aim: 1.8 },
  { phase: "names", work: "cold readdir", cold: true, atLeast: 1.8, aim: 3 },
  { phase: "list", work: "cold readdir and stat", cold: true, atLeast: 1.8, aim: 3 },
  { phase: "unlink", work: "unlink", atLeast: 1.2, aim: 1.8 },
];
const TRANSFERS = [
  { name: "4 KiB random read, cold", rw: "randread", bs: "4k", cold: true },
  { name: "4 KiB random read", rw: "randread", bs: "4k" },
  { name: "4 KiB random read", rw: "randread", bs: "4k", depth: 32 },
  { name: "4 KiB random write", rw: "randwrite", bs: "4k" },
  { name: "4 KiB random write", rw: "randwrite", bs: "4k", depth: 32 },
  { name: "1 MiB sequential read", rw: "read", bs: "1M" },
  { name: "1 MiB sequential write", rw: "write", bs: "1M" },
];

/** What is measured on which volumes: `work(stand, round, seconds)` gives a { rate, cpu } for each of `rows`. */
const GROUPS = [
  { name: "", stands: {}, rows: SMALL, work: (stand, round) => smallFiles(stand, `a${round}`, 1) },
  { name: "4 clients", stands: {}, rows: SMALL, work: (stand, round) => smallFiles(stand, `b${round}`, CLIENTS) },
  {
    name: "replica 3", stands: { shape: "replica", count: 3 }, rows: SMALL.map((each) => ({ ...each, atLeast: 1.2, aim: 2 })),
    work: (stand, round) => smallFiles(stand, `a${round}`, 1),
  },
  { name: "FUSE", stands: {}, rows: transfers(), work: (stand, _, seconds) => throughFuse(stand, seconds) },
  { name: "libgfapi", stands: {}, rows: transfers(), work: (stand, _, seconds) => throughLibrary(stand, seconds) },
  {
    name: "FUSE, 4 clients", stands: {}, rows: transfers().filter(({ cold }) => !cold),
    work: (stand, _, seconds) => throughFuse(stand, seconds, CLIENTS),
  },
];

export async function rows({ rounds, seconds, large = false }) {
  const found = [];
  const volumes = new Map();
  for (const group of GROUPS) {
    const key = JSON.stringify(group.stands);
    volumes.set(key, [...(volumes.get(key) ?? []), group]);
  }
  for (const groups of volumes.values()) {
    const { stands, close } = await brickStands(groups[0].stands);
    try {
      for (const group of groups) found.push(...await measure(group, stands, rounds, seconds));
    } finally {
      await close();
    }
  }
  if (large) found.push(await memoryRow());
  return found;
}

async function measure({ name, rows: wanted, work }, stands, rounds, seconds) {
  const measured = wanted.map(() => new Map(stands.map(({ kind }) => [kind, { rate: [], cpu: [] }])));
  for (let round = 0; round < rounds; round++) {
    for (const stand of round % 2 === 0 ? stands : stands.toReversed()) {
      const results = await work(stand, round, seconds);
      for (const [index, { rate, cpu }] of results.entries()) {
        const all = measured[index].get(stand.kind);
        all.rate.push(rate);
        all.cpu.push(cpu);
      }
    }
  }
  return wanted.flatMap((each, index) => rowsOf(name, each, measured[index]));
}

/** The clients' mounts, one or more. */
async function mount(stand, clients, options = []) {
  const points = Array.from({ length: clients }, (_, index) => `${stand.mountPoint}${index === 0 ? "" : `-${index}`}`);
  for (const point of points) await stand.mount(options, point);
  return points;
}

async function smallFiles(stand, name, clients) {
  const results = [];
  let points = await mount(stand, clients);
  await run("mkdir", [`${points[0]}/${name}`]);
  for (const { phase, cold } of SMALL) {
    if (cold) {
      await stand.unmount();
      points = await mount(stand, clients);
    }
    const before = stand.cpuSeconds();
    const directories = points.map((point) => `${point}/${name}`).join(",");
    const { stdout } = await run("timeout", ["300", "python3", PROGRAM, directories, phase, String(FILES)]);
    results.push({ rate: Number(stdout), cpu: ((stand.cpuSeconds() - before) / CALLS) * MILLION });
  }
  await stand.unmount();
  return results;
}

function transfers() {
  return TRANSFERS.map(({ name, depth = 1, ...rest }) =>
    ({ ...rest, depth, work: `${name}${rest.bs === "1M" ? "" : `, depth ${depth}`}`, atLeast: 1, aim: 1.5 }));
}

/** Each client a file of its own; a depth is that many threads. */
async function throughFuse(stand, seconds, clients = 1) {
  const points = await mount(stand, clients, ["--direct-io-mode=enable"]);
  const files = points.map((point, index) => `${point}/transfers-${index}`);
  for (const filename of files) {
    await fio({ filename, rw: "write", bs: "1M", size: "256M", ioengine: "psync", end_fsync: 1 });
  }
  const wanted = transfers().filter(({ cold }) => clients === 1 || !cold);
  const results = [];
  for (const { rw, bs, depth, cold } of wanted) {
    if (cold) stand.dropCaches();
    const before = stand.cpuSeconds();
    const all = await Promise.all(files.map((filename) => fio({
      filename, rw, bs, numjobs: depth, thread: true, size: "256M", ioengine: "psync", runtime: seconds, time_based: true,
      randrepeat: 0, fallocate: "none",
    })));
    results.push(sumOf(all, bs, stand.cpuSeconds() - before));
  }
  await stand.unmount();
  return results;
}

async function throughLibrary(stand, seconds) {
  const place = { volume: stand.kind, brick: stand.address, filename: "transfers-gfapi" };
  await fio({ ioengine: "gfapi", ...place, rw: "write", bs: "1M", size: "256M", end_fsync: 1 });
  const results = [];
  for (const { rw, bs, depth, cold } of transfers()) {
    if (cold) stand.dropCaches();
    const before = stand.cpuSeconds();
    const engine = depth === 1 ? { ioengine: "gfapi" } : { ioengine: "gfapi_async", iodepth: depth };
    const one = await fio({
      ...engine, ...place, rw, bs, size: "256M", runtime: seconds, time_based: true, randrepeat: 0, fallocate: "none",
    });
    results.push(sumOf([one], bs, stand.cpuSeconds() - before));
  }
  return results;
}

function sumOf(all, bs, cpuSeconds) {
  const calls = all.reduce((sum, { iops, seconds }) => sum + iops * seconds, 0);
  const rate = all.reduce((sum, { iops, mibps }) => sum + (bs === "1M" ? mibps : iops), 0);
  return { rate, cpu: (cpuSeconds / calls) * MILLION };
}

function rowsOf(group, { work, bs, atLeast, aim }, measured) {
  const ours = measured.get("ours");
  const peer = measured.get("glusterfsd");
  const name = group === "" ? work : `${group}: ${work}`;
  const unit = bs === undefined ? "operations/s" : bs === "1M" ? "MiB/s" : "IOPS";
  return [
    row({ work: name, unit, ours: ours.rate, peer: peer.rate, higher: true, atLeast, aim }),
    row({
      work: `${name}: CPU of the brick`, unit: "s/million", ours: ours.cpu, peer: peer.cpu, higher: false,
      atLeast: 2, aim: 3.3,
    }),
  ];
}

/** What a million files that were made leave in the memory of the brick process. */
async function memoryRow() {
  const { stands, close } = await brickStands();
  const measured = {};
  try {
    for (const stand of stands) {
      await stand.mount();
      await run("timeout", [String(LARGE_SECONDS), "python3", PROGRAM, stand.mountPoint, "touch", String(MILLION / 4)]);
      measured[stand.kind] = [stand.residentMiB()];
      await stand.unmount();
    }
  } finally {
    await close();
  }
  return row({
    work: "memory after 1,000,000 files", unit: "MiB", ours: measured.ours, peer: measured.glusterfsd, higher: false,
    atLeast: 1, aim: 2,
  });
}
