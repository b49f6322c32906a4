import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import { BufferJournal } from "./buffer-journal.ts";
import { JOURNAL_BASE_BYTES, UNMAPPED } from "./mapping-journal.ts";

const HEADER = 1024;
const RECORD = 32;

function base(byte: number): Uint8Array {
  return new Uint8Array(JOURNAL_BASE_BYTES).fill(byte);
}

function filled(records: number, memory = new Uint8Array(HEADER + 10 * RECORD)): Uint8Array {
  const journal = new BufferJournal(memory);
  journal.restart(base(7));
  for (let index = 0; index < records; index++) {
    journal.append(
      index + 1, 2 ** 40 + index, index + 1, index % 2 === 0 ? 2 ** 39 + index : UNMAPPED,
    );
  }
  return memory;
}

test("what was appended is what the next process opens", () => {
  const opened = new BufferJournal(filled(4)).open();
  assert.deepEqual(opened?.base, base(7));
  assert.deepEqual(opened?.records, [
    { deviceId: 1, virtualBlock: 2 ** 40, count: 1, dataBlock: 2 ** 39 },
    { deviceId: 2, virtualBlock: 2 ** 40 + 1, count: 2, dataBlock: UNMAPPED },
    { deviceId: 3, virtualBlock: 2 ** 40 + 2, count: 3, dataBlock: 2 ** 39 + 2 },
    { deviceId: 4, virtualBlock: 2 ** 40 + 3, count: 4, dataBlock: UNMAPPED },
  ]);
});

test("fresh and foreign memory holds no journal", () => {
  assert.equal(new BufferJournal(new Uint8Array(2048)).open(), undefined);
  assert.equal(new BufferJournal(new Uint8Array(2048).fill(0x55)).open(), undefined);
  assert.throws(() => new BufferJournal(new Uint8Array(100)), { code: "invalid-argument" });
});

test("a full journal refuses, and keeps what it has", () => {
  const memory = filled(10);
  const journal = new BufferJournal(memory);
  assert.equal(journal.open()?.records.length, 10);
  assert.equal(journal.append(1, 1, 1, 1), false);
  assert.equal(new BufferJournal(memory).open()?.records.length, 10);
});

test("appending goes on behind what an earlier process left", () => {
  const memory = filled(3);
  const journal = new BufferJournal(memory);
  journal.open();
  assert.ok(journal.append(9, 9, 9, 9));
  assert.equal(new BufferJournal(memory).open()?.records.length, 4);
});

test("a restart forgets, and records of before never come back", () => {
  const memory = filled(9);
  const journal = new BufferJournal(memory);
  journal.open();
  journal.restart(base(8));
  assert.deepEqual(new BufferJournal(memory).open(), { base: base(8), records: [] });
  journal.append(1, 2, 3, 4);
  assert.equal(new BufferJournal(memory).open()?.records.length, 1);
});

test("any damaged byte shortens the journal to what is whole", () => {
  const random = new Random(1);
  const whole = new BufferJournal(filled(8)).open()!.records;
  for (let round = 0; round < 500; round++) {
    const memory = filled(8);
    const at = random.below(HEADER + 8 * RECORD);
    memory[at]! ^= 1 << random.below(8);
    const opened = new BufferJournal(memory).open();
    if (at < 532) {
      assert.equal(opened, undefined, `byte ${at}`);
    } else {
      const kept = at < HEADER ? 8 : Math.floor((at - HEADER) / RECORD);
      assert.deepEqual(opened?.records, whole.slice(0, kept), `byte ${at}`);
    }
  }
});
