import assert from "node:assert/strict";
import { test } from "node:test";
import { XdrError, XdrReader, XdrWriter, xdr } from "./xdr.ts";
import type { XdrCodec } from "./xdr.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function encode<T>(codec: XdrCodec<T>, value: T): Uint8Array {
  const writer = new XdrWriter(1);
  codec.write(writer, value);
  return writer.copy();
}

function decode<T>(codec: XdrCodec<T>, bytes: Uint8Array): T {
  const reader = new XdrReader(bytes);
  const value = codec.read(reader);
  reader.finish();
  return value;
}

test("items are big-endian and padded to four bytes", () => {
  assert.equal(hex(encode(xdr.u32, 0xfffffffe)), "fffffffe");
  assert.equal(hex(encode(xdr.i32, -2)), "fffffffe");
  assert.equal(hex(encode(xdr.u64, 2 ** 53 - 1)), "001fffffffffffff");
  assert.equal(hex(encode(xdr.i64Nearest, -5_000_000_000)), "fffffffed5fa0e00");
  assert.equal(hex(encode(xdr.u64Halves, { high: 1, low: 0xffffffff })), "00000001ffffffff");
  assert.equal(hex(encode(xdr.bool, true)), "00000001");
  assert.equal(hex(encode(xdr.double, 1.5)), "3ff8000000000000");
  assert.equal(hex(encode(xdr.text, "abcde")), "000000056162636465000000");
  assert.equal(hex(encode(xdr.opaqueFixed(3), Uint8Array.of(1, 2, 3))), "01020300");
  assert.equal(hex(encode(xdr.optional(xdr.u32), undefined)), "00000000");
  assert.equal(hex(encode(xdr.optional(xdr.u32), 9)), "0000000100000009");
  assert.equal(hex(encode(xdr.chain(xdr.u32), [7, 8])), "0000000100000007000000010000000800000000");
  assert.equal(hex(encode(xdr.array(xdr.u32), [7])), "0000000100000007");
});

test("a writer that grows, or is used again, writes the same bytes", () => {
  const writer = new XdrWriter(1);
  for (let round = 0; round < 3; round++) {
    writer.reset();
    for (let item = 0; item < 200; item++) {
      writer.u32(item);
      writer.i64(-item);
      writer.double(item);
      writer.opaque(new Uint8Array(item % 7).fill(255));
    }
    const reader = new XdrReader(writer.copy());
    for (let item = 0; item < 200; item++) {
      assert.equal(reader.u32(), item);
      assert.equal(reader.i64Nearest(), item === 0 ? 0 : -item);
      assert.equal(reader.double(), item);
      assert.equal(reader.opaque().length, item % 7);
    }
    reader.finish();
  }
});

test("padding left over from an earlier use is zeroed", () => {
  const writer = new XdrWriter(8);
  writer.u64(0xffff_ffff_ffff);
  writer.reset();
  writer.opaque(Uint8Array.of(1));
  assert.equal(hex(writer.view()), "0000000101000000");
});

test("a record keeps the order of its members and infers their types", () => {
  const point = xdr.record({ name: xdr.text, x: xdr.i32, tags: xdr.array(xdr.text) });
  const value = { name: "p", x: -1, tags: ["a", "b"] };
  assert.deepEqual(decode(point, encode(point, value)), value);
  const x: number = decode(point, encode(point, value)).x;
  assert.equal(x, -1);
});

test("64-bit values: exact, nearest, or refused", () => {
  const wide = Buffer.from("7ffffffffffffffe", "hex");
  assert.throws(() => decode(xdr.u64, wide), { code: "bad-value" });
  assert.equal(decode(xdr.u64Nearest, wide), 2 ** 63);
  assert.deepEqual(decode(xdr.u64Halves, wide), { high: 0x7fffffff, low: 0xfffffffe });
  assert.equal(decode(xdr.i64Nearest, Buffer.from("ffffffffffffffff", "hex")), -1);
  for (const value of [-1, 1.5, 2 ** 53, Number.NaN]) {
    assert.throws(() => encode(xdr.u64, value), { code: "bad-value" });
  }
});

test("lengths and counts beyond the message are refused at once", () => {
  const huge = Buffer.from("ffffffff00000000", "hex");
  assert.throws(() => decode(xdr.opaque, huge), { code: "truncated" });
  assert.throws(() => decode(xdr.text, huge), { code: "truncated" });
  assert.throws(() => decode(xdr.array(xdr.u32), huge), { code: "truncated" });
  assert.throws(() => decode(xdr.array(xdr.scalar(0, () => 0, () => {})), huge), {
    code: "truncated",
  });
  assert.throws(() => decode(xdr.opaqueMax(3), encode(xdr.text, "abcd")), { code: "too-long" });
  assert.throws(() => decode(xdr.bool, Buffer.from("00000002", "hex")), { code: "bad-value" });
  assert.throws(() => decode(xdr.u32, new Uint8Array(5)), { code: "trailing-bytes" });
  assert.throws(() => encode(xdr.opaqueFixed(4), new Uint8Array(3)), { code: "bad-value" });
});

test("a message cut anywhere throws an XdrError", () => {
  const codec = xdr.record({
    a: xdr.u64, b: xdr.text, c: xdr.array(xdr.text), d: xdr.chain(xdr.i32), e: xdr.opaqueFixed(5),
  });
  const value = { a: 1, b: "bb", c: ["c", "cc"], d: [1, 2], e: new Uint8Array(5) };
  const bytes = encode(codec, value);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decode(codec, bytes.subarray(0, length)), XdrError);
  }
});

test("a reader sees only its range, and hands out views", () => {
  const bytes = Buffer.from("00000001000000026162000000000009", "hex");
  const reader = new XdrReader(bytes, 4, 12);
  const view = reader.opaque();
  assert.equal(view.buffer, bytes.buffer);
  assert.throws(() => reader.u32(), { code: "truncated" });
  assert.equal(reader.rest().length, 0);
  assert.throws(() => new XdrReader(bytes, 4, 99), XdrError);
});
