/**
 * Scenarios of the suites of dm-thin and thin-provisioning-tools that no other test of ours has, told in our words.
 * Which of theirs is where: tests/STOCK-SUITES.md.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { checkHeldPool, checkPool } from "./check-pool.ts";
import { deltaDevices } from "./delta-devices.ts";
import type { DeltaRun } from "./delta-devices.ts";
import { MemoryDevice } from "./memory-device.fixture.ts";
import { dumpOf, mappingsOf } from "./repair-patients.fixture.ts";
import { restoreXml } from "./restore-xml.ts";
import { ThinError } from "./thin-error.ts";
import { ThinPool } from "./thin-pool.ts";

const MiB = 2 ** 20;
const CHUNK = 65_536;
const PAGE = new Uint8Array(4096);

interface Bench {
  readonly metadata: MemoryDevice;
  readonly data: MemoryDevice;
  readonly pool: ThinPool;
}

/** Data is kept in memory only where a test looks at it. */
function bench({ chunks = 1000, metadataMiB = 8, keepsData = false } = {}): Bench {
  const metadata = new MemoryDevice(new Uint8Array(metadataMiB * MiB));
  const data = keepsData ? new MemoryDevice(new Uint8Array(chunks * CHUNK)) : new Nothing(chunks * CHUNK);
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  return { metadata, data, pool: ThinPool.open({ metadata, data, zeroNewBlocks: keepsData }) };
}

class Nothing extends MemoryDevice {
  readonly #sizeBytes: number;

  constructor(sizeBytes: number) {
    super(new Uint8Array(0));
    this.#sizeBytes = sizeBytes;
  }

  override get sizeBytes(): number {
    return this.#sizeBytes;
  }

  override read(_offset: number, target: Uint8Array): void {
    target.fill(0);
  }

  override write(): void {}
}

function writeChunks(pool: ThinPool, id: number, chunks: Iterable<number>): void {
  const device = pool.device(id);
  for (const chunk of chunks) device.write(chunk * CHUNK, PAGE);
  device.close();
}

function range(begin: number, end: number): number[] {
  return Array.from({ length: end - begin }, (_, index) => begin + index);
}

/** Ours, and thin_check where it is installed. */
function requireSound(metadata: MemoryDevice, allowed: readonly string[] = []): void {
  const kinds = checkPool(metadata).defects.map(({ severity }) => severity);
  assert.deepEqual([...new Set(kinds)], allowed);
  const directory = mkdtempSync(join(tmpdir(), `mortar-stock-${process.pid}-`));
  try {
    const path = join(directory, "metadata");
    writeFileSync(path, metadata.bytes);
    const { error, status, stdout, stderr } = spawnSync("thin_check", [path], { encoding: "utf8" });
    if (error === undefined) assert.equal(status, 0, stdout + stderr);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("a thousand volumes, as many snapshots of one, and a chain of snapshots cost a little metadata each, and give it back", () => {
  const { metadata, pool } = bench();
  pool.createThin(0);
  pool.commit();
  const before = pool.status().allocatedMetadataBlocks;
  for (let id = 1; id <= 1000; id++) pool.createThin(id);
  for (let id = 2001; id <= 3000; id++) pool.createSnapshot(id, 0);
  pool.createSnapshot(4001, 0);
  for (let id = 4002; id <= 5000; id++) pool.createSnapshot(id, id - 1);
  pool.commit();
  requireSound(metadata);
  const each = (pool.status().allocatedMetadataBlocks - before) / 3000;
  assert.ok(each < 1.2, `${each} blocks a device`);
  for (const id of pool.deviceIds()) if (id !== 0) pool.deleteDevice(id);
  pool.commit();
  pool.commit();
  assert.equal(pool.status().allocatedMetadataBlocks, before);
  requireSound(metadata);
});

test("chunk sizes are 64 KiB to 1 GiB in steps of 64 KiB, and nothing is formatted with another", () => {
  const data = new Nothing(2 ** 36);
  for (const dataBlockSectors of [128, 384, 2_097_152]) {
    ThinPool.format({ metadata: new MemoryDevice(new Uint8Array(2 * MiB)), data, dataBlockSectors });
  }
  for (const dataBlockSectors of [0, 64, 127, 129, 200, 2_097_152 + 128]) {
    const metadata = new MemoryDevice(new Uint8Array(2 * MiB));
    assert.throws(() => ThinPool.format({ metadata, data, dataBlockSectors }), ThinError);
    assert.ok(!ThinPool.isFormatted(metadata), `${dataBlockSectors} sectors`);
  }
});

test("overwriting a snapshot of a full volume doubles the chunks in use, and deleting either halves them", () => {
  const { metadata, pool } = bench();
  pool.createThin(1);
  writeChunks(pool, 1, range(0, 400));
  pool.createSnapshot(2, 1);
  assert.equal(pool.status().usedDataBlocks, 400);
  writeChunks(pool, 2, range(0, 400));
  assert.equal(pool.status().usedDataBlocks, 800);
  pool.deleteDevice(1);
  pool.commit();
  assert.equal(pool.status().usedDataBlocks, 400);
  requireSound(metadata);
});

test("counts above two fill the overflow tree, and leave it empty when all six owners have chunks of their own", () => {
  const { metadata, pool } = bench({ chunks: 3000 });
  pool.createThin(1);
  writeChunks(pool, 1, range(0, 400));
  for (let id = 2; id <= 6; id++) pool.createSnapshot(id, 1);
  // Each writes one chunk of each leaf: leaves are their own then, and every chunk counts six.
  for (let id = 2; id <= 6; id++) writeChunks(pool, id, range(0, 400).filter((chunk) => chunk % 40 === id));
  pool.commit();
  requireSound(metadata);
  for (let id = 1; id <= 6; id++) writeChunks(pool, id, range(0, 400));
  pool.commit();
  assert.equal(pool.status().usedDataBlocks, 2400);
  requireSound(metadata);
  for (let id = 1; id <= 6; id++) pool.deleteDevice(id);
  pool.commit();
  pool.commit();
  assert.equal(pool.status().usedDataBlocks, 0);
  requireSound(metadata);
});

test("discards: every other chunk, parts of chunks, and an origin's, of which the snapshot notices nothing", () => {
  const { metadata, pool } = bench({ chunks: 300, keepsData: true });
  pool.createThin(1);
  const device = pool.device(1);
  device.write(0, new Uint8Array(100 * CHUNK).fill(7));
  for (let chunk = 0; chunk < 100; chunk += 2) device.discard(chunk * CHUNK, CHUNK);
  assert.equal(pool.status().usedDataBlocks, 50);
  device.discard(CHUNK + 512, CHUNK - 512);
  device.discard(3 * CHUNK, CHUNK - 512);
  assert.equal(pool.status().usedDataBlocks, 50);
  pool.createSnapshot(2, 1);
  device.discard(0, 100 * CHUNK);
  pool.commit();
  assert.deepEqual([pool.deviceStatus(1).mappedBlocks, pool.deviceStatus(2).mappedBlocks], [0, 50]);
  const snapshot = pool.device(2);
  const found = new Uint8Array(CHUNK);
  snapshot.read(99 * CHUNK, found);
  assert.deepEqual(found, new Uint8Array(CHUNK).fill(7));
  for (const open of [device, snapshot]) open.close();
  requireSound(metadata);
});

test("a pool that is full takes writes again after a deletion and a commit", () => {
  const { metadata, pool } = bench({ chunks: 100 });
  pool.createThin(1);
  pool.createThin(2);
  writeChunks(pool, 1, range(0, 60));
  writeChunks(pool, 2, range(0, 40));
  pool.commit();
  const device = pool.device(2);
  assert.throws(() => device.write(50 * CHUNK, PAGE), { code: "pool-full" });
  pool.deleteDevice(1);
  pool.commit();
  device.write(50 * CHUNK, PAGE);
  device.close();
  pool.commit();
  assert.equal(pool.status().usedDataBlocks, 41);
  requireSound(metadata);
});

test("an id that was deleted and is used again is one volume now and another in the metadata snapshot", () => {
  const { metadata, pool } = bench();
  pool.createThin(1);
  writeChunks(pool, 1, range(0, 30));
  pool.reserveMetadataSnapshot();
  pool.deleteDevice(1);
  pool.createThin(1);
  writeChunks(pool, 1, range(100, 110));
  pool.commit();
  requireSound(metadata);
  assert.deepEqual(checkHeldPool(metadata).defects, []);
  assert.deepEqual([...mappingsOf(metadata).get(1)!.keys()], range(100, 110));
  assert.equal(pool.status().usedDataBlocks, 40);
  pool.releaseMetadataSnapshot();
  pool.commit();
  assert.equal(pool.status().usedDataBlocks, 10);
  requireSound(metadata);
});

test("the five ways in which one chunk can differ", () => {
  const cases: { left: number[]; right: number[]; rewritten?: number[]; expected: string[] }[] = [
    { left: [0, 1, 2], right: [], expected: ["same 0+3"] },
    { left: [0], right: [1], expected: ["same 0+1", "right_only 1+1"] },
    { left: [0, 1, 2], right: [], rewritten: [1], expected: ["same 0+1", "different 1+1", "same 2+1"] },
    { left: [1], right: [0], expected: ["right_only 0+1", "same 1+1"] },
    { left: [], right: [5], expected: ["right_only 5+1"] },
  ];
  for (const { left, right, rewritten = [], expected } of cases) {
    const { metadata, pool } = bench();
    pool.createThin(1);
    writeChunks(pool, 1, left);
    pool.createSnapshot(2, 1);
    writeChunks(pool, 2, [...right, ...rewritten]);
    pool.close();
    const found: DeltaRun[] = [];
    deltaDevices({ metadata, left: 1, right: 2 }, (run) => found.push(run));
    assert.deepEqual(found.map(({ kind, begin, length }) => `${kind} ${begin}+${length}`), expected);
  }
});

test("a transaction id begins at 0, steps only from what it is, and survives dump and restore", () => {
  const { metadata, pool } = bench();
  assert.equal(pool.status().transactionId, 0);
  assert.throws(() => pool.setTransactionId(1, 2), ThinError);
  pool.setTransactionId(0, 5);
  pool.createThin(3);
  pool.close();
  let xml: string | undefined = dumpOf(metadata);
  const restored = new MemoryDevice(new Uint8Array(8 * MiB));
  const read = (): string | undefined => {
    const piece = xml;
    xml = undefined;
    return piece;
  };
  restoreXml({ metadata: restored, read });
  const again = ThinPool.open({ metadata: restored, data: new Nothing(1000 * CHUNK) });
  assert.equal(again.status().transactionId, 5);
  again.close();
  assert.equal(dumpOf(restored), dumpOf(metadata));
});

test("a data device that shrank below what is mapped is refused, and nothing is lost", () => {
  const { metadata, pool } = bench({ chunks: 100 });
  pool.createThin(1);
  writeChunks(pool, 1, range(0, 50));
  pool.close();
  const before = metadata.bytes.slice();
  assert.throws(() => ThinPool.open({ metadata, data: new Nothing(40 * CHUNK) }), ThinError);
  assert.deepEqual(metadata.bytes, before);
});
