import assert from "node:assert/strict";
import test from "node:test";
import { Random, VirtualDisk } from "@mortar/sim";
import type { BlockDevice } from "./block-device.ts";
import { checkPool } from "./check-pool.ts";
import { MemoryJournal } from "./mapping-journal.ts";
import type { OpenOptions } from "./pool-options.ts";
import type { ThinErrorCode } from "./thin-error.ts";
import { ThinPool } from "./thin-pool.ts";

const MiB = 2 ** 20;
const CHUNK = 65_536;

/** Counts and orders what reaches a disk. */
class Recorder implements BlockDevice {
  readonly name: string;
  readonly disk: VirtualDisk;
  readonly log: string[];

  constructor(name: string, disk: VirtualDisk, log: string[]) {
    this.name = name;
    this.disk = disk;
    this.log = log;
  }

  get sizeBytes(): number {
    return this.disk.sizeBytes;
  }

  read(offset: number, target: Uint8Array): void {
    this.disk.read(offset, target);
  }

  write(offset: number, source: Uint8Array): void {
    const what = this.name === "metadata" && offset === 0 ? "superblock" : `${source.length}`;
    this.log.push(`${this.name} write ${what}`);
    this.disk.write(offset, source);
  }

  discard(offset: number, lengthBytes: number): void {
    this.log.push(`${this.name} discard ${offset / CHUNK} ${lengthBytes / CHUNK}`);
    this.disk.discard(offset, lengthBytes);
  }

  flush(): void {
    this.log.push(`${this.name} flush`);
    this.disk.flush();
  }
}

interface Bench {
  readonly log: string[];
  readonly metadata: Recorder;
  readonly data: Recorder;
  readonly pool: ThinPool;
  readonly reopen: (options?: Partial<OpenOptions>) => ThinPool;
}

function setUp({
  dataChunks = 100, metadataBytes = 4 * MiB, ...options
}: Partial<OpenOptions> & { dataChunks?: number; metadataBytes?: number } = {}): Bench {
  const random = new Random(1);
  const log: string[] = [];
  const metadataDisk = new VirtualDisk({ sizeBytes: metadataBytes, random });
  const metadata = new Recorder("metadata", metadataDisk, log);
  const data = new Recorder(
    "data", new VirtualDisk({ sizeBytes: dataChunks * CHUNK, random }), log
  );
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  const reopen = (more: Partial<OpenOptions> = {}): ThinPool => {
    const pool = ThinPool.open({ metadata, data, ...options, ...more });
    log.length = 0;
    return pool;
  };
  return { log, metadata, data, pool: reopen(), reopen };
}

function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

function readBack(pool: ThinPool, deviceId: number, offset: number, length: number): Uint8Array {
  const device = pool.device(deviceId);
  const target = filled(length, 0xee);
  device.read(offset, target);
  device.close();
  return target;
}

function requireCode(code: ThinErrorCode, action: () => void): void {
  assert.throws(action, { name: "ThinError", code });
}

function requireClean(metadata: BlockDevice): void {
  assert.deepEqual(checkPool(metadata).defects, []);
}

test("a new pool for LVM's smallest metadata uses 9 blocks, shown as 111 of 1024; 112 with a device", () => {
  const { pool, metadata } = setUp({ dataChunks: 16_000 });
  const fresh = pool.status();
  assert.equal(fresh.allocatedMetadataBlocks, 9);
  assert.equal(((fresh.usedMetadataBlocks / fresh.totalMetadataBlocks) * 100).toFixed(2), "10.84");
  pool.createThin(1);
  const { usedMetadataBlocks, totalMetadataBlocks } = pool.status();
  assert.equal(((usedMetadataBlocks / totalMetadataBlocks) * 100).toFixed(2), "10.94");
  requireClean(metadata);
});

test("a commit flushes data, then metadata, then the superblock; nothing changed is one data flush", () => {
  const { pool, log } = setUp();
  pool.createThin(1);
  log.length = 0;
  const device = pool.device(1);
  device.write(CHUNK, filled(CHUNK, 1));
  pool.commit();
  const kinds = log.map((entry) => entry.replace(/^metadata write \d+$/, "metadata write"));
  const order = kinds.filter((entry, index) => entry !== kinds[index - 1]);
  assert.deepEqual(order, [
    "data write 65536", "data flush", "metadata write", "metadata flush", "metadata write superblock",
    "metadata flush",
  ]);
  log.length = 0;
  device.write(CHUNK + 512, filled(512, 2));
  pool.commit();
  assert.deepEqual(log, ["data write 512", "data flush"]);
});

test("the first write to a part of a chunk, and the one that breaks sharing, is one write of it", () => {
  const { pool, log } = setUp();
  pool.createThin(1);
  log.length = 0;
  const device = pool.device(1);
  device.write(100, filled(10, 1));
  assert.deepEqual(log, ["data write 65536"]);
  pool.createSnapshot(2, 1);
  log.length = 0;
  device.write(5000, filled(10, 2));
  assert.deepEqual(log, ["data write 65536"]);
  assert.deepEqual(
    readBack(pool, 1, 95, 20).join(), [...filled(5, 0), ...filled(10, 1), ...filled(5, 0)].join(),
  );
  assert.deepEqual(readBack(pool, 2, 5000, 10), filled(10, 0));
  assert.deepEqual(readBack(pool, 1, 5000, 10), filled(10, 2));
});

test("a long write to new chunks is one write, and reads back in one run", () => {
  const { pool, log } = setUp();
  pool.createThin(1);
  log.length = 0;
  const device = pool.device(1);
  device.write(3 * CHUNK, filled(16 * CHUNK, 5));
  assert.deepEqual(log, [`data write ${16 * CHUNK}`]);
  assert.equal(device.lookupRun(3, 100), 16);
  assert.equal(device.runDataBlock, device.lookup(3));
  assert.equal(device.writableRun(3, 100), 16);
  assert.equal(device.lookupRun(0, 100), 3);
  assert.equal(device.runDataBlock, -1);
});

test("a snapshot keeps what was there, in both directions, and sharing breaks chunk by chunk", () => {
  const { pool, metadata } = setUp();
  pool.createThin(1);
  const origin = pool.device(1);
  origin.write(0, filled(4 * CHUNK, 1));
  pool.createSnapshot(2, 1); // Includes what was not committed.
  assert.equal(pool.status().usedDataBlocks, 4);
  const snapshot = pool.device(2);
  assert.equal(snapshot.writableRun(0, 4), 0);
  snapshot.write(CHUNK, filled(10, 2));
  origin.write(2 * CHUNK, filled(10, 3));
  assert.deepEqual(readBack(pool, 1, CHUNK, 10), filled(10, 1));
  assert.deepEqual(readBack(pool, 2, 2 * CHUNK, 10), filled(10, 1));
  assert.equal(pool.status().usedDataBlocks, 6);
  pool.commit();
  // What only one of them has left is its own, and is written in place.
  origin.write(CHUNK, filled(10, 4));
  pool.commit();
  assert.equal(pool.status().usedDataBlocks, 6);
  requireClean(metadata);
});

test("a chunk is not overwritten in place while the last commit still shows it to somebody else", () => {
  const { pool, metadata, data, reopen } = setUp();
  pool.createThin(1);
  const origin = pool.device(1);
  origin.write(0, filled(CHUNK, 1));
  pool.createSnapshot(2, 1);
  pool.device(2).write(0, filled(10, 2)); // Not committed: after a crash the chunk is shared again.
  origin.write(0, filled(CHUNK, 3));
  data.disk.settle(); // The worst case: the data made it to the medium, the metadata did not.
  metadata.disk.crashLosingAll();
  assert.deepEqual(readBack(reopen(), 2, 0, CHUNK), filled(CHUNK, 1));
});

test("deleting gives everything back, down to the counts of a fresh pool", () => {
  const { pool, metadata } = setUp();
  const before = pool.status();
  pool.createThin(1);
  const device = pool.device(1);
  for (let chunk = 0; chunk < 60; chunk += 2) device.write(chunk * CHUNK, filled(100, 1));
  for (let id = 2; id < 20; id++) pool.createSnapshot(id, id - 1);
  const last = pool.device(19);
  last.write(0, filled(30 * CHUNK, 2));
  requireCode("device-busy", () => pool.deleteDevice(19));
  last.close();
  device.close();
  for (let id = 1; id < 20; id++) pool.deleteDevice(id);
  const after = pool.status();
  assert.equal(after.usedDataBlocks, 0);
  assert.equal(after.allocatedMetadataBlocks, before.allocatedMetadataBlocks);
  requireClean(metadata);
});

test("a discard unmaps whole chunks only, and reaches the disk after the commit, shared chunks never", () => {
  const { pool, log } = setUp();
  pool.createThin(1);
  const device = pool.device(1);
  device.write(0, filled(8 * CHUNK, 1));
  pool.createSnapshot(2, 1);
  device.write(0, filled(4 * CHUNK, 2)); // Own chunks 8 to 11; 0 to 3 stay the snapshot's.
  pool.commit();
  log.length = 0;
  device.discard(100, 6 * CHUNK);
  assert.deepEqual(log, []);
  assert.equal(device.lookup(0), 8);
  assert.deepEqual([1, 2, 3, 4, 5, 6].map((block) => device.lookup(block)), [-1, -1, -1, -1, -1, 6]);
  pool.commit();
  assert.equal(log.at(-1), "data discard 9 3");
  assert.deepEqual(readBack(pool, 2, 0, 8 * CHUNK), filled(8 * CHUNK, 1));
});

test("the discard modes: ignore does nothing, nopassdown only unmaps", () => {
  for (const discards of ["ignore", "nopassdown"] as const) {
    const { pool, log } = setUp({ discards });
    pool.createThin(1);
    const device = pool.device(1);
    device.write(0, filled(2 * CHUNK, 1));
    device.discard(0, 2 * CHUNK);
    pool.commit();
    assert.equal(device.lookup(0), discards === "ignore" ? 0 : -1);
    assert.ok(!log.some((entry) => entry.includes("discard")));
  }
});

test("zero leaves zeros in any alignment, and no whole chunk mapped", () => {
  const { pool } = setUp();
  pool.createThin(1);
  const device = pool.device(1);
  for (const [offset, length] of [[0, 1], [100, CHUNK], [CHUNK, 2 * CHUNK], [5, 3 * CHUNK + 7]] as const) {
    device.write(0, filled(5 * CHUNK, 9));
    device.zero(offset, length);
    const expected = filled(5 * CHUNK, 9).fill(0, offset, offset + length);
    assert.deepEqual(readBack(pool, 1, 0, 5 * CHUNK), expected);
  }
  device.zero(5 * CHUNK, 10 * CHUNK);
  assert.equal(device.lookup(7), -1);
});

test("without zeroing, old data may show in new chunks, but never where zeros were asked for", () => {
  const { pool, log, reopen } = setUp({ zeroNewBlocks: false });
  pool.createThin(1);
  const device = pool.device(1);
  log.length = 0;
  device.write(10, filled(20, 1));
  assert.deepEqual(log, ["data write 20"]);
  device.zero(0, 2 * CHUNK);
  assert.deepEqual(readBack(pool, 1, 0, 2 * CHUNK), filled(2 * CHUNK, 0));
  assert.notEqual(device.lookup(1), -1);
  pool.close();
  reopen();
});

test("reads and writes of any length and alignment are what a plain array would give", () => {
  const { pool, metadata } = setUp({ dataChunks: 400 });
  const random = new Random(5);
  const size = 20 * CHUNK;
  const expected = new Map<number, Uint8Array>();
  pool.createThin(1);
  expected.set(1, new Uint8Array(size));
  for (let round = 0; round < 300; round++) {
    const id = random.pick([...expected.keys()]);
    const offset = random.below(size);
    const length = Math.min(random.below(random.pick([10, 5000, 3 * CHUNK])), size - offset);
    const device = pool.device(id);
    device.write(offset, filled(length, round & 0xff));
    device.close();
    expected.get(id)!.fill(round & 0xff, offset, offset + length);
    if (round % 60 === 0) {
      const next = expected.size + 1;
      pool.createSnapshot(next, id);
      expected.set(next, Uint8Array.from(expected.get(id)!));
    }
    if (round % 7 === 0) pool.commit();
  }
  for (const [id, bytes] of expected) {
    assert.ok(Buffer.from(bytes).equals(readBack(pool, id, 0, size)), `device ${id}`);
  }
  pool.commit();
  requireClean(metadata);
});

test("a full pool refuses writes that need a chunk, serves the rest, and goes on after it grew", () => {
  const { pool, data, metadata } = setUp({ dataChunks: 4 });
  pool.createThin(1);
  const device = pool.device(1);
  device.write(0, filled(4 * CHUNK, 1));
  requireCode("pool-full", () => device.write(5 * CHUNK, filled(10, 2)));
  assert.equal(pool.status().mode, "out-of-data-space");
  device.write(0, filled(CHUNK, 3));
  assert.deepEqual(readBack(pool, 1, 0, CHUNK), filled(CHUNK, 3));
  pool.createThin(2); // Needs no data block.
  data.disk.sizeBytes += 2 * CHUNK + 100 * 512;
  assert.equal(pool.growData(), 6);
  assert.equal(pool.status().mode, "write");
  device.write(5 * CHUNK, filled(10, 2));
  device.discard(0, CHUNK);
  device.write(6 * CHUNK, filled(10, 2));
  device.write(7 * CHUNK, filled(10, 2)); // Takes the discarded chunk, after a commit of its own.
  requireCode("pool-full", () => device.write(8 * CHUNK, filled(10, 2)));
  pool.commit();
  requireClean(metadata);
});

test("metadata that runs short refuses changes, can always be committed, and frees up by deleting", () => {
  const { pool, metadata, reopen } = setUp({ dataChunks: 20_000, metadataBytes: 80 * 4096 });
  let created = 0;
  requireCode("metadata-full", () => {
    for (; created < 1000; created++) pool.createThin(created);
  });
  assert.ok(created > 20, `${created} devices`);
  pool.commit();
  requireClean(metadata);
  // The rest is the reserve, and what the admission has to assume of a change.
  assert.ok(pool.status().usedMetadataBlocks > 50);
  for (let id = 0; id < created; id++) pool.deleteDevice(id);
  pool.createThin(1);
  const device = pool.device(1);
  requireCode("metadata-full", () => {
    for (let chunk = 0; chunk < 20_000; chunk++) {
      device.write(((chunk * 7919) % 20_000) * CHUNK, filled(1, 1));
    }
  });
  device.write(0, filled(10, 2));
  pool.commit();
  requireClean(metadata);
  metadata.disk.sizeBytes = 400 * 4096;
  assert.equal(pool.growMetadata(), 400);
  device.write(19_999 * CHUNK, filled(10, 2));
  pool.commit();
  requireClean(metadata);
  assert.deepEqual(reopen().deviceStatus(1), pool.deviceStatus(1));
});

test("device ids are 24 bits, and messages that cannot be obeyed change nothing", () => {
  const { pool, log } = setUp();
  pool.createThin(0);
  pool.createThin(0xff_ffff);
  log.length = 0;
  requireCode("invalid-argument", () => pool.createThin(0x100_0000));
  requireCode("invalid-argument", () => pool.createThin(-1));
  requireCode("device-exists", () => pool.createThin(0));
  requireCode("device-missing", () => pool.createSnapshot(5, 4));
  requireCode("device-missing", () => pool.deleteDevice(4));
  requireCode("device-missing", () => pool.device(4));
  requireCode("transaction-mismatch", () => pool.setTransactionId(1, 2));
  requireCode("transaction-mismatch", () => pool.transact([
    { kind: "create-thin", deviceId: 7 }, { kind: "set-transaction-id", from: 5, to: 6 },
  ]));
  assert.deepEqual(log, []);
  assert.deepEqual(pool.deviceIds(), [0, 0xff_ffff]);
});

test("messages and a step of the transaction id are one commit", () => {
  const { pool, log, reopen } = setUp();
  pool.transact([
    { kind: "create-thin", deviceId: 1 },
    { kind: "create-snapshot", deviceId: 2, originId: 1 },
    { kind: "set-transaction-id", from: 0, to: 1 },
  ]);
  assert.equal(log.filter((entry) => entry === "metadata write superblock").length, 1);
  const again = reopen();
  assert.equal(again.status().transactionId, 1);
  assert.deepEqual(again.devices(), [
    { deviceId: 1, highestMappedBlock: undefined, mappedBlocks: 0, transactionId: 0, creationTime: 0,
      snapshottedTime: 1 },
    { deviceId: 2, highestMappedBlock: undefined, mappedBlocks: 0, transactionId: 0, creationTime: 1,
      snapshottedTime: 1 },
  ]);
});

test("there is one metadata snapshot at a time, and it keeps its blocks", () => {
  const { pool, metadata } = setUp();
  pool.createThin(1);
  const device = pool.device(1);
  device.write(0, filled(10 * CHUNK, 1));
  requireCode("snapshot-missing", () => pool.releaseMetadataSnapshot());
  pool.reserveMetadataSnapshot();
  requireCode("snapshot-held", () => pool.reserveMetadataSnapshot());
  device.discard(0, 10 * CHUNK);
  pool.commit();
  requireClean(metadata);
  assert.equal(pool.status().usedDataBlocks, 10);
  pool.releaseMetadataSnapshot();
  assert.equal(pool.status().usedDataBlocks, 0);
  requireClean(metadata);
});

test("a failed commit goes back to the last one, sets needs_check, and a cleared flag opens it again", () => {
  const journal = new MemoryJournal();
  const { pool, metadata, reopen } = setUp({ journal });
  pool.createThin(1);
  const device = pool.device(1);
  device.write(0, filled(10, 1));
  pool.commit();
  device.write(CHUNK, filled(10, 2));
  let failures = 1;
  metadata.disk.faults = (operation) => (operation === "flush" && failures-- > 0 ? "EIO" : undefined);
  requireCode("metadata-io", () => pool.commit());
  assert.equal(pool.status().mode, "read-only");
  assert.equal(pool.status().needsCheck, true);
  assert.deepEqual(readBack(pool, 1, CHUNK, 10), filled(10, 2)); // From the journal.
  device.write(0, filled(5, 7)); // In place is fine, as in the kernel.
  requireCode("read-only", () => device.write(2 * CHUNK, filled(10, 2)));
  requireCode("read-only", () => pool.createThin(2));
  requireCode("read-only", () => pool.commit());
  metadata.disk.faults = undefined;
  assert.equal(reopen().status().mode, "read-only");
  ThinPool.clearNeedsCheck(metadata);
  const again = reopen();
  assert.equal(again.status().mode, "write");
  assert.deepEqual(readBack(again, 1, CHUNK, 10), filled(10, 2));
  requireClean(metadata);
});

test("a write whose data cannot be written maps nothing and gives its chunk back", () => {
  const { pool, data, metadata } = setUp({ dataChunks: 4 });
  pool.createThin(1);
  const device = pool.device(1);
  data.disk.faults = (operation) => (operation === "write" ? "EIO" : undefined);
  for (let chunk = 0; chunk < 20; chunk++) {
    assert.throws(() => device.write(chunk * CHUNK, filled(10, 1)), { name: "DiskError", code: "EIO" });
  }
  data.disk.faults = undefined;
  assert.equal(pool.status().usedDataBlocks, 0);
  device.write(0, filled(4 * CHUNK, 1));
  pool.commit();
  requireClean(metadata);
});

test("read-only refuses every change and writes nothing", () => {
  const { pool, log, reopen } = setUp();
  pool.createThin(1);
  pool.device(1).write(0, filled(CHUNK, 1));
  pool.close();
  const again = reopen({ readOnly: true });
  const device = again.device(1);
  requireCode("read-only", () => device.write(0, filled(1, 1)));
  requireCode("read-only", () => device.discard(0, CHUNK));
  requireCode("read-only", () => again.createThin(2));
  assert.deepEqual(readBack(again, 1, 0, CHUNK), filled(CHUNK, 1));
  again.commit();
  again.close();
  assert.deepEqual(log.filter((entry) => entry !== "data flush"), []);
});

test("what is not a pool, or not one this engine knows, is refused with the right words", () => {
  const { metadata, data, pool } = setUp();
  pool.close();
  requireCode("invalid-argument", () => ThinPool.open({ metadata, data, dataBlockSectors: 256 }));
  data.disk.sizeBytes -= CHUNK;
  requireCode("invalid-argument", () => ThinPool.open({ metadata, data }));
  data.disk.sizeBytes += CHUNK;
  for (const dataBlockSectors of [0, 64, 129, 2_097_280]) {
    requireCode("invalid-argument", () => ThinPool.format({ metadata, data, dataBlockSectors }));
  }
  metadata.disk.flipBit(200, 3);
  requireCode("corrupt", () => ThinPool.open({ metadata, data }));
  assert.equal(ThinPool.isFormatted(metadata), true);
  metadata.write(0, new Uint8Array(4096));
  assert.equal(ThinPool.isFormatted(metadata), false);
  requireCode("unformatted", () => ThinPool.open({ metadata, data }));
});

test("a small cache evicts and spills, and everything is still there", () => {
  const { pool, metadata, reopen } = setUp({
    dataChunks: 60_000, metadataBytes: 32 * MiB, cacheBytes: 1, zeroNewBlocks: false,
  });
  const random = new Random(3);
  pool.createThin(1);
  const device = pool.device(1);
  const mapped = new Map<number, number>();
  for (let count = 0; count < 30_000; count++) {
    const block = random.below(10_000_000);
    device.write(block * CHUNK, filled(4, 1));
    mapped.set(block, device.lookup(block));
  }
  pool.commit();
  requireClean(metadata);
  const again = reopen().device(1);
  for (const [block, dataBlock] of mapped) assert.equal(again.lookup(block), dataBlock);
});
