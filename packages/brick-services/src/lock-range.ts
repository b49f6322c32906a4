/**
 * A range of bytes under a lock, both ends included, as halves of 32 bits: AFR's metadata lock
 * starts at 2^63 - 2, which no double holds. Where a request says length 0, the end is 2^63 - 1.
 */

/** Both ends included. Each position is high * 2^32 + low, at most 2^63 - 1. */
export interface LockRange {
  startHigh: number;
  startLow: number;
  endHigh: number;
  endLow: number;
}

const HIGH_MAX = 0x7fff_ffff;
const LOW_MAX = 0xffff_ffff;
const TWO_32 = 0x1_0000_0000;

/** Negative, zero or positive, as the first position is before, at or behind the second. */
export function comparePositions(
  high: number, low: number, otherHigh: number, otherLow: number,
): number {
  return high === otherHigh ? low - otherLow : high - otherHigh;
}

export function overlaps(a: LockRange, b: LockRange): boolean {
  return comparePositions(a.startHigh, a.startLow, b.endHigh, b.endLow) <= 0
    && comparePositions(b.startHigh, b.startLow, a.endHigh, a.endLow) <= 0;
}

export function equalRanges(a: LockRange, b: LockRange): boolean {
  return a.startHigh === b.startHigh && a.startLow === b.startLow
    && a.endHigh === b.endHigh && a.endLow === b.endLow;
}

/**
 * Set `range` to what a flock of the wire says. False, and `range` undefined, when start or length
 * is negative as a signed number, or their sum is beyond the last position.
 */
export function setRange(
  range: LockRange, startHigh: number, startLow: number, lengthHigh: number, lengthLow: number,
): boolean {
  if (startHigh > HIGH_MAX || lengthHigh > HIGH_MAX) return false;
  range.startHigh = startHigh;
  range.startLow = startLow;
  if (lengthHigh === 0 && lengthLow === 0) {
    range.endHigh = HIGH_MAX;
    range.endLow = LOW_MAX;
    return true;
  }
  // start + length - 1, the borrow first so that the sum of the highs stays below 2^32.
  const lastLow = lengthLow === 0 ? LOW_MAX : lengthLow - 1;
  const lastHigh = lengthLow === 0 ? lengthHigh - 1 : lengthHigh;
  const low = startLow + lastLow;
  range.endHigh = startHigh + lastHigh + (low > LOW_MAX ? 1 : 0);
  range.endLow = low > LOW_MAX ? low - TWO_32 : low;
  return range.endHigh <= HIGH_MAX;
}

/** As `setRange`, but a negative length means the bytes before `start`, as fcntl has it. */
export function setRangeSigned(
  range: LockRange, startHigh: number, startLow: number, lengthHigh: number, lengthLow: number,
): boolean {
  if (lengthHigh <= HIGH_MAX) return setRange(range, startHigh, startLow, lengthHigh, lengthLow);
  const low = startLow + lengthLow;
  const high = (startHigh + lengthHigh + (low > LOW_MAX ? 1 : 0)) % TWO_32;
  if (startHigh > HIGH_MAX || high > HIGH_MAX) return false;
  range.endHigh = startHigh;
  range.endLow = startLow;
  if (!stepBack(range)) return false;
  range.startHigh = high;
  range.startLow = low > LOW_MAX ? low - TWO_32 : low;
  return true;
}

/** The end to the position before it; false at 0. */
export function stepBack(range: LockRange): boolean {
  if (range.endLow > 0) range.endLow--;
  else if (range.endHigh === 0) return false;
  else {
    range.endHigh--;
    range.endLow = LOW_MAX;
  }
  return true;
}

/** The start to the position behind it; false at the last. */
export function stepForward(range: LockRange): boolean {
  if (range.startLow < LOW_MAX) range.startLow++;
  else if (range.startHigh === HIGH_MAX) return false;
  else {
    range.startHigh++;
    range.startLow = 0;
  }
  return true;
}

/** True when the end reaches the last position: on the wire, length 0. */
export function reachesEnd(range: LockRange): boolean {
  return range.endHigh === HIGH_MAX && range.endLow === LOW_MAX;
}

/** The length as it goes on the wire: 0 when it reaches the end. */
export function wireLength(range: LockRange): { high: number; low: number } {
  if (reachesEnd(range)) return { high: 0, low: 0 };
  const low = range.endLow - range.startLow + 1;
  const high = range.endHigh - range.startHigh;
  if (low < 0) return { high: high - 1, low: low + TWO_32 };
  return low > LOW_MAX ? { high: high + 1, low: 0 } : { high, low };
}
