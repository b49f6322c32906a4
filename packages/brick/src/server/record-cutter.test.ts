import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordCutter } from "./record-cutter.ts";

test("however the stream comes, no piece has bytes of two records, and none is lost", () => {
  const records = [0, 1, 5, 300, 2].map((length, index) => {
    const record = new Uint8Array(4 + length).fill(index + 1, 4);
    new DataView(record.buffer).setUint32(0, 0x8000_0000 + length);
    return record;
  });
  const stream = Buffer.concat(records);
  const ends = new Set<number>();
  let end = 0;
  for (const { length } of records) ends.add((end += length));
  for (let step = 1; step <= stream.length; step++) {
    const cutter = new RecordCutter();
    let at = 0;
    for (let from = 0; from < stream.length; from += step) {
      for (const piece of cutter.cut(stream.subarray(from, from + step))) {
        for (let inside = at + 1; inside < at + piece.length; inside++) {
          assert.ok(!ends.has(inside), `a record ends at ${inside}, inside of a piece`);
        }
        assert.deepEqual(Buffer.from(piece), stream.subarray(at, at + piece.length));
        at += piece.length;
      }
    }
    assert.equal(at, stream.length);
  }
});
