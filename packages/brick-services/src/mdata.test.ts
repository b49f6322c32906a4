import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import {
  MDATA_BYTES, mergeMdata, noTimes, parentFlags, readMdata, setUserTimes, startMdata, touchMdata,
  writeMdata,
} from "./index.ts";
import type { MdataTimes } from "./index.ts";

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

type Time = [seconds: number, nanoseconds: number];

function timesOf(change: Time, modification: Time, access: Time): MdataTimes {
  return {
    ctime: change[0], ctimeNsec: change[1], mtime: modification[0], mtimeNsec: modification[1],
    atime: access[0], atimeNsec: access[1],
  };
}

test("the disk form is 57 bytes, big-endian, change before modification before access", () => {
  const bytes = Buffer.alloc(MDATA_BYTES, 0xee);
  const times = timesOf([0x1_0000_0002, 3], [4, 5], [-1, 7]);
  writeMdata(viewOf(bytes), 0, times);
  assert.equal(bytes.toString("hex"), [
    "010000000000000000", "00000001000000020000000000000003", "00000000000000040000000000000005",
    "ffffffffffffffff0000000000000007",
  ].join(""));
  const read = noTimes();
  assert.ok(readMdata(viewOf(bytes), 0, MDATA_BYTES, read));
  assert.deepEqual(read, times);
});

test("what glusterfsd 10.3 stored of a file made and then linked is read and written", () => {
  const stock = Buffer.from("010000000000000000".concat(
    "000000006b03748a000000000ee38057", "000000006b03748a000000000e1538f3",
    "000000006b03748a000000000e1538f3",
  ), "hex");
  const times = noTimes();
  assert.ok(readMdata(viewOf(stock), 0, stock.length, times));
  const born: Time = [0x6b03748a, 0x0e1538f3];
  assert.deepEqual(times, timesOf([0x6b03748a, 0x0ee38057], born, born));
  const written = Buffer.alloc(MDATA_BYTES);
  writeMdata(viewOf(written), 0, times);
  assert.deepEqual(written, stock);
});

test("bytes of another length or version, or with too many nanoseconds, are not believed", () => {
  const bytes = new Uint8Array(64);
  writeMdata(viewOf(bytes), 0, noTimes());
  const times = noTimes();
  for (let length = 0; length < 64; length++) {
    assert.equal(readMdata(viewOf(bytes), 0, length, times), length === MDATA_BYTES);
    const cut = viewOf(bytes.subarray(0, length));
    assert.equal(readMdata(cut, 0, MDATA_BYTES, times), length >= MDATA_BYTES);
  }
  for (const [at, value] of [[0, 2], [17, 1], [37, 0x3c], [53, 0xff]] as const) {
    const broken = bytes.slice();
    broken[at] = value;
    assert.ok(!readMdata(viewOf(broken), 0, MDATA_BYTES, times), `byte ${at}`);
  }
});

test("the order of requests does not matter: each time is the latest that named it", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const requests = Array.from({ length: 6 }, () => ({
      flags: random.below(8), seconds: random.below(3), nanoseconds: random.below(3),
    }));
    const times = noTimes();
    for (const { flags, seconds, nanoseconds } of requests) {
      touchMdata(times, flags, seconds, nanoseconds);
    }
    const latest = (bit: number): number => Math.max(0, ...requests
      .filter(({ flags }) => (flags & bit) !== 0).map((one) => one.seconds * 10 + one.nanoseconds));
    assert.equal(times.ctime * 10 + times.ctimeNsec, latest(1));
    assert.equal(times.mtime * 10 + times.mtimeNsec, latest(2));
    assert.equal(times.atime * 10 + times.atimeNsec, latest(4));
  }
});

test("a touch tells whether anything must be stored, and parents have flags of their own", () => {
  const times = noTimes();
  startMdata(times, 10, 5);
  assert.ok(!touchMdata(times, 7, 10, 5));
  assert.ok(touchMdata(times, 2, 10, 6));
  assert.deepEqual(times, timesOf([10, 5], [10, 6], [10, 5]));
  assert.equal(parentFlags(0x19), 3);
  assert.equal(parentFlags(0x07), 0);
});

test("utimes sets back what it names, and never the change time", () => {
  const times = noTimes();
  startMdata(times, 10, 0);
  const user = { ...noTimes(), mtime: 3, mtimeNsec: 4, atime: 1, atimeNsec: 2 };
  setUserTimes(times, 0x20, user, 9, 0);
  assert.deepEqual(times, timesOf([10, 0], [3, 4], [10, 0]));
  setUserTimes(times, 0x10, user, 11, 0);
  assert.deepEqual(times, timesOf([11, 0], [3, 4], [1, 2]));
});

test("of two stored sets the later of each is kept", () => {
  const times = timesOf([5, 1], [5, 1], [5, 1]);
  assert.ok(!mergeMdata(times, { ...times, ctime: 4 }));
  assert.ok(mergeMdata(times, { ...times, atimeNsec: 2, mtime: 4 }));
  assert.deepEqual(times, timesOf([5, 1], [5, 1], [5, 2]));
});
