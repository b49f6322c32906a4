/** 4 KiB random and 1 MiB sequential transfers on a provisioned device: ours, qemu-storage-daemon, a raw loop. */
import { rmSync } from "node:fs";
import { poolStand, qcow2Stand, rawStand, scratch, MiB } from "./block-stands.mjs";
import { fio } from "./fio.mjs";
import { row } from "./rows.mjs";

const SIZE = 1024 * MiB;
const WORK = [
  { work: "4 KiB random read, QD 32", rw: "randread", bs: "4k", iodepth: 32, atLeast: 2, aim: 3 },
  { work: "4 KiB random write, QD 32", rw: "randwrite", bs: "4k", iodepth: 32, atLeast: 2, aim: 3 },
  { work: "4 KiB random read, QD 1", rw: "randread", bs: "4k", iodepth: 1, atLeast: 1.4, aim: 1.9 },
  { work: "4 KiB random write, QD 1", rw: "randwrite", bs: "4k", iodepth: 1, atLeast: 1.4, aim: 1.9 },
  { work: "1 MiB sequential read, QD 8", rw: "read", bs: "1M", iodepth: 8, atLeast: 2, aim: 3.5 },
  { work: "1 MiB sequential write, QD 8", rw: "write", bs: "1M", iodepth: 8, atLeast: 0.9, aim: 1.2 },
];

export async function rows({ rounds, seconds }) {
  const directory = scratch();
  const stands = [];
  try {
    stands.push(await poolStand(directory, { sizeBytes: SIZE, poolBytes: 2 * SIZE }));
    stands.push(await qcow2Stand(directory, { sizeBytes: SIZE }));
    stands.push(await rawStand(directory, SIZE));
    for (const { path } of stands) await fill(path);
    const found = WORK.map(() => stands.map(() => []));
    for (let round = 0; round < rounds; round++) {
      for (const [index, { rw, bs, iodepth }] of WORK.entries()) {
        for (const stand of rotated(stands, round)) {
          const { iops, mibps } = await fio({
            filename: stand.path, rw, bs, iodepth, direct: 1, ioengine: "libaio",
            runtime: seconds, time_based: true, size: SIZE, randrepeat: 0,
          });
          found[index][stands.indexOf(stand)].push(bs === "1M" ? mibps : iops);
        }
      }
    }
    return WORK.flatMap(({ work, bs, atLeast, aim }, index) => {
      const [ours, qsd, raw] = found[index];
      const unit = bs === "1M" ? "MiB/s" : "IOPS";
      return [
        row({ work: `${work}: qemu-storage-daemon`, unit, ours, peer: qsd, higher: true, atLeast, aim }),
        row({ work: `${work}: raw loop`, unit, ours, peer: raw, higher: true, atLeast: 0.4, aim: 0.7 }),
      ];
    });
  } finally {
    for (const stand of stands.toReversed()) await stand.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Twice: the first pass provisions. */
export async function fill(path) {
  await fio({ filename: path, rw: "write", bs: "1M", iodepth: 4, direct: 1, ioengine: "libaio" });
}

function rotated(list, by) {
  return list.map((_, index) => list[(index + by) % list.length]);
}
