import assert from "node:assert/strict";
import { test } from "node:test";
import { InodeTable, KNOWN } from "./inode-table.ts";

function gfid(number: number): DataView {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, Math.imul(number, 2_654_435_761) >>> 0);
  view.setUint32(12, number);
  return view;
}

test("what is entered is found by gfid and by inode number", () => {
  const table = new InodeTable(1000, () => undefined);
  for (let number = 1; number <= 1000; number++) {
    const slot = table.enter(gfid(number), 0);
    table.setInode(slot, number * 7, number, 5);
  }
  for (let number = 1; number <= 1000; number++) {
    const slot = table.find(gfid(number), 0);
    assert.ok(slot >= 0);
    assert.equal(table.findInode(number * 7, number, 5), slot);
    assert.equal(table.findInode(number * 7, number, 6), -1, "another birth is another inode");
  }
  assert.equal(table.find(gfid(1001), 0), -1);
});

test("the slot that was not used for the longest time goes, and is told", () => {
  const evicted: number[] = [];
  const table = new InodeTable(100, (slot) => evicted.push(slot));
  for (let number = 0; number < 100; number++) table.enter(gfid(number), 0);
  const kept = table.find(gfid(0), 0);
  table.set(kept, KNOWN.directory);
  const gone = table.find(gfid(2), 0);
  table.find(gfid(1), 0);
  // 3 is the oldest now, then 4, ….
  table.enter(gfid(500), 0);
  assert.equal(evicted.length, 1);
  assert.equal(table.find(gfid(3), 0), -1);
  assert.equal(table.find(gfid(0), 0), kept);
  assert.ok(table.has(kept, KNOWN.directory));
  assert.equal(table.find(gfid(2), 0), gone);
});

test("a forgotten object is not found, and its slot is used next", () => {
  const table = new InodeTable(100, () => undefined);
  for (let number = 0; number < 100; number++) {
    table.setInode(table.enter(gfid(number), 0), number + 1, 0, 0);
  }
  const slot = table.find(gfid(50), 0);
  table.forget(slot);
  assert.equal(table.find(gfid(50), 0), -1);
  assert.equal(table.findInode(51, 0, 0), -1);
  assert.equal(table.enter(gfid(777), 0), slot);
  assert.equal(table.has(slot, KNOWN.directory), false);
  for (let number = 0; number < 100; number++) {
    if (number !== 50) assert.ok(table.find(gfid(number), 0) >= 0);
  }
});

test("it stays right under many entries, look-ups and removals", () => {
  const table = new InodeTable(200, () => undefined);
  let state = 7;
  const dice = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
  for (let round = 0; round < 50_000; round++) {
    const number = dice(400);
    const view = gfid(number);
    if (dice(4) === 0) {
      const slot = table.find(view, 0);
      if (slot >= 0) table.forget(slot);
      assert.equal(table.find(view, 0), -1);
    } else {
      const slot = table.enter(view, 0);
      table.setInode(slot, number + 1, 1, 1);
      assert.equal(table.find(view, 0), slot);
      assert.equal(table.words[4 * slot + 3], number);
      assert.equal(table.findInode(number + 1, 1, 1), slot);
    }
  }
});
