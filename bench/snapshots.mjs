/**
 * Create and delete a snapshot, engine against engine: a message to the pool server, and QMP to qemu-storage-daemon
 * (whose internal snapshots are those of `qemu-img snapshot -c` and `-d`), on the same content. And our creation at
 * more and more snapshots and mapped data, against itself.
 */
import { execFile } from "node:child_process";
import { connect } from "node:net";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import { promisify } from "node:util";
import { ThinPool, restoreXml } from "../packages/thin/dist/index.js";
import { fileDevice, mappedXml, memoryJournal, nowhere } from "./pool-files.mjs";
import { poolStand, qcow2Stand, scratch, MiB } from "./block-stands.mjs";
import { median, row, rounded } from "./rows.mjs";
import { fill } from "./transfers.mjs";

const run = promisify(execFile);
const GiB = 1024 * MiB;
const CHUNK_BYTES = 64 * 1024;

export async function rows({ rounds }) {
  return [
    ...(await againstQemu("2 GiB written", { sizeBytes: 2 * GiB }, rounds)),
    ...(await againstQemu("256 GiB mapped", { sizeBytes: 256 * GiB, fullyMapped: true }, rounds)),
    ...growing(rounds),
  ];
}

async function againstQemu(content, shape, rounds) {
  const directory = scratch();
  const stands = [];
  try {
    const pool = await poolStand(directory, {
      ...shape, poolBytes: shape.sizeBytes + 64 * MiB, metadataBytes: 256 * MiB,
    });
    stands.push(pool);
    if (!shape.fullyMapped) await fill(pool.path);
    const ours = await timesOurs(pool, rounds);
    await stands.pop().close();
    const qemu = await qcow2Stand(directory, shape);
    stands.push(qemu);
    if (!shape.fullyMapped) await fill(qemu.path);
    const peer = await timesQmp(qemu.qmp, rounds);
    const image = qemu.image;
    await stands.pop().close(true);
    const tool = await timesTool(image, rounds);
    return ["create", "delete"].flatMap((kind) => [
      row({
        work: `snapshot ${kind}, ${content}: qemu-storage-daemon over QMP`, unit: "ms",
        ours: ours[kind], peer: peer[kind], higher: false,
        note: "for comparison: without the start of a process",
      }),
      row({
        work: `snapshot ${kind}, ${content}: qemu-img snapshot`, unit: "ms",
        ours: ours[kind], peer: tool[kind], higher: false, atLeast: 10, aim: 100,
        note: "theirs is a whole process",
      }),
    ]);
  } finally {
    for (const stand of stands) await stand.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function timesOurs(stand, rounds) {
  const times = { create: [], delete: [] };
  for (let id = 10; id < 10 + 3 * rounds; id++) {
    times.create.push(await timed(() => stand.message({ kind: "snapshot", deviceId: id, originId: 1 })));
    times.delete.push(await timed(() => stand.message({ kind: "delete", deviceId: id })));
  }
  return times;
}

async function timesQmp(path, rounds) {
  const qmp = await openQmp(path);
  const times = { create: [], delete: [] };
  for (let index = 0; index < 3 * rounds; index++) {
    const words = { device: "q", name: `s${index}` };
    times.create.push(await timed(() => qmp.ask("blockdev-snapshot-internal-sync", words)));
    times.delete.push(await timed(() => qmp.ask("blockdev-snapshot-delete-internal-sync", words)));
  }
  qmp.close();
  return times;
}

async function timesTool(image, rounds) {
  const times = { create: [], delete: [] };
  for (let index = 0; index < 3 * rounds; index++) {
    times.create.push(await timed(() => run("qemu-img", ["snapshot", "-c", "t", image])));
    times.delete.push(await timed(() => run("qemu-img", ["snapshot", "-d", "t", image])));
  }
  return times;
}

async function openQmp(path) {
  const socket = connect(path);
  socket.setEncoding("utf8");
  let text = "";
  const waiting = [];
  socket.on("data", (part) => {
    text += part;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const message = JSON.parse(text.slice(0, end));
      text = text.slice(end + 1);
      if ("return" in message || "error" in message) waiting.shift()?.(message);
    }
  });
  await once(socket, "connect");
  const ask = async (execute, args) => {
    const answer = new Promise((resolve) => waiting.push(resolve));
    socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const { error } = await answer;
    if (error) throw new Error(`${execute}: ${error.desc}`);
  };
  await ask("qmp_capabilities", {});
  return { ask, close: () => socket.destroy() };
}

/** The engine itself, on metadata in a file; the data device is not touched by a snapshot. */
function growing(rounds) {
  const found = [];
  const first = createTimes({ snapshots: 1, mappedBytes: GiB }, rounds);
  const shapes = [
    { name: "100 snapshots, 1 GiB mapped", snapshots: 100, mappedBytes: GiB },
    { name: "1,000 snapshots, 1 GiB mapped", snapshots: 1000, mappedBytes: GiB },
    { name: "10,000 snapshots, 1 GiB mapped", snapshots: 10_000, mappedBytes: GiB },
    { name: "1 snapshot, 1 TiB mapped", snapshots: 1, mappedBytes: 1024 * GiB },
    { name: "1 snapshot, 16 TiB mapped", snapshots: 1, mappedBytes: 16 * 1024 * GiB },
  ];
  for (const { name, ...shape } of shapes) {
    const times = createTimes(shape, rounds);
    found.push({
      work: `snapshot create at ${name}: itself at 1 snapshot, 1 GiB`,
      ours: rounded(median(times)), peer: rounded(median(first)), unit: "ms",
      ratio: rounded(median(first) / median(times)), atLeast: 0.5, aim: 0.9,
    });
  }
  return found;
}

function createTimes({ snapshots, mappedBytes }, rounds) {
  const directory = scratch();
  try {
    const blocks = mappedBytes / CHUNK_BYTES;
    const path = join(directory, "metadata");
    const sizeBytes = Math.min(15 * GiB, 64 * MiB + blocks * 40);
    const metadata = fileDevice(path, { sizeBytes: Math.ceil(sizeBytes / 4096) * 4096 });
    restoreXml({ metadata, read: mappedXml(blocks) });
    const pool = ThinPool.open({ metadata, data: nowhere((blocks + 1024) * CHUNK_BYTES), journal: memoryJournal() });
    for (let id = 2; id <= snapshots; id++) pool.createSnapshot(id, 1);
    const times = [];
    for (let index = 0; index < 9 * rounds; index++) {
      const begin = performance.now();
      pool.createSnapshot(20_000 + index, 1);
      times.push(performance.now() - begin);
    }
    pool.close();
    metadata.close();
    return times;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function timed(action) {
  const begin = performance.now();
  await action();
  return performance.now() - begin;
}

