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
const SIZE = 1024 * MiB;

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
  const directory = scratch();
  const stand = await poolStand(directory, { sizeBytes: SIZE, poolBytes: 4 * SIZE });
  try {
    found.fresh[0].push(await eachChunkOnce(directory, stand.path));
    await fill(stand.path);
    await stand.message({ kind: "snapshot", deviceId: 2, originId: 1 });
    found.shared[0].push(await eachChunkOnce(directory, stand.path));
  } finally {
    await stand.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function theirs(found) {
  const directory = scratch();
  let stand = await qcow2Stand(directory, { sizeBytes: SIZE });
  try {
    found.fresh[1].push(await eachChunkOnce(directory, stand.path));
    await fill(stand.path);
    await stand.close(true);
    stand = undefined;
    stand = await qcow2Stand(directory, {
      sizeBytes: SIZE,
      prepare: (image) => run("qemu-img", ["snapshot", "-c", "s", image]),
    });
    found.shared[1].push(await eachChunkOnce(directory, stand.path));
  } finally {
    await stand?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function eachChunkOnce(directory, device) {
  const log = join(directory, "iolog");
  writeFileSync(log, ioLog(device));
  const { iops } = await fio({
    filename: device, read_iolog: log, replay_no_stall: 1, iodepth: 32, direct: 1, ioengine: "libaio",
  });
  return iops;
}

/** fio's version 2: every chunk once, in an order of no pattern, at some place inside it. */
function ioLog(device) {
  const offsets = Array.from({ length: SIZE / CHUNK }, (_, chunk) =>
    chunk * CHUNK + Math.floor(Math.random() * (CHUNK / 4096)) * 4096);
  for (let index = offsets.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [offsets[index], offsets[other]] = [offsets[other], offsets[index]];
  }
  const lines = offsets.map((offset) => `${device} write ${offset} 4096`);
  return ["fio version 2 iolog", `${device} add`, `${device} open`, ...lines, `${device} close`, ""].join("\n");
}
