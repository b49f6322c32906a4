/**
 * 4 KiB writes, QD 32, each to a chunk of its own: into an empty device, and after a snapshot. Against
 * qemu-storage-daemon with an empty qcow2, and one with an internal snapshot. fio replays a shuffled list, so that
 * no chunk is written twice.
 */
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { poolStand, qcow2Stand, scratch, MiB } from "./block-stands.mjs";
import { fio } from "./fio.mjs";
import { row } from "./rows.mjs";
import { fill } from "./transfers.mjs";

const run = promisify(execFile);
const CHUNK = 64 * 1024;
/** So many chunks that the run does not end while code is still being compiled. */
const FRESH_BYTES = 3072 * MiB;
/** All of it is copied: more would measure where the machine takes new memory from. */
const SHARED_BYTES = 1024 * MiB;

export async function rows({ rounds }) {
  const found = { fresh: [[], []], shared: [[], []] };
  for (let round = 0; round < rounds; round++) {
    const steps = [() => ours(found), () => theirs(found)];
    if (round % 2 === 1) steps.reverse();
    for (const step of steps) await step();
  }
  const of = (work, [mine, peer], atLeast, aim) =>
    row({ work, unit: "IOPS", ours: mine, peer, higher: true, atLeast, aim });
  return [
    of("first write to a chunk, 4 KiB QD 32: qemu-storage-daemon", found.fresh, 3, 6),
    of("first write after a snapshot, 4 KiB QD 32: qemu-storage-daemon", found.shared, 2.5, 5),
  ];
}

async function ours(found) {
  await withStand((directory) => poolStand(directory, { sizeBytes: FRESH_BYTES, poolBytes: 2 * FRESH_BYTES }),
    async (stand, directory) => {
      found.fresh[0].push(await eachChunkOnce(directory, stand.path, FRESH_BYTES));
    });
  await withStand((directory) => poolStand(directory, { sizeBytes: SHARED_BYTES, poolBytes: 4 * SHARED_BYTES }),
    async (stand, directory) => {
      await fill(stand.path);
      await stand.message({ kind: "snapshot", deviceId: 2, originId: 1 });
      found.shared[0].push(await eachChunkOnce(directory, stand.path, SHARED_BYTES));
    });
}

async function theirs(found) {
  await withStand((directory) => qcow2Stand(directory, { sizeBytes: FRESH_BYTES }), async (stand, directory) => {
    found.fresh[1].push(await eachChunkOnce(directory, stand.path, FRESH_BYTES));
  });
  const withSnapshot = async (directory) => {
    const stand = await qcow2Stand(directory, { sizeBytes: SHARED_BYTES });
    try {
      await fill(stand.path);
    } finally {
      await stand.close(true);
    }
    const prepare = (image) => run("qemu-img", ["snapshot", "-c", "s", image]);
    return qcow2Stand(directory, { sizeBytes: SHARED_BYTES, prepare });
  };
  await withStand(withSnapshot, async (stand, directory) => {
    found.shared[1].push(await eachChunkOnce(directory, stand.path, SHARED_BYTES));
  });
}

async function withStand(make, use) {
  const directory = scratch();
  let stand;
  try {
    stand = await make(directory);
    await use(stand, directory);
  } finally {
    await stand?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function eachChunkOnce(directory, device, sizeBytes) {
  const log = join(directory, "iolog");
  writeFileSync(log, ioLog(device, sizeBytes));
  const { iops } = await fio({
    filename: device, read_iolog: log, replay_no_stall: 1, iodepth: 32, direct: 1, ioengine: "libaio",
  });
  return iops;
}

/** fio's version 2: every chunk once, in an order of no pattern, at some place inside it. */
function ioLog(device, sizeBytes) {
  const offsets = Array.from({ length: sizeBytes / CHUNK }, (_, chunk) =>
    chunk * CHUNK + Math.floor(Math.random() * (CHUNK / 4096)) * 4096);
  for (let index = offsets.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [offsets[index], offsets[other]] = [offsets[other], offsets[index]];
  }
  const lines = offsets.map((offset) => `${device} write ${offset} 4096`);
  return ["fio version 2 iolog", `${device} add`, `${device} open`, ...lines, `${device} close`, ""].join("\n");
}
