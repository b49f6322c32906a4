/**
 * XXH64 with seed 0, in halves of 32 bits: no BigInt, no allocation, one call at a time. GlusterFS
 * names `trusted.gfid2path.<16 digits>` by it, of "<parent gfid>/<name>", and sockets of bricks;
 * the digits are the hash big-endian, in lower case (XXH64_canonicalFromHash).
 *
 * The algorithm is Yann Collet's, as doc/xxhash_spec.md of xxHash describes it: four lanes over
 * stripes of 32 bytes, merged, then what is left by 8, 4 and 1 bytes, then an avalanche.
 */

const PRIME_1_HIGH = 0x9e3779b1;
const PRIME_1_LOW = 0x85ebca87;
const PRIME_2_HIGH = 0xc2b2ae3d;
const PRIME_2_LOW = 0x27d4eb4f;
const PRIME_3_HIGH = 0x165667b1;
const PRIME_3_LOW = 0x9e3779f9;
const PRIME_4_HIGH = 0x85ebca77;
const PRIME_4_LOW = 0xc2b2ae63;
const PRIME_5_HIGH = 0x27d4eb2f;
const PRIME_5_LOW = 0x165667c5;
/** How far each lane is turned before it is added. */
const MERGE_BITS = [1, 7, 12, 18];
const STRIPE_BYTES = 32;
const DIGITS = 16;

/** The register that the steps below work on. */
let high = 0;
let low = 0;
/** Lane by lane: high, low. */
const lanes = new Uint32Array(8);

/**
 * Write the 16 digits of the hash of `bytes[from]` to `bytes[to - 1]` as ASCII to `target[at]` on.
 * `target` may be `bytes`.
 */
export function writeXxh64(
  bytes: Uint8Array, from: number, to: number, target: Uint8Array, at: number,
): void {
  digest(bytes, from, to);
  for (let digit = 0; digit < DIGITS; digit++) {
    const half = digit < 8 ? high : low;
    const value = (half >>> (28 - 4 * (digit & 7))) & 0xf;
    target[at + digit] = value < 10 ? 0x30 + value : 0x57 + value;
  }
}

/** The 16 digits as text. */
export function xxh64Hex(bytes: Uint8Array): string {
  digest(bytes, 0, bytes.length);
  return (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0");
}

function digest(bytes: Uint8Array, from: number, to: number): void {
  const length = to - from;
  let at = from;
  if (length >= STRIPE_BYTES) {
    startLanes();
    for (; at + STRIPE_BYTES <= to; at += STRIPE_BYTES) {
      for (let lane = 0; lane < 4; lane++) round(2 * lane, bytes, at + 8 * lane);
    }
    mergeLanes();
  } else {
    high = PRIME_5_HIGH;
    low = PRIME_5_LOW;
  }
  add(0, length);
  for (; at + 8 <= to; at += 8) {
    const keptHigh = high;
    const keptLow = low;
    high = word(bytes, at + 4);
    low = word(bytes, at);
    scramble();
    high ^= keptHigh;
    low ^= keptLow;
    rotate(27);
    multiply(PRIME_1_HIGH, PRIME_1_LOW);
    add(PRIME_4_HIGH, PRIME_4_LOW);
  }
  tail(bytes, at, to);
  avalanche();
}

function startLanes(): void {
  high = PRIME_1_HIGH;
  low = PRIME_1_LOW;
  add(PRIME_2_HIGH, PRIME_2_LOW);
  storeLane(0);
  high = PRIME_2_HIGH;
  low = PRIME_2_LOW;
  storeLane(2);
  high = 0;
  low = 0;
  storeLane(4);
  // Minus the first prime.
  high = ~PRIME_1_HIGH;
  low = ~PRIME_1_LOW;
  add(0, 1);
  storeLane(6);
}

function storeLane(lane: number): void {
  lanes[lane] = high;
  lanes[lane + 1] = low;
}

function round(lane: number, bytes: Uint8Array, at: number): void {
  high = word(bytes, at + 4);
  low = word(bytes, at);
  multiply(PRIME_2_HIGH, PRIME_2_LOW);
  add(lanes[lane]!, lanes[lane + 1]!);
  rotate(31);
  multiply(PRIME_1_HIGH, PRIME_1_LOW);
  storeLane(lane);
}

/** A round on zero: what an input word, or a lane, becomes before it is mixed in. */
function scramble(): void {
  multiply(PRIME_2_HIGH, PRIME_2_LOW);
  rotate(31);
  multiply(PRIME_1_HIGH, PRIME_1_LOW);
}

function mergeLanes(): void {
  let sumHigh = 0;
  let sumLow = 0;
  for (let lane = 0; lane < 4; lane++) {
    high = lanes[2 * lane]!;
    low = lanes[2 * lane + 1]!;
    rotate(MERGE_BITS[lane]!);
    add(sumHigh, sumLow);
    sumHigh = high;
    sumLow = low;
  }
  for (let lane = 0; lane < 4; lane++) {
    high = lanes[2 * lane]!;
    low = lanes[2 * lane + 1]!;
    scramble();
    high ^= sumHigh;
    low ^= sumLow;
    multiply(PRIME_1_HIGH, PRIME_1_LOW);
    add(PRIME_4_HIGH, PRIME_4_LOW);
    sumHigh = high;
    sumLow = low;
  }
}

function tail(bytes: Uint8Array, from: number, to: number): void {
  let at = from;
  if (at + 4 <= to) {
    mixIn(PRIME_1_HIGH, PRIME_1_LOW, word(bytes, at));
    rotate(23);
    multiply(PRIME_2_HIGH, PRIME_2_LOW);
    add(PRIME_3_HIGH, PRIME_3_LOW);
    at += 4;
  }
  for (; at < to; at++) {
    mixIn(PRIME_5_HIGH, PRIME_5_LOW, bytes[at]!);
    rotate(11);
    multiply(PRIME_1_HIGH, PRIME_1_LOW);
  }
}

/** The register, xor the value times the prime. */
function mixIn(primeHigh: number, primeLow: number, value: number): void {
  const keptHigh = high;
  const keptLow = low;
  high = 0;
  low = value;
  multiply(primeHigh, primeLow);
  high ^= keptHigh;
  low ^= keptLow;
}

function avalanche(): void {
  // Shifts by 33, 29 and 32 to the right.
  low ^= high >>> 1;
  multiply(PRIME_2_HIGH, PRIME_2_LOW);
  const shifted = (high << 3) | (low >>> 29);
  low ^= shifted;
  high ^= high >>> 29;
  multiply(PRIME_3_HIGH, PRIME_3_LOW);
  low ^= high;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function add(otherHigh: number, otherLow: number): void {
  const sum = (low >>> 0) + (otherLow >>> 0);
  low = sum | 0;
  high = (high + otherHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
}

function rotate(bits: number): void {
  const kept = high;
  high = (high << bits) | (low >>> (32 - bits));
  low = (low << bits) | (kept >>> (32 - bits));
}

/** 32 x 32 bits give 64, by quarters of 16; the upper halves only count into the upper half. */
function multiply(otherHigh: number, otherLow: number): void {
  const a = low >>> 16;
  const b = low & 0xffff;
  const c = otherLow >>> 16;
  const d = otherLow & 0xffff;
  const middle = a * d + ((b * d) >>> 16);
  const second = b * c + (middle & 0xffff);
  const carry = a * c + (middle >>> 16) + (second >>> 16);
  high = (carry + Math.imul(high, otherLow) + Math.imul(low, otherHigh)) | 0;
  low = Math.imul(low, otherLow);
}
