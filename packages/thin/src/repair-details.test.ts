/** A pool that lost its details goes on with made-up ones, which must not let a device write into its snapshots. */
import assert from "node:assert/strict";
import test from "node:test";
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import { MemoryDevice } from "./memory-device.fixture.ts";
import { mappingsOf } from "./repair-patients.fixture.ts";
import { repairPool } from "./repair-pool.ts";
import { decodeSuperblock } from "./superblock.ts";
import { ThinPool } from "./thin-pool.ts";

const MiB = 2 ** 20;
const CHUNK = 65_536;

function filled(byte: number): Uint8Array {
  return new Uint8Array(CHUNK).fill(byte);
}

/** Device 1, written, and its snapshot 2; then the details are gone. */
function damagedPool() {
  const metadata = new MemoryDevice(new Uint8Array(4 * MiB));
  const data = new MemoryDevice(new Uint8Array(16 * MiB));
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  const pool = ThinPool.open({ metadata, data });
  pool.createThin(1);
  const device = pool.device(1);
  device.write(0, filled(1));
  pool.createSnapshot(2, 1);
  device.close();
  pool.close();
  const before = mappingsOf(metadata);
  const { detailsRoot } = decodeSuperblock(metadata.bytes.subarray(0, METADATA_BLOCK_BYTES), 0);
  metadata.bytes.fill(0, detailsRoot * METADATA_BLOCK_BYTES, (detailsRoot + 1) * METADATA_BLOCK_BYTES);
  return { metadata, data, before };
}

for (const superblock of ["with", "without"]) {
  test(`after the loss of the details, ${superblock} the pool's time, snapshots stay as they are`, () => {
    const { metadata, data, before } = damagedPool();
    const target = new MemoryDevice(new Uint8Array(4 * MiB));
    const { mappingRoot, detailsRoot } =
      decodeSuperblock(metadata.bytes.subarray(0, METADATA_BLOCK_BYTES), 0);
    if (superblock === "without") metadata.bytes.fill(0, 0, METADATA_BLOCK_BYTES);
    const done = repairPool({
      source: metadata, target, fallback: { dataBlockSectors: 128, dataBlockCount: 256 },
      roots: superblock === "without" ? { mappingRoot, detailsRoot } : undefined,
    });
    assert.deepEqual(done.lost, []);
    assert.deepEqual(done.notes.filter((note) => note.includes("made up")), [
      "device 1: its details are made up", "device 2: its details are made up",
    ]);
    assert.deepEqual(mappingsOf(target), before);
    const pool = ThinPool.open({ metadata: target, data });
    const [origin, snapshot] = [pool.device(1), pool.device(2)];
    origin.write(0, filled(2));
    const found = new Uint8Array(CHUNK);
    snapshot.read(0, found);
    assert.deepEqual(found, filled(1));
    for (const device of [origin, snapshot]) device.close();
    pool.close();
  });
}
