import assert from "node:assert/strict";
import test from "node:test";
import { PowerCut, PowerSwitch } from "./power.ts";
import { Random } from "./random.ts";
import type { Settling } from "./sector-store.ts";
import { VirtualDisk } from "./virtual-disk.ts";

function newDisk(seed = 1, power = new PowerSwitch()): VirtualDisk {
  return new VirtualDisk({ sizeBytes: 1 << 20, random: new Random(seed), power });
}

function readBack(disk: VirtualDisk, offset: number, length: number): Uint8Array {
  const target = new Uint8Array(length);
  disk.read(offset, target);
  return target;
}

function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

test("what was written reads back at any alignment, before and after a flush", () => {
  const disk = newDisk();
  disk.write(700, filled(3000, 5));
  assert.deepEqual(readBack(disk, 699, 3), Uint8Array.of(0, 5, 5));
  disk.flush();
  disk.write(1000, filled(1, 6));
  assert.deepEqual(readBack(disk, 999, 3), Uint8Array.of(5, 6, 5));
  assert.throws(() => disk.write((1 << 20) - 1, filled(2, 1)), RangeError);
});

test("a crash never touches what was flushed, and settles each other sector to a version", () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const disk = newDisk(seed);
    disk.write(0, filled(2048, 1));
    disk.flush();
    disk.write(512, filled(1024, 2));
    disk.write(512, filled(512, 3));
    disk.crash();
    const found = [0, 512, 1024, 1536].map((offset) => {
      const sector = readBack(disk, offset, 512);
      assert.ok(sector.every((byte) => byte === sector[0]));
      return sector[0];
    });
    outcomes.add(found.join(""));
  }
  assert.deepEqual([...outcomes].toSorted(), ["1111", "1121", "1211", "1221", "1311", "1321"]);
});

test("a flush that fails loses sectors in secret: they read well until the crash", () => {
  let lost = 0;
  for (let seed = 0; seed < 50; seed++) {
    const disk = newDisk(seed);
    disk.write(0, filled(512, 1));
    disk.faults = (operation) => (operation === "flush" ? "EIO" : undefined);
    assert.throws(() => disk.flush(), { name: "DiskError", code: "EIO" });
    disk.faults = undefined;
    assert.equal(readBack(disk, 0, 1)[0], 1);
    disk.flush();
    disk.crash();
    if (readBack(disk, 0, 1)[0] === 0) lost += 1;
  }
  assert.ok(lost > 10 && lost < 50, `${lost}`);
});

test("one switch cuts all disks within an operation, and nothing happens until it is back", () => {
  let torn = 0;
  for (let seed = 0; seed < 20; seed++) {
    const power = new PowerSwitch();
    const first = newDisk(seed, power);
    const second = newDisk(seed + 1, power);
    power.cutAfter(2);
    first.write(0, filled(512, 1));
    second.write(0, filled(512, 1));
    assert.throws(() => first.write(512, filled(100 * 512, 2)), PowerCut);
    assert.throws(() => second.flush(), PowerCut);
    assert.throws(() => readBack(second, 0, 1), PowerCut);
    power.restore();
    const bytes = readBack(first, 512, 100 * 512);
    if (bytes.includes(2) && bytes.includes(0)) torn += 1;
  }
  assert.ok(torn > 5, `${torn}`);
});

test("a clone lives its own life", () => {
  const disk = newDisk();
  disk.write(0, filled(512, 1));
  const copy = disk.clone(new Random(2));
  copy.write(0, filled(512, 2));
  disk.crashLosingAll();
  assert.equal(readBack(copy, 0, 1)[0], 2);
  assert.equal(readBack(disk, 0, 1)[0], 0);
});

test("a flipped bit changes one bit, and no count", () => {
  const disk = newDisk();
  disk.flipBit(1000, 3);
  assert.equal(readBack(disk, 1000, 1)[0], 8);
  assert.equal(disk.count.write, 0);
});

test("a crash settles in the way it is told to", () => {
  const outcomes = (settling: Settling): string[] => {
    const found = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const disk = newDisk(seed);
      disk.write(0, filled(1024, 1));
      disk.write(4096, filled(512, 2));
      disk.write(0, filled(512, 3));
      disk.crash(settling);
      found.add([0, 512, 4096].map((offset) => readBack(disk, offset, 1)[0]).join(""));
    }
    return [...found].toSorted();
  };
  assert.deepEqual(outcomes("none"), ["000"]);
  assert.deepEqual(outcomes("all"), ["312"]);
  assert.deepEqual(outcomes("prefix"), ["000", "100", "110", "112", "312"]);
  assert.deepEqual(outcomes("writes"), ["000", "002", "110", "112", "300", "302", "310", "312"]);
  assert.equal(outcomes("sectors").length, 3 * 2 * 2);
});

test("a transfer that stops short has done a beginning of it, and says so", () => {
  const beginnings = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const disk = newDisk(seed);
    disk.write(0, filled(1536, 1));
    disk.faults = () => "short";
    assert.throws(() => disk.write(0, filled(1536, 2)), { name: "DiskError", code: "ENOSPC" });
    const target = filled(1536, 9);
    assert.throws(() => disk.read(0, target), { name: "DiskError", code: "EIO" });
    disk.faults = undefined;
    beginnings.add([0, 512, 1024].map((offset) => readBack(disk, offset, 1)[0]).join(""));
  }
  assert.deepEqual([...beginnings].toSorted(), ["111", "211", "221"]);
});

test("a disk that lies says fine, and keeps a list of its lies", () => {
  const disk = newDisk();
  disk.write(0, filled(4096, 1));
  disk.flush();
  disk.faults = (operation) => (operation === "write" ? "lost" : undefined);
  disk.write(0, filled(4096, 2));
  disk.faults = (operation) => (operation === "write" ? "misdirected" : undefined);
  disk.write(0, filled(4096, 3));
  disk.faults = undefined;
  const [lost, misdirected] = disk.lies;
  assert.equal(lost?.landed, undefined);
  assert.equal(readBack(disk, misdirected!.landed!, 1)[0], 3);
  if (misdirected!.landed !== 0) assert.equal(readBack(disk, 0, 1)[0], 1);
  assert.deepEqual(disk.lies.map(({ fault }) => fault), ["lost", "misdirected"]);
});

test("a flush that lies makes nothing durable", () => {
  const disk = newDisk();
  disk.write(0, filled(512, 1));
  disk.faults = () => "lost";
  disk.flush();
  disk.faults = undefined;
  disk.crashLosingAll();
  assert.equal(readBack(disk, 0, 1)[0], 0);
});

test("a stale read gives what was there before the last write, and the next read the truth", () => {
  for (const flushed of [true, false]) {
    const disk = newDisk();
    disk.write(0, filled(4096, 1));
    disk.flush();
    disk.write(0, filled(4096, 2));
    if (flushed) disk.flush();
    disk.faults = () => "stale";
    assert.equal(readBack(disk, 0, 1)[0], 1);
    disk.faults = undefined;
    assert.equal(readBack(disk, 0, 1)[0], 2);
  }
});

test("whoever watches sees each change before it happens", () => {
  const disk = newDisk();
  const seen: string[] = [];
  disk.beforeChange = ({ operation, offset, lengthBytes }) => {
    seen.push(`${operation} ${offset} ${lengthBytes} ${readBack(disk, 0, 1)[0]}`);
  };
  disk.write(0, filled(512, 7));
  disk.flush();
  disk.discard(512, 1024);
  assert.deepEqual(seen, ["write 0 512 0", "flush 0 0 7", "discard 512 1024 7"]);
});
