import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DIGEST_BYTES, digestHead, PIECE_BYTES, RUN_BYTES, SUM_BYTES } from "./digest-format.ts";
import { DigestReader } from "./digest-reader.ts";
import { DigestWriter } from "./digest-writer.ts";

const directory = mkdtempSync(join(tmpdir(), `mortar-digests-${process.pid}-`));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, "a.digests");
const SIZE = 100 * PIECE_BYTES + 512;
const piece = (fill: number, length = PIECE_BYTES): Buffer => Buffer.alloc(length, fill);

function written(): Buffer {
  const parts: Uint8Array[] = [];
  const runs = [{ begin: 2, count: 3 }, { begin: 99, count: 2 }];
  const writer = new DigestWriter({
    sizeBytes: SIZE, runs, write: (bytes) => void parts.push(Uint8Array.from(bytes)),
  });
  for (const fill of [2, 3, 4, 99]) writer.piece(piece(fill));
  writer.piece(piece(100, 512));
  writer.end();
  return Buffer.concat(parts);
}

function reading<T>(bytes: Uint8Array, work: (reader: DigestReader) => T, sizeBytes = SIZE): T {
  writeFileSync(path, bytes);
  const fd = openSync(path, "r");
  try {
    return work(new DigestReader(fd, path, sizeBytes));
  } finally {
    closeSync(fd);
  }
}

test("a piece is the same when it is as it was, and never when it was not there", () => {
  reading(written(), (reader) => {
    assert.equal(reader.isSame(0, piece(0)), false);
    assert.equal(reader.isSame(2, piece(2)), true);
    assert.equal(reader.isSame(3, piece(9)), false);
    assert.equal(reader.isSame(4, piece(4)), true);
    assert.equal(reader.isSame(5, piece(5)), false);
    assert.equal(reader.isSame(99, piece(99)), true);
    assert.equal(reader.isSame(100, piece(100, 512)), true);
    assert.equal(reader.isSame(101, piece(101)), false);
  });
});

test("it has 16 bytes a piece, and two files of one content do not agree in them", () => {
  const [one, other] = [written(), written()];
  const digests = digestHead.size + 2 * RUN_BYTES;
  assert.equal(one.length, digests + 5 * DIGEST_BYTES + SUM_BYTES);
  assert.notDeepEqual(one.subarray(digests), other.subarray(digests));
});

test("one that is cut off, longer, or has a flipped bit is refused", () => {
  const bytes = written();
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => reading(bytes.subarray(0, length), () => 0), /are damaged/);
  }
  assert.throws(() => reading(Buffer.concat([bytes, Buffer.alloc(1)]), () => 0), /are damaged/);
  for (let bit = 0; bit < bytes.length * 8; bit += 7) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => reading(flipped, () => 0), /are damaged/);
  }
  assert.throws(() => reading(bytes, () => 0, SIZE + 512), /is of a logical volume of/);
});
