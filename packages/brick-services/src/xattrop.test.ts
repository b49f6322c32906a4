import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import {
  INDEX, INDEX_ACTION, IndexDecision, XATTROP, XATTROP_FLAG, xattrop, xattropLength,
} from "./index.ts";

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");

function run(flag: number, old: Uint8Array | undefined, operand: Uint8Array): [number, string] {
  const target = new Uint8Array(xattropLength(flag, operand.length)).fill(0xee);
  if (old !== undefined) target.set(old.subarray(0, target.length));
  const status = xattrop(flag, operand, target, old === undefined ? -1 : old.length);
  return [status, Buffer.from(target).toString("hex")];
}

test("AFR's counters: plus one, minus one, and below zero they wrap", () => {
  const one = hex("00000001 00000000 00000000");
  const minusOne = hex("ffffffff 00000000 00000000");
  assert.deepEqual(run(0, undefined, one), [XATTROP.store, "000000010000000000000000"]);
  assert.deepEqual(run(0, one, minusOne), [XATTROP.store, "000000000000000000000000"]);
  assert.deepEqual(run(0, undefined, minusOne), [XATTROP.store, "ffffffff0000000000000000"]);
  assert.deepEqual(run(0, hex("7fffffff"), hex("00000001")), [XATTROP.store, "80000000"]);
  assert.deepEqual(
    run(1, hex("00000000ffffffff"), hex("0000000000000001")), [XATTROP.store, "0000000100000000"],
  );
});

test("an operand of zeros asks and stores nothing, so that no attribute comes to be", () => {
  for (const flag of [0, 1, 2, 3]) {
    const zeros = new Uint8Array(8);
    const { unchanged } = XATTROP;
    assert.deepEqual(run(flag, undefined, zeros), [unchanged, "0000000000000000"]);
    assert.deepEqual(run(flag, hex("0102030405060708"), zeros), [unchanged, "0102030405060708"]);
  }
});

test("GET_AND_SET answers the old value, and without one no key", () => {
  assert.deepEqual(run(4, hex("aabb"), hex("0000")), [XATTROP.storeOperand, "aabb"]);
  assert.equal(run(4, undefined, hex("0102"))[0], XATTROP.storeOperandSilently);
});

test("the default is added to those numbers that are zero or absent", () => {
  const operand = hex("00000001 00000002 0000000a 00000014");
  assert.deepEqual(run(5, undefined, operand), [XATTROP.store, "0000000b00000016"]);
  assert.deepEqual(run(5, hex("00000005 00000000"), operand), [XATTROP.store, "0000000600000016"]);
  const wide = hex("0000000000000001 000000000000000a");
  assert.deepEqual(run(6, hex("0000000000000000"), wide), [XATTROP.store, "000000000000000b"]);
});

test("a longer old value is ERANGE, a flag that there is not EINVAL", () => {
  assert.equal(run(0, new Uint8Array(12), hex("00000001"))[0], XATTROP.range);
  assert.equal(run(7, undefined, hex("00000001"))[0], XATTROP.invalid);
  assert.equal(run(-1, undefined, hex("00000001"))[0], XATTROP.invalid);
});

test("sums are those of signed big integers cut to their width", () => {
  const random = new Random(7);
  for (let round = 0; round < 3000; round++) {
    const flag = random.pick([XATTROP_FLAG.addArray, XATTROP_FLAG.addArray64, 2, 3]);
    const width = flag === XATTROP_FLAG.addArray64 ? 8 : 4;
    const length = random.below(30);
    const make = (size: number): Uint8Array =>
      Uint8Array.from({ length: size }, () => random.pick([0, 0, 0xff, random.below(256)]));
    const old = random.chance(0.2) ? undefined : make(random.below(length + 1));
    const operand = make(length);
    if (operand.every((byte) => byte === 0)) continue;
    const expected = Buffer.alloc(length);
    if (old !== undefined) expected.set(old);
    for (let at = 0; at < length; at++) {
      if (flag === 2) expected[at]! |= operand[at]!;
      if (flag === 3) expected[at]! &= operand[at]!;
    }
    const numbers = flag < 2 ? Math.floor(length / width) : 0;
    for (let at = 0; at < numbers * width; at += width) {
      const number = (bytes: Uint8Array): bigint =>
        BigInt(`0x${Buffer.from(bytes.subarray(at, at + width)).toString("hex")}`);
      const sum = BigInt.asUintN(8 * width, number(expected) + number(operand));
      expected.set(Buffer.from(sum.toString(16).padStart(2 * width, "0"), "hex"), at);
    }
    assert.deepEqual(run(flag, old, operand), [XATTROP.store, expected.toString("hex")]);
  }
});

test("the index gets a link before something becomes pending, and loses it when nothing is", () => {
  const decision = new IndexDecision({
    pendingPrefixes: ["trusted.afr.V-"], pendingKeys: ["trusted.ec.dirty"],
    dirtyKeys: ["trusted.afr.dirty"],
  });
  decision.operand("trusted.afr.dirty", hex("00000001"));
  decision.operand("trusted.afr.V-client-0", hex("00000000"));
  decision.operand("user.other", hex("ff"));
  assert.equal(decision.actionBefore(INDEX.dirty), INDEX_ACTION.add);
  assert.equal(decision.actionBefore(INDEX.xattrop), INDEX_ACTION.none);
  decision.result("trusted.afr.dirty", hex("00000000"));
  decision.result("trusted.afr.V-client-0", hex("00000000"));
  decision.result("trusted.afr.V-client-1", hex("00000100"));
  assert.equal(decision.actionAfter(INDEX.dirty), INDEX_ACTION.remove);
  assert.equal(decision.actionAfter(INDEX.xattrop), INDEX_ACTION.add);
  decision.reset();
  decision.result("trusted.ec.dirty", new Uint8Array(16));
  assert.equal(decision.actionAfter(INDEX.dirty), INDEX_ACTION.none);
  assert.equal(decision.actionAfter(INDEX.xattrop), INDEX_ACTION.remove);
});
