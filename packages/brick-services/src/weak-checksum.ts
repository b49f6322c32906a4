/**
 * The weak checksum of RCHECKSUM (gf_rsync_weak_checksum): Adler-32, but started at 0: the sum of
 * the bytes in the lower half, the sum of those sums in the upper, both modulo 65521.
 */
const MODULUS = 65_521;
/** So many bytes at most until a sum must be reduced to stay below 2^32. */
const RUN_BYTES = 5552;

export function weakChecksum(bytes: Uint8Array, from: number, to: number): number {
  let first = 0;
  let second = 0;
  for (let at = from; at < to;) {
    const end = Math.min(at + RUN_BYTES, to);
    for (; at < end; at++) {
      first += bytes[at]!;
      second += first;
    }
    first %= MODULUS;
    second %= MODULUS;
  }
  return second * 0x1_0000 + first;
}
