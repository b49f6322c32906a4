import assert from "node:assert/strict";
import { test } from "node:test";
import { parseThinPoolStatus, parseThinStatus } from "./status.ts";

// The lines were printed by Linux 6.1.

test("a pool's figures, mode and flags are read", () => {
  const line = "4 113/1024 12/3200 - rw discard_passdown queue_if_no_space - 256 ";
  assert.deepEqual(parseThinPoolStatus(line), {
    mode: "rw",
    transactionId: 4,
    metadataUsedBlocks: 113,
    metadataTotalBlocks: 1024,
    dataUsedChunks: 12,
    dataTotalChunks: 3200,
    heldRoot: undefined,
    needsCheck: false,
  });
});

test("a held root, a full pool and a needed check are told", () => {
  const line = "9 1/8 2/2 31 out_of_data_space no_discard_passdown error_if_no_space needs_check";
  const status = parseThinPoolStatus(line);
  assert.equal(status.mode, "out-of-data-space");
  assert.equal(status.heldRoot, 31);
  assert.equal(status.needsCheck, true);
});

test("a pool that lost its metadata says one word", () => {
  assert.equal(parseThinPoolStatus("Fail").mode, "fail");
  assert.equal(parseThinStatus("Fail"), undefined);
});

test("a thin volume's mapped sectors and the highest of them are read", () => {
  assert.deepEqual(parseThinStatus("640 8191"), { mappedSectors: 640, highestMappedSector: 8191 });
  assert.deepEqual(parseThinStatus("0 -"), { mappedSectors: 0, highestMappedSector: undefined });
});

test("a line of another kind is an error", () => {
  for (const line of ["", "linear", "4 113/1024 12 - rw", "4 1/2 3/4 - maybe x"]) {
    assert.throws(() => parseThinPoolStatus(line), /no status/);
  }
  assert.throws(() => parseThinStatus("x -"), /no status/);
});
