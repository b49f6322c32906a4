import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "@mortar/sim";
import { SpaceBacklog } from "./space-backlog.ts";
import type { SpaceEvents } from "./space-events.ts";
import { newSpaceLog, SpaceLogReader, SpaceLogWriter } from "./space-log.ts";

/** Writes down what it is told. */
class Diary implements SpaceEvents {
  readonly lines: string[] = [];
  provisioned(...numbers: number[]): void {
    this.lines.push(`provisioned ${numbers.join(" ")}`);
  }
  unmapped(...numbers: number[]): void {
    this.lines.push(`unmapped ${numbers.join(" ")}`);
  }
  created(deviceId: number): void {
    this.lines.push(`created ${deviceId}`);
  }
  snapshotted(deviceId: number, originId: number): void {
    this.lines.push(`snapshotted ${deviceId} ${originId}`);
  }
  deleted(deviceId: number): void {
    this.lines.push(`deleted ${deviceId}`);
  }
  held(): void {
    this.lines.push("held");
  }
  released(): void {
    this.lines.push("released");
  }
  lost(): void {
    this.lines.push("lost");
  }
}

function tell(events: readonly SpaceEvents[], random: Random): void {
  const device = random.below(2 ** 24);
  const block = random.below(2 ** 40);
  const what = random.below(7);
  const count = 1 + random.below(64);
  for (const one of events) {
    if (what === 0) one.provisioned(device, block, count);
    else if (what === 1) one.unmapped(device, block, 2 ** 32 - 1);
    else if (what === 2) one.created(device);
    else if (what === 3) one.snapshotted(device, 2 ** 24 - 1 - device);
    else if (what === 4) one.deleted(device);
    else if (what === 5) one.held();
    else one.released();
  }
}

test("what is written is read in order, round and round, also through a backlog", () => {
  const random = new Random(1);
  const memory = newSpaceLog(64);
  const writer = new SpaceLogWriter(memory);
  const reader = new SpaceLogReader(memory);
  const [told, read] = [new Diary(), new Diary()];
  for (let round = 0; round < 200; round++) {
    for (let count = random.below(65); count > 0; count--) tell([told, writer], random);
    const backlog = new SpaceBacklog();
    reader.drain(backlog);
    backlog.replay(read);
  }
  assert.ok(!reader.isLost);
  assert.ok(told.lines.length > 5000);
  assert.deepEqual(read.lines, told.lines);
});

test("a log that is full is lost at once, and the engine goes on", () => {
  const memory = newSpaceLog(8);
  const writer = new SpaceLogWriter(memory);
  const reader = new SpaceLogReader(memory);
  for (let id = 0; id < 8; id++) writer.created(id);
  assert.ok(!reader.isLost);
  writer.created(8);
  assert.ok(reader.isLost);
  writer.created(9);
  const diary = new Diary();
  reader.drain(diary);
  assert.equal(diary.lines.length, 8);
});

test("a reader that was woken before it waits does not wait", () => {
  const memory = newSpaceLog(8);
  const reader = new SpaceLogReader(memory);
  new SpaceLogWriter(memory).lost();
  reader.wait();
  assert.ok(reader.isLost);
});

test("a log of an odd size is refused", () => {
  assert.throws(() => new SpaceLogReader(newSpaceLog(100)), /no power of two/);
});
