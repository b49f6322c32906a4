import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualDisk, Random } from "@mortar/sim";
import { decodeSuperblock } from "./superblock.ts";
import { dumpXml } from "./dump-xml.ts";
import { ThinPool } from "./thin-pool.ts";

const MiB = 2 ** 20;

function newPool(metadataBytes: number) {
  const random = new Random(5);
  const metadata = new VirtualDisk({ sizeBytes: metadataBytes, random });
  const data = new VirtualDisk({ sizeBytes: 64 * MiB, random });
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  const pool = ThinPool.open({ metadata, data });
  pool.createThin(1);
  return { metadata, pool, thin: pool.device(1) };
}

function dump(metadata: VirtualDisk, superblock: Uint8Array): string {
  let text = "";
  const write = (piece: string): void => void (text += piece);
  dumpXml({ metadata, superblock: decodeSuperblock(superblock, 0), write });
  return text;
}

test("a pinned state stays readable over commits, for each reader until it lets go", () => {
  const { metadata, pool, thin } = newPool(4 * MiB);
  const bytes = new Uint8Array(65_536).fill(1);
  thin.write(0, bytes);
  const [first, second] = [{}, {}];
  const superblock = pool.pinCommitted(first);
  const before = dump(metadata, superblock);
  const later = pool.pinCommitted(second);
  for (let chunk = 1; chunk < 60; chunk++) {
    thin.write(chunk * 65_536, bytes);
    pool.commit();
  }
  assert.equal(dump(metadata, superblock), before);
  assert.equal(pool.unpinCommitted(first), true);
  pool.commit();
  assert.equal(dump(metadata, later), before);
  assert.equal(pool.unpinCommitted(second), true);
  assert.equal(pool.unpinCommitted(second), false, "once");
});

test("a pool that needs the blocks takes them, and says so", () => {
  const { pool, thin } = newPool(256 * 1024);
  const reader = {};
  pool.pinCommitted(reader);
  const bytes = new Uint8Array(65_536).fill(1);
  for (let round = 0; round < 40; round++) {
    thin.write(round * 65_536, bytes);
    pool.commit();
  }
  assert.equal(pool.unpinCommitted(reader), false);
});
