/**
 * A bookmark's digests of one brick. docs/formats/bookmark.md; all integers little-endian.
 *
 *     0   u8[8]   magic "MORTMARK"
 *     8   u32     version
 *     12  u32     bytes of a piece
 *     16  u64     bytes of the logical volume
 *     24  u8[32]  key
 *     56  u64     count of runs
 *     64          runs: u64 first piece, u64 count; ascending, not touching
 *                 digests: 16 bytes of each piece of the runs, in their order
 *                 SHA-256 of all before
 *
 * A digest is the beginning of SHA-256(key, piece). The key is random and of this file alone, so nobody
 * who writes into a volume can look for two contents of one digest.
 */
import { createHash } from "node:crypto";
import { bytes, struct, u32le, u64le } from "@mortar/binary";

export const DIGEST_MAGIC = "MORTMARK";
export const DIGEST_VERSION = 1;
/** The smallest chunk of a thin pool: every chunk begins at a multiple of it. */
export const PIECE_BYTES = 64 * 1024;
export const DIGEST_BYTES = 16;
export const KEY_BYTES = 32;
export const RUN_BYTES = 16;
export const SUM_BYTES = 32;

export const digestHead = struct("bookmark digests", 64, {
  magic: bytes(8), version: u32le, pieceBytes: u32le, sizeBytes: u64le, key: bytes(KEY_BYTES),
  runCount: u64le,
});
export const digestRun = struct("run of digests", RUN_BYTES, { begin: u64le, count: u64le });

/** Pieces from `begin` on. */
export interface PieceRun {
  readonly begin: number;
  readonly count: number;
}

export function pieceDigest(key: Uint8Array, piece: Uint8Array): Buffer {
  return createHash("sha256").update(key).update(piece).digest().subarray(0, DIGEST_BYTES);
}
