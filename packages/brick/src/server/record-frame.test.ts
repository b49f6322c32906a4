import assert from "node:assert/strict";
import { test } from "node:test";
import { allocate } from "../wire/memory.ts";
import { RecordFrame } from "./record-frame.ts";

/** Fragments with their marks; the last one is marked so. */
function stream(...fragments: string[]) {
  const bytes: number[] = [];
  fragments.forEach((part, index) => {
    const last = index === fragments.length - 1 ? 0x80 : 0;
    bytes.push(last, 0, 0, part.length, ...Buffer.from(part));
  });
  const memory = allocate(256);
  memory.bytes.set(bytes);
  return { memory, length: bytes.length };
}

function text(memory: { bytes: Uint8Array }, frame: RecordFrame): string {
  return Buffer.from(memory.bytes.subarray(frame.start, frame.end)).toString();
}

test("a record is found when it is whole, and not before", () => {
  for (const fragments of [["whole"], ["in ", "three", " parts"], ["", "x"], [""]]) {
    const full = stream(...fragments);
    for (let length = 0; length < full.length; length++) {
      const { memory } = stream(...fragments);
      const frame = new RecordFrame();
      assert.equal(frame.find(memory, 0, length, 1000), "partial", `${fragments.join("|")} at ${length}`);
      assert.ok(frame.wanted > length && frame.wanted <= full.length);
    }
    const frame = new RecordFrame();
    assert.equal(frame.find(full.memory, 0, full.length, 1000), "found");
    assert.equal(text(full.memory, frame), fragments.join(""));
    assert.equal(frame.next, full.length);
  }
});

test("a record that is too long is refused by its first mark, and by the sum of its marks", () => {
  const memory = allocate(64);
  memory.view.setUint32(0, 0xffff_ffff);
  assert.equal(new RecordFrame().find(memory, 0, 4, 1000), "long");
  const parts = stream("a".repeat(60), "b".repeat(60));
  assert.equal(new RecordFrame().find(parts.memory, 0, parts.length, 100), "long");
});
