import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineStatus } from "@mortar/pool";
import { snapshotCapacity } from "./snapshot-capacity.ts";

function pool(dataUsedBlocks: number, metadataTotalBlocks: number, used: number): EngineStatus {
  return {
    transactionId: 1,
    mode: "write",
    needsCheck: false,
    chunkSectors: 128,
    dataUsedBlocks,
    dataTotalBlocks: dataUsedBlocks,
    metadataUsedBlocks: used,
    metadataTotalBlocks,
    heldRoot: null,
  };
}

test("a nearly empty pool has room for as many snapshots as it has free blocks, by two each", () => {
  assert.deepEqual(snapshotCapacity(pool(1, 1024, 111), 0), { sideBySide: 456, scattered: 456 });
});

test("LVM's size for 64 GiB in chunks of 64 KiB does not carry a thousand snapshots of 1 %", () => {
  // 64 MiB: 16,384 blocks, of which full trees take about 8,400.
  const { sideBySide, scattered } = snapshotCapacity(pool(1_048_576, 16_384, 10_000), 0);
  assert.ok(sideBySide > 50 && sideBySide < 100, String(sideBySide));
  assert.ok(scattered < 2, String(scattered));
});

test("room to grow counts", () => {
  const { sideBySide } = snapshotCapacity(pool(1_048_576, 16_384, 10_000), 1024 ** 3);
  assert.ok(sideBySide > 1000, String(sideBySide));
});
