/**
 * XATTROP: arithmetic on an extended attribute, by which AFR and EC count what is pending. Values
 * are arrays of big-endian signed numbers that wrap around.
 *
 * | flag | | stored | answered |
 * |---|---|---|---|
 * | 0 | ADD_ARRAY | old + operand, 32 bits each | the same |
 * | 1 | ADD_ARRAY64 | old + operand, 64 bits each | the same |
 * | 2 | OR_ARRAY | old or operand | the same |
 * | 3 | AND_ARRAY | old and operand | the same |
 * | 4 | GET_AND_SET | operand | old; nothing if it was absent |
 * | 5, 6 | ..._WITH_DEFAULT | as 0, 1; what was 0 gets the second half too | the same |
 *
 * Stock 10.3 answers EINVAL to OR and AND, and no client sends them.
 *
 * An absent attribute counts as zeros, a shorter one as ending in zeros; a longer one is ERANGE.
 * Except for GET_AND_SET, an operand of zeros only asks: the old value, or zeros, is answered, and
 * nothing is stored, so that no attribute comes to be. Bytes behind the last whole number stay.
 * All keys of one request are one step for every other XATTROP: the caller sees to that.
 */

export const XATTROP_FLAG = {
  addArray: 0, addArray64: 1, or: 2, and: 3, getAndSet: 4, addArrayWithDefault: 5,
  addArray64WithDefault: 6,
} as const;

/** What is to be done: a status, or, positive, an errno. */
export const XATTROP = {
  /** Answer `target`; store nothing. */
  unchanged: 0,
  /** Store `target` and answer it. */
  store: -1,
  /** Store the operand, and answer `target`. */
  storeOperand: -2,
  /** Store the operand; the answer lacks the key. */
  storeOperandSilently: -3,
  invalid: 22,
  range: 34,
} as const;

/** How long the stored and the answered value are. */
export function xattropLength(flag: number, operandLength: number): number {
  const hasDefault = flag === XATTROP_FLAG.addArrayWithDefault
    || flag === XATTROP_FLAG.addArray64WithDefault;
  return hasDefault ? operandLength >>> 1 : operandLength;
}

/**
 * `target` holds the old value in its first `oldLength` bytes (-1: it is absent), and gets the new
 * one in xattropLength() bytes. Result: XATTROP. `target` must not be `operand`.
 */
export function xattrop(
  flag: number, operand: Uint8Array, target: Uint8Array, oldLength: number,
): number {
  if (flag < XATTROP_FLAG.addArray || flag > XATTROP_FLAG.addArray64WithDefault) {
    return XATTROP.invalid;
  }
  const length = xattropLength(flag, operand.length);
  if (oldLength > length || target.length < length) return XATTROP.range;
  for (let at = Math.max(oldLength, 0); at < length; at++) target[at] = 0;
  if (flag === XATTROP_FLAG.getAndSet) {
    return oldLength < 0 ? XATTROP.storeOperandSilently : XATTROP.storeOperand;
  }
  if (isZero(operand, operand.length)) return XATTROP.unchanged;
  combine(flag, operand, target, length);
  return XATTROP.store;
}

/** True when the first `length` bytes are zeros: nothing is pending. */
export function isZero(bytes: Uint8Array, length: number): boolean {
  for (let at = 0; at < length; at++) if (bytes[at] !== 0) return false;
  return true;
}

function combine(flag: number, operand: Uint8Array, target: Uint8Array, length: number): void {
  switch (flag) {
    case XATTROP_FLAG.addArray:
      return add(operand, target, length, 4, false);
    case XATTROP_FLAG.addArray64:
      return add(operand, target, length, 8, false);
    case XATTROP_FLAG.addArrayWithDefault:
      return add(operand, target, length, 4, true);
    case XATTROP_FLAG.addArray64WithDefault:
      return add(operand, target, length, 8, true);
    case XATTROP_FLAG.or:
      for (let at = 0; at < length; at++) target[at] = target[at]! | operand[at]!;
      return undefined;
    default:
      for (let at = 0; at < length; at++) target[at] = target[at]! & operand[at]!;
      return undefined;
  }
}

function add(
  operand: Uint8Array, target: Uint8Array, length: number, width: number, hasDefault: boolean,
): void {
  for (let from = 0; from + width <= length; from += width) {
    if (hasDefault && isZeroAt(target, from, width)) {
      addNumber(operand, length + from, target, from, width);
    }
    addNumber(operand, from, target, from, width);
  }
}

function isZeroAt(bytes: Uint8Array, from: number, width: number): boolean {
  for (let at = from; at < from + width; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Byte by byte from the last one, with a carry: wraps as two's complement does. */
function addNumber(
  source: Uint8Array, sourceAt: number, target: Uint8Array, targetAt: number, width: number,
): void {
  let carry = 0;
  for (let byte = width - 1; byte >= 0; byte--) {
    const sum = source[sourceAt + byte]! + target[targetAt + byte]! + carry;
    target[targetAt + byte] = sum;
    carry = sum >>> 8;
  }
}
