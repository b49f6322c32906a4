/** Our brick and glusterfsd, on one XFS, under the stock client. Figures of the client; CPU of the brick process. */
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
const MILLION = 1e6;

/** `cold`: the client is mounted anew before. */
const SMALL = [
  { phase: "create", work: "create and write 4 KiB", atLeast: 1.4, aim: 2 },
  { phase: "stat", work: "stat", atLeast: 1.4, aim: 2 },
  { phase: "chmod", work: "chmod", atLeast: 1.4, aim: 2 },
  { phase: "rename", work: "rename", atLeast: 1.8, aim: 3 },
  { phase: "read", work: "cold read of small files", cold: true, atLeast: 1.2, aim: 1.8 },
  { phase: "list", work: "cold readdir and stat", cold: true, atLeast: 1.8, aim: 3 },
  { phase: "unlink", work: "unlink", atLeast: 1.2, aim: 1.8 },
];
const TRANSFERS = [
  { work: "4 KiB random read, 1 job", rw: "randread", bs: "4k", numjobs: 1 },
  { work: "4 KiB random read, 32 jobs", rw: "randread", bs: "4k", numjobs: 32 },
  { work: "4 KiB random write, 1 job", rw: "randwrite", bs: "4k", numjobs: 1 },
  { work: "4 KiB random write, 32 jobs", rw: "randwrite", bs: "4k", numjobs: 32 },
  { work: "1 MiB sequential read", rw: "read", bs: "1M", numjobs: 1 },
  { work: "1 MiB sequential write", rw: "write", bs: "1M", numjobs: 1 },
];

export async function rows({ rounds, seconds }) {
  const { stands, close } = await brickStands();
  try {
    const small = table(SMALL, stands);
    const transfers = table(TRANSFERS, stands);
    for (let round = 0; round < rounds; round++) {
      for (const stand of round % 2 === 0 ? stands : stands.toReversed()) {
        await smallFiles(stand, round, small);
        await transfer(stand, seconds, transfers);
      }
    }
    return [...SMALL.flatMap((each, index) => rowsOf(each, small[index], "operations/s")),
      ...TRANSFERS.flatMap((each, index) =>
        rowsOf({ ...each, atLeast: 1, aim: 1.5 }, transfers[index], each.bs === "1M" ? "MiB/s" : "IOPS"))];
  } finally {
    await close();
  }
}

function table(works, stands) {
  return works.map(() => new Map(stands.map(({ kind }) => [kind, { rate: [], cpu: [] }])));
}

async function smallFiles(stand, round, found) {
  const directory = `${stand.mountPoint}/round-${round}`;
  await stand.mount();
  for (const [index, { phase, cold }] of SMALL.entries()) {
    if (cold) {
      await stand.unmount();
      await stand.mount();
    }
    const before = stand.cpuSeconds();
    const { stdout } = await run("timeout", ["120", "python3", PROGRAM, directory, phase, String(FILES)]);
    const measured = found[index].get(stand.kind);
    measured.rate.push(Number(stdout));
    measured.cpu.push(((stand.cpuSeconds() - before) / CALLS) * MILLION);
  }
  await stand.unmount();
}

/** Not through the client kernel's page cache, so that every transfer is the brick's. */
async function transfer(stand, seconds, found) {
  await stand.mount(["--direct-io-mode=enable"]);
  const filename = `${stand.mountPoint}/transfers`;
  await fio({ filename, rw: "write", bs: "1M", size: "256M", ioengine: "psync", end_fsync: 1 });
  for (const [index, { rw, bs, numjobs }] of TRANSFERS.entries()) {
    const before = stand.cpuSeconds();
    const { iops, mibps, seconds: ran } = await fio({
      filename, rw, bs, numjobs, thread: true, size: "256M", ioengine: "psync", runtime: seconds, time_based: true,
      randrepeat: 0, fallocate: "none",
    });
    const measured = found[index].get(stand.kind);
    measured.rate.push(bs === "1M" ? mibps : iops);
    measured.cpu.push(((stand.cpuSeconds() - before) / (iops * ran)) * MILLION);
  }
  await stand.unmount();
}

function rowsOf({ work, atLeast, aim }, measured, unit) {
  const ours = measured.get("ours");
  const peer = measured.get("glusterfsd");
  return [
    row({ work, unit, ours: ours.rate, peer: peer.rate, higher: true, atLeast, aim }),
    row({
      work: `${work}: CPU of the brick`, unit: "s/million", ours: ours.cpu, peer: peer.cpu, higher: false,
      atLeast: 2, aim: 3.3,
    }),
  ];
}
