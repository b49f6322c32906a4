/**
 * Gfids of what `.snaps` shows. An object of a snapshot must not have the gfid that it has in the
 * volume, nor in another snapshot; and any node's daemon, started at any time, must know what a
 * client means by one.
 *
 *     virtual gfid = gfid in the snapshot XOR key
 *
 * | key | of |
 * |---|---|
 * | the first 16 bytes of SHA-256("snapshot " + id) | an object of that snapshot |
 * | the same of "entry point" | the directory `.snaps` of a directory |
 *
 * Gfids are random UUIDs: the digit at byte 6 is 4 (or, of the root, 0). In keys of snapshots that
 * digit is 1, in the entry point's 2, so 4^1, 0^1 are objects and 4^2, 0^2 entry points. Which
 * snapshot an object is of is remembered; after a restart it is found by trying them: the two bits
 * of the UUID's variant rule out three of four, asking the snapshot for the object the rest.
 */
import { createHash } from "node:crypto";

export const GFID_BYTES = 16;
export const ROOT_GFID = Uint8Array.from({ length: GFID_BYTES }, (_, at) => (at === 15 ? 1 : 0));

const VERSION_AT = 6;
const VARIANT_AT = 8;
const OBJECT_DIGIT = 1;
const ENTRY_DIGIT = 2;

export const entryPointKey = keyOf("entry point", ENTRY_DIGIT);

export function snapshotKey(snapshotId: string): Uint8Array {
  return keyOf(`snapshot ${snapshotId}`, OBJECT_DIGIT);
}

function keyOf(text: string, digit: number): Uint8Array {
  const key = new Uint8Array(createHash("sha256").update(text).digest().subarray(0, GFID_BYTES));
  key[VERSION_AT] = (key[VERSION_AT]! & 0x0f) | (digit << 4);
  return key;
}

/** There and back. */
export function combine(gfid: Uint8Array, key: Uint8Array): Uint8Array {
  return Uint8Array.from(gfid, (byte, at) => byte ^ key[at]!);
}

export function isEntryPoint(virtual: Uint8Array): boolean {
  const digit = virtual[VERSION_AT]! >> 4;
  return digit === (4 ^ ENTRY_DIGIT) || digit === ENTRY_DIGIT;
}

/** Whether the key may have made it: what it comes from is the root, or a random UUID. */
export function mayBeOf(virtual: Uint8Array, key: Uint8Array): boolean {
  const gfid = combine(virtual, key);
  if (gfid[VERSION_AT]! >> 4 === 4 && gfid[VARIANT_AT]! >> 6 === 2) return true;
  return gfid.every((byte, at) => byte === ROOT_GFID[at]);
}

export function hexOf(gfid: Uint8Array): string {
  return Buffer.from(gfid.buffer, gfid.byteOffset, gfid.length).toString("hex");
}
