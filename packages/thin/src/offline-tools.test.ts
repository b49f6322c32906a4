/** Dump, restore, repair, delta, ls and rmap against Debian's tools, on pools with random histories. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { TestContext } from "node:test";
import { Random } from "@mortar/sim";
import type { BlockDevice } from "./block-device.ts";
import { childAt, entryCount, isLeaf } from "./btree-node.ts";
import { checkPool } from "./check-pool.ts";
import { deltaXml } from "./delta-xml.ts";
import { dumpXml } from "./dump-xml.ts";
import { FileDevice } from "./file-device.fixture.ts";
import { listDevices } from "./list-devices.ts";
import { blockKind, METADATA_BLOCK_BYTES, sealBlock, viewOf } from "./metadata-block.ts";
import { newNode, NodeReader } from "./node-reader.ts";
import { PoolReader } from "./pool-reader.ts";
import type { DeviceRoot } from "./pool-reader.ts";
import { mappingsOf } from "./repair-patients.fixture.ts";
import { repairPool } from "./repair-pool.ts";
import type { RepairOptions } from "./repair-pool.ts";
import { restoreXml } from "./restore-xml.ts";
import { reverseMap } from "./reverse-map.ts";
import { decodeSuperblock, encodeSuperblock, newBlock } from "./superblock.ts";
import { ThinPool } from "./thin-pool.ts";

const MiB = 2 ** 20;
const CHUNK = 65_536;
const METADATA_BYTES = 16 * MiB;

const VOID_BYTES = 2000 * MiB;
const nothing: BlockDevice = {
  sizeBytes: VOID_BYTES, read: (_offset, target) => target.fill(0), write() {}, discard() {}, flush() {},
};

interface Bench {
  readonly metadata: FileDevice;
  readonly file: (name: string, sizeBytes?: number) => FileDevice;
}

/** A pool whose devices were written, snapshotted, changed, trimmed and deleted at random. */
function randomPool(context: TestContext, seed: number, steps = 60): Bench {
  const directory = mkdtempSync(join(tmpdir(), `mortar-thin-tools-${process.pid}-`));
  const open: FileDevice[] = [];
  context.after(() => {
    for (const device of open) device.close();
    rmSync(directory, { recursive: true });
  });
  const file = (name: string, sizeBytes?: number): FileDevice => {
    const device = new FileDevice(join(directory, name), sizeBytes);
    open.push(device);
    return device;
  };
  const metadata = file("metadata", METADATA_BYTES);
  ThinPool.format({ metadata, data: nothing, dataBlockSectors: 128 });
  const pool = ThinPool.open({ metadata, data: nothing, zeroNewBlocks: false });
  const random = new Random(seed);
  const ids = [1];
  pool.createThin(1);
  pool.setTransactionId(0, 1);
  for (let step = 0; step < steps; step++) {
    const id = random.pick(ids);
    const next = step + 2;
    if (random.chance(0.1)) {
      pool.createSnapshot(next, id);
      ids.push(next);
    } else if (random.chance(0.06)) {
      pool.createThin(next);
      ids.push(next);
    } else if (ids.length > 2 && random.chance(0.05)) {
      pool.deleteDevice(id);
      ids.splice(ids.indexOf(id), 1);
    } else {
      change(pool, id, random);
    }
    if (random.chance(0.3)) pool.commit();
  }
  pool.commit();
  pool.close();
  return { metadata, file };
}

function change(pool: ThinPool, id: number, random: Random): void {
  const device = pool.device(id);
  const page = new Uint8Array(4096);
  const room = Math.floor(VOID_BYTES / CHUNK / 32);
  if (random.chance(0.2)) device.discard(random.below(8000) * CHUNK, random.below(300) * CHUNK);
  const scattered = random.below(room / 4);
  for (let count = 0; count < scattered; count++) device.write(random.below(8000) * CHUNK, page);
  const begin = random.below(8000);
  const end = begin + random.below(room / 4);
  for (let block = begin; block < end; block++) device.write(block * CHUNK, page);
  device.close();
}

function dump(metadata: BlockDevice): string {
  const parts: string[] = [];
  dumpXml({ metadata, write: (text) => parts.push(text) });
  return parts.join("");
}

function restore(target: FileDevice, xml: string, pieceLength = 1000): void {
  let at = 0;
  const read = (): string | undefined => {
    at += pieceLength;
    return at - pieceLength < xml.length ? xml.slice(at - pieceLength, at) : undefined;
  };
  restoreXml({ metadata: target, read });
}

function tool(name: string, ...args: readonly string[]): string {
  return execFileSync(name, args, { encoding: "utf8", maxBuffer: 256 * MiB, stdio: ["ignore", "pipe", "pipe"] });
}

function requireSound(metadata: FileDevice): void {
  metadata.flush();
  assert.deepEqual(checkPool(metadata).defects.filter(({ severity }) => severity !== "note"), []);
  tool("thin_check", metadata.path);
  assert.ok(tool("thin_dump", metadata.path) === dump(metadata));
}

const seeds = [1, 2, 3];
const missing = ((): string | false => {
  try {
    tool("thin_check", "--version");
    return false;
  } catch (error) {
    return `thin_check cannot be run: ${(error as Error).message}`;
  }
})();
const options = { skip: missing };

for (const seed of seeds) {
  test(`a dump restores to the same dump, seed ${seed}`, options, (context) => {
    const { metadata, file } = randomPool(context, seed);
    const xml = dump(metadata);
    const restored = file("restored", METADATA_BYTES);
    restore(restored, xml);
    requireSound(restored);
    assert.ok(dump(restored) === xml);
    const pool = ThinPool.open({ metadata: restored, data: nothing });
    change(pool, pool.devices()[0]!.deviceId, new Random(seed));
    pool.commit();
    requireSound(restored);
  });

  test(`delta says what thin_delta says, seed ${seed}`, options, (context) => {
    const { metadata } = randomPool(context, seed);
    const ids = new PoolReader({ metadata }).devices().map(({ id }) => id);
    for (const left of ids) {
      for (const right of ids) {
        const pair = ["--thin1", `${left}`, "--thin2", `${right}`, metadata.path];
        for (const verbose of [false, true]) {
          const parts: string[] = [];
          deltaXml({ metadata, left, right, verbose, write: (text) => parts.push(text) });
          const theirs = tool("thin_delta", ...(verbose ? ["--verbose"] : []), ...pair);
          assert.equal(parts.join(""), theirs);
        }
      }
    }
  });

  test(`exclusive and shared are what thin_ls says, seed ${seed}`, options, (context) => {
    const { metadata } = randomPool(context, seed);
    const theirs = tool(
      "thin_ls", "--no-headers", "-o",
      "DEV,MAPPED_BLOCKS,EXCLUSIVE_BLOCKS,SHARED_BLOCKS,TRANSACTION,CREATE_TIME,SNAP_TIME", metadata.path,
    );
    const ours = listDevices({ metadata }).devices.map((device) => Object.values(device));
    const rows = theirs.trim().split("\n").map((line) => line.trim().split(/ +/).map(Number));
    assert.deepEqual(ours, rows);
  });

  // thin_rmap 0.9 names one owner of a shared node only, so it is asked where nodes are not shared.
  test(`every owner is named that thin_rmap names, seed ${seed}`, options, (context) => {
    const { metadata, file } = randomPool(context, seed);
    const unshared = file("unshared", METADATA_BYTES);
    restore(unshared, dump(metadata));
    const random = new Random(seed);
    const regions = Array.from({ length: 5 }, () => {
      const begin = random.below(20_000);
      return { begin, end: begin + 1 + random.below(3000) };
    });
    const words = regions.flatMap(({ begin, end }) => ["--region", `${begin}..${end}`]);
    const theirs = tool("thin_rmap", ...words, unshared.path);
    const ours = reverseMap({ metadata, regions }).map((run) =>
      `data ${run.dataBegin}..${run.dataBegin + run.length} -> thin(${run.deviceId}) ` +
      `${run.begin}..${run.begin + run.length}`);
    assert.deepEqual(ours.toSorted(), theirs.trim().split("\n").filter(Boolean).toSorted());
  });
}

function repair(file: Bench["file"], source: BlockDevice, more: Partial<RepairOptions> = {}) {
  const target = file("repaired", METADATA_BYTES);
  const before = Buffer.alloc(METADATA_BYTES);
  source.read(0, before);
  const dry = repairPool({ source, ...more });
  const done = repairPool({ source, target, ...more });
  assert.deepEqual({ ...dry, usedMetadataBlocks: 0 }, { ...done, usedMetadataBlocks: 0 });
  const after = Buffer.alloc(METADATA_BYTES);
  source.read(0, after);
  assert.ok(before.equals(after), "the source was only read");
  requireSound(target);
  return { target, done };
}

function overwrite(metadata: BlockDevice, block: number, edit: (bytes: Uint8Array) => void): void {
  const bytes = newBlock();
  metadata.read(block * METADATA_BLOCK_BYTES, bytes);
  edit(bytes);
  metadata.write(block * METADATA_BLOCK_BYTES, bytes);
}

function superblockOf(metadata: BlockDevice) {
  const block = newBlock();
  metadata.read(0, block);
  return decodeSuperblock(block, 0);
}

for (const seed of seeds) {
  test(`repair without a superblock finds a whole state of the pool, seed ${seed}`, options, (context) => {
    const { metadata, file } = randomPool(context, seed);
    const xml = dump(metadata);
    const { transactionId, dataSpaceMap } = superblockOf(metadata);
    overwrite(metadata, 0, (bytes) => bytes.fill(0));
    const overrides =
      { transactionId, dataBlockSectors: 128, dataBlockCount: dataSpaceMap.blockCount };
    const { target, done } = repair(file, metadata, { overrides });
    assert.deepEqual(done.lost, []);
    assert.equal(done.roots.from, "scan");
    if (dump(target) === xml) return;
    // Nothing tells the last commit from the one before; but both must have been found.
    const wanted = done.otherRoots.some((roots) => {
      repairPool({ source: metadata, target, overrides, roots });
      return dump(target) === xml;
    });
    assert.ok(wanted, "the last commit is among the others");
  });

  test(`repair with damaged space maps and needs_check loses nothing, seed ${seed}`, options, (context) => {
    const { metadata, file } = randomPool(context, seed);
    const xml = dump(metadata);
    const superblock = superblockOf(metadata);
    overwrite(metadata, superblock.metadataSpaceMap.bitmapRoot, (bytes) => bytes.fill(0));
    overwrite(metadata, superblock.dataSpaceMap.bitmapRoot, (bytes) => bytes.fill(7, 100));
    overwrite(metadata, 0, (bytes) => encodeSuperblock({ ...superblock, flags: 1 }, bytes, 0));
    const { target, done } = repair(file, metadata);
    assert.deepEqual(done.lost, []);
    assert.ok(dump(target) === xml);
  });

  test(`repair names what a broken leaf held, and keeps the rest, seed ${seed}`, options, (context) => {
    const { metadata, file } = randomPool(context, seed);
    const device = fullest(metadata);
    const victim = someLeaf(metadata, device.root, seed);
    const before = mappingsOf(metadata);
    overwrite(metadata, victim, (bytes) => {
      bytes[2000]! ^= 1;
    });
    const { target, done } = repair(file, metadata);
    assert.ok(done.lost.some(({ deviceId }) => deviceId === device.id));
    const after = mappingsOf(target);
    assert.deepEqual([...after.keys()], [...before.keys()]);
    for (const [id, mappings] of before) {
      const lost = done.lost.filter(({ deviceId }) => deviceId === id);
      const kept = [...mappings].filter(([block]) =>
        !lost.some(({ begin, end }) => block >= begin && (end === undefined || block < end)));
      assert.deepEqual([...after.get(id)!], kept, `device ${id}`);
      assert.equal(kept.length < mappings.size, lost.length > 0);
    }
  });
}

test("repair with a broken root of devices goes back to a state that has one", options, (context) => {
  const { metadata, file } = randomPool(context, 8);
  overwrite(metadata, superblockOf(metadata).mappingRoot, (bytes) => {
    bytes[40]! ^= 1;
  });
  const { done } = repair(file, metadata);
  assert.equal(done.roots.from, "scan");
  assert.ok(done.deviceCount > 0);
});

test("repair with a broken root of one device keeps the others", options, (context) => {
  const { metadata, file } = randomPool(context, 9);
  const devices = new PoolReader({ metadata }).devices();
  const before = mappingsOf(metadata);
  const [first] = devices;
  overwrite(metadata, first!.root, (bytes) => bytes.fill(0));
  const { target, done } = repair(file, metadata);
  const lost = done.lost.map(({ deviceId }) => deviceId);
  assert.ok(lost.includes(first!.id));
  const after = mappingsOf(target);
  for (const { id } of devices) {
    assert.deepEqual(after.get(id), lost.includes(id) ? new Map() : before.get(id));
  }
});

test("repair keeps shared trees shared", options, (context) => {
  const { metadata, file } = randomPool(context, 3);
  const pool = ThinPool.open({ metadata, data: nothing });
  const id = pool.devices()[0]!.deviceId;
  for (let copy = 1000; copy < 1100; copy++) pool.createSnapshot(copy, id);
  pool.close();
  const xml = dump(metadata);
  const { target, done } = repair(file, metadata);
  assert.ok(dump(target) === xml);
  assert.ok(done.usedMetadataBlocks < 500, `${done.usedMetadataBlocks} blocks`);
});

test("a mapping beyond the end of the pool is dropped by name", options, (context) => {
  const { metadata, file } = randomPool(context, 2);
  const last = Math.max(...[...mappingsOf(metadata).values()].flatMap((map) => [...map.values()]));
  const { target, done } = repair(file, metadata, { overrides: { dataBlockCount: last } });
  assert.ok(done.lost.length > 0);
  assert.ok(done.lost.every(({ begin, end }) => end === begin + 1));
  assert.equal(superblockOf(target).dataSpaceMap.blockCount, last);
});

test("thin_restore and restore make the same of a file with overrides", options, (context) => {
  const { metadata, file } = randomPool(context, 5);
  const parts: string[] = [];
  const overrides = { transactionId: 77, dataBlockSectors: 256, dataBlockCount: 40_000 };
  dumpXml({ metadata, write: (text) => parts.push(text), overrides });
  const theirs = file("theirs", METADATA_BYTES);
  const xml = `${metadata.path}.xml`;
  writeFileSync(xml, dump(metadata));
  tool(
    "thin_restore", "-i", xml, "-o", theirs.path, "--transaction-id", "77", "--data-block-size", "256",
    "--nr-data-blocks", "40000",
  );
  assert.ok(dump(theirs) === parts.join(""));
  let sent = false;
  const read = (): string | undefined => {
    if (sent) return undefined;
    sent = true;
    return readFileSync(xml, "utf8");
  };
  const ours = file("ours", METADATA_BYTES);
  restoreXml({ metadata: ours, read, overrides });
  assert.ok(dump(ours) === parts.join(""));
});

function fullest(metadata: BlockDevice): DeviceRoot {
  const devices = new PoolReader({ metadata }).devices();
  return devices.reduce((a, b) => (b.details.mappedBlocks > a.details.mappedBlocks ? b : a));
}

function someLeaf(metadata: BlockDevice, root: number, seed: number): number {
  const nodes = new NodeReader(metadata);
  const node = newNode();
  for (let block = root; ; ) {
    assert.equal(nodes.read(block, node, 8), undefined);
    if (isLeaf(node.view)) return block;
    block = childAt(node.view, seed % entryCount(node.view));
  }
}

test("a leaf that lies about its keys is cut, not copied", options, (context) => {
  const { metadata, file } = randomPool(context, 4);
  const victim = someLeaf(metadata, fullest(metadata).root, 0);
  overwrite(metadata, victim, (bytes) => {
    const view = viewOf(bytes);
    const last = entryCount(view) - 1;
    view.setUint32(32 + last * 8, 7_000_000, true);
    sealBlock(bytes, view, blockKind.node, victim);
  });
  const { done } = repair(file, metadata);
  assert.ok(done.lost.some(({ begin }) => begin === 7_000_000));
});
