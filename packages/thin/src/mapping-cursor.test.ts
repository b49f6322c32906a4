import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlockDevice } from "./block-device.ts";
import { ThinPool } from "./thin-pool.ts";

const CHUNK_BYTES = 65_536;
const BLOCKS = 4000; // More than fill thirty leaves.
const MAPPINGS_MAX = 16_000;

/** Holds metadata. */
function memoryDevice(sizeBytes: number): BlockDevice {
  const bytes = new Uint8Array(sizeBytes);
  return {
    sizeBytes,
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
    write: (offset, source) => bytes.set(source, offset),
    discard: () => undefined,
    flush: () => undefined,
  };
}

/** Only the mappings are of interest. */
const nowhere: BlockDevice = {
  sizeBytes: MAPPINGS_MAX * CHUNK_BYTES,
  read: (_offset, target) => void target.fill(0),
  write: () => undefined,
  discard: () => undefined,
  flush: () => undefined,
};

const scattered = (index: number): number => (index * 2731) % BLOCKS;

for (const cacheBytes of [64 * 4096, 16 * 2 ** 20]) {
  test(`what the cursor remembers is what the tree says, with a cache of ${cacheBytes}`, () => {
    const devices = { metadata: memoryDevice(4 * 2 ** 20), data: nowhere };
    ThinPool.format({ ...devices, dataBlockSectors: 128 });
    const pool = ThinPool.open({ ...devices, zeroNewBlocks: false, cacheBytes });
    pool.createThin(1);
    const device = pool.device(1);
    const page = new Uint8Array(4096);
    /** A device that was opened just now remembers nothing. */
    const compare = (when: string): void => {
      pool.commit();
      const fresh = ThinPool.open({ ...devices, zeroNewBlocks: false, readOnly: true }).device(1);
      for (let index = 0; index < BLOCKS; index++) {
        const block = scattered(index);
        assert.equal(device.lookup(block), fresh.lookup(block), `block ${block} ${when}`);
      }
    };
    for (let index = 0; index < BLOCKS; index += 2) {
      device.write(scattered(index) * CHUNK_BYTES, page);
      device.lookup(scattered(index + 1)); // Unmapped yet, and its leaf is remembered.
    }
    compare("after scattered writes");
    for (let block = 0; block < BLOCKS; block++) device.write(block * CHUNK_BYTES, page);
    compare("with every block mapped");
    assert.ok(device.writableRun(1000, 1) === 1);
    pool.createSnapshot(2, 1);
    for (let block = 0; block < BLOCKS; block += 100)
      assert.equal(device.writableRun(block, 1), 0, `block ${block} is shared now`);
    for (let block = 0; block < BLOCKS; block += 3) device.write(block * CHUNK_BYTES, page);
    compare("after sharing was broken");
    device.discard(500 * CHUNK_BYTES, 2000 * CHUNK_BYTES);
    compare("after a discard");
    assert.equal(device.lookup(2 ** 40), -1);
    pool.close();
  });
}
