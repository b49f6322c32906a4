/**
 * What exact space accounting costs: node bench/accounting.mjs [MAPPINGS]
 *
 * The scan after an open, cold and warm, of a pool whose mappings were made in runs, then snapshotted again and
 * again with scattered overwrites in between; one question to the books of it; and what writes pay while the
 * books are kept, in the engine and in the thread that keeps them.
 */
import { execFileSync } from "node:child_process";
import { closeSync, fsyncSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  newSpaceLog, restoreXml, scanSpace, SpaceLogReader, SpaceLogWriter, ThinPool,
} from "../packages/thin/dist/index.js";

const CHUNK = 65_536;
const RUN_BLOCKS = 1000;
const SNAPSHOTS = 15;
const OVERWRITES = 10_000;
const mappings = Number(process.argv[2] ?? 10_000_000);
const directory = process.argv[2] === "--scan" ? "" : mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "mortar-bench-"));
const page = new Uint8Array(4096);
const data = { sizeBytes: (mappings * 2 + SNAPSHOTS * OVERWRITES) * CHUNK, read() {}, write() {}, discard() {}, flush() {} };
const scattered = (index, below) => (index * 2_654_435_761) % below;

function openFile(path, sizeBytes) {
  const fd = openSync(path, "w+");
  ftruncateSync(fd, sizeBytes);
  return {
    fd,
    sizeBytes,
    read: (offset, target) => readSync(fd, target, 0, target.length, offset),
    write: (offset, source) => writeSync(fd, source, 0, source.length, offset),
    discard() {},
    flush: () => fsyncSync(fd),
  };
}

function fill(metadata) {
  const count = mappings / RUN_BLOCKS;
  let index = -1;
  const read = () => {
    index += 1;
    if (index > count) return undefined;
    if (index === count) return "</device></superblock>";
    const head = `<superblock time="1" transaction="1" data_block_size="128" nr_data_blocks="${data.sizeBytes / CHUNK}">` +
      `<device dev_id="1" transaction="0" creation_time="0" snap_time="0">`;
    const place = ((index * 7919) % count) * RUN_BLOCKS;
    return `${index === 0 ? head : ""}<range_mapping origin_begin="${index * RUN_BLOCKS}" data_begin="${place}" ` +
      `length="${RUN_BLOCKS}" time="0"/>`;
  };
  restoreXml({ metadata, read });
}

function seconds(action) {
  const begin = performance.now();
  const result = action();
  return { result, time: (performance.now() - begin) / 1000 };
}

const say = (name, value) => console.log(`${name.padEnd(64)} ${value}`);
const MiB = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;

function overwriteAndSnapshot(pool) {
  let step = 0;
  for (let round = 0; round < SNAPSHOTS; round++) {
    pool.createSnapshot(2 + round, 1);
    const device = pool.device(1);
    for (let index = 0; index < OVERWRITES; index++) device.write(scattered(step++, mappings) * CHUNK, page);
    device.close();
    pool.commit();
  }
}

/** In a process of its own, which tells its memory. */
function scan(path, metadata) {
  for (const name of ["scan, nothing in the page cache", "scan, all in the page cache"]) {
    if (name.includes("nothing")) execFileSync("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"]);
    const { time, figures, all, freed, maxRss } = JSON.parse(execFileSync(process.execPath, [
      new URL(import.meta.url).pathname, "--scan", path, String(metadata.sizeBytes),
    ]));
    say(name, `${time.toFixed(2)} s; the whole process took ${MiB(maxRss * 1024)} at most`);
    if (name.includes("nothing")) continue;
    say(`  classes, nodes, class table`, `${figures.classes}, ${figures.nodes}, ${MiB(figures.tableBytes)}`);
    say(`  mapped and exclusive of all devices; freed by ten`, `${(all * 1e3).toFixed(1)} ms; ${(freed * 1e3).toFixed(1)} ms`);
  }
}

function scanHere(path, sizeBytes) {
  const fd = openSync(path, "r");
  const metadata = { sizeBytes, read: (offset, target) => readSync(fd, target, 0, target.length, offset) };
  const { result, time } = seconds(() => scanSpace({ metadata }));
  const all = seconds(() => result.all());
  const ids = all.result.slice(0, 10).map(({ deviceId }) => deviceId);
  const freed = seconds(() => result.freedBy(ids)).time;
  const { maxRSS: maxRss } = process.resourceUsage();
  console.log(JSON.stringify({ time, figures: result.figures(), all: all.time, freed, maxRss }));
}

/** Nanoseconds for each of `count` operations of a new pool that is told of as `follow` says. */
function writeCosts(name, follow) {
  const count = 200_000;
  const metadata = openFile(join(directory, "small"), 64 * 2 ** 20);
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  const pool = ThinPool.open({ metadata, data, zeroNewBlocks: false });
  pool.createThin(1);
  follow(pool);
  const device = pool.device(1);
  const each = (operation) => {
    const { time } = seconds(() => {
      for (let index = 0; index < count; index++) operation(index);
    });
    return `${((time * 1e9) / count).toFixed(0).padStart(6)} ns`;
  };
  const parts = [];
  parts.push(`provision ${each((index) => device.write(index * CHUNK, page))}`);
  parts.push(`in place ${each((index) => device.write(index * CHUNK, page))}`);
  pool.createSnapshot(2, 1);
  parts.push(`break sharing ${each((index) => device.write(index * CHUNK, page))}`);
  parts.push(`discard ${each((index) => device.discard(index * CHUNK, CHUNK))}`);
  say(name, parts.join("  "));
  closeSync(metadata.fd);
}

function ringOf(pool) {
  const memory = newSpaceLog(2 ** 21);
  pool.follow(new SpaceLogWriter(memory));
}

function applyCost() {
  const metadata = openFile(join(directory, "apply"), 64 * 2 ** 20);
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  const pool = ThinPool.open({ metadata, data, zeroNewBlocks: false });
  pool.createThin(1);
  const memory = newSpaceLog(2 ** 21);
  const superblock = pool.follow(new SpaceLogWriter(memory));
  const books = scanSpace({ metadata, superblock });
  const reader = new SpaceLogReader(memory);
  const device = pool.device(1);
  for (let index = 0; index < 400_000; index++) device.write(scattered(index, 400_000) * CHUNK, page);
  const born = seconds(() => reader.drain(books)).time;
  pool.createSnapshot(2, 1);
  for (let index = 0; index < 400_000; index++) device.write(scattered(index, 400_000) * CHUNK, page);
  const broken = seconds(() => reader.drain(books)).time;
  say("the thread that keeps the books, for each",
    `provision ${(born * 1e9 / 4e5).toFixed(0)} ns  break sharing ${(broken * 1e9 / 4e5).toFixed(0)} ns`);
  closeSync(metadata.fd);
}

function benchmark() {
  for (const round of ["warm-up", "measured"]) {
    if (round === "measured") console.log();
    writeCosts(`${round}: nobody follows`, () => undefined);
    writeCosts(`${round}: told to the ring of another thread`, ringOf);
  }
  applyCost();
  const path = join(directory, "metadata");
  const metadata = openFile(path, Math.max(Math.ceil(mappings / 40), 40_000) * 4096);
  fill(metadata);
  say(`${mappings} mappings, one device`, "");
  scan(path, metadata);
  const pool = ThinPool.open({ metadata, data, zeroNewBlocks: false });
  overwriteAndSnapshot(pool);
  pool.close();
  say(`the same after ${SNAPSHOTS} snapshots with ${OVERWRITES} scattered overwrites each`, "");
  scan(path, metadata);
}

if (process.argv[2] === "--scan") scanHere(process.argv[3], Number(process.argv[4]));
else {
  try {
    benchmark();
  } finally {
    rmSync(directory, { recursive: true });
  }
}
