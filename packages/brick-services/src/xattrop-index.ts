/**
 * Which objects need healing: `.glusterfs/indices/xattrop` and `dirty` hold a hard link named by
 * the gfid for each, and the self-heal daemon reads those directories.
 *
 * | watched key | directory |
 * |---|---|
 * | `trusted.afr.<client>`, by the option's prefixes | xattrop |
 * | `trusted.ec.dirty` and other names of `xattrop64-watchlist` | xattrop |
 * | `trusted.afr.dirty` | dirty |
 *
 * Before an XATTROP: a watched operand that is not all zeros means the link is made first, so that
 * a cut between the two leaves a link too many, never one too few. After it: of each directory
 * whose keys were in the request, the link stays, or is made, if any of their new values is not
 * zero, and goes if all are.
 */

import { isZero } from "./xattrop.ts";

export const INDEX = { none: 0, xattrop: 1, dirty: 2 } as const;

/** What to do with one link. */
export const INDEX_ACTION = { none: 0, add: 1, remove: 2 } as const;

export interface IndexWatch {
  /** Keys that start with one of these: `trusted.afr.V-`. */
  readonly pendingPrefixes: readonly string[];
  /** Keys that are one of these: `trusted.ec.dirty`. */
  readonly pendingKeys: readonly string[];
  /** Keys that are one of these: `trusted.afr.dirty`. */
  readonly dirtyKeys: readonly string[];
}

/** The directory that a key is watched for: an INDEX. */
export function indexOfKey(watch: IndexWatch, key: string): number {
  if (watch.dirtyKeys.includes(key)) return INDEX.dirty;
  if (watch.pendingKeys.includes(key)) return INDEX.xattrop;
  for (const prefix of watch.pendingPrefixes) if (key.startsWith(prefix)) return INDEX.xattrop;
  return INDEX.none;
}

/** Collects one request's keys. One object may serve all requests: `reset` between. */
export class IndexDecision {
  readonly #watch: IndexWatch;
  /** By INDEX: 0 no key seen, 1 only zeros, 2 something else. */
  readonly #before = [0, 0, 0];
  readonly #after = [0, 0, 0];

  constructor(watch: IndexWatch) {
    this.#watch = watch;
  }

  reset(): void {
    this.#before.fill(0);
    this.#after.fill(0);
  }

  operand(key: string, bytes: Uint8Array): void {
    this.#see(this.#before, key, bytes);
  }

  result(key: string, bytes: Uint8Array): void {
    this.#see(this.#after, key, bytes);
  }

  /** Before anything is stored: INDEX_ACTION.add or none. */
  actionBefore(index: number): number {
    return this.#before[index] === 2 ? INDEX_ACTION.add : INDEX_ACTION.none;
  }

  /** When all is stored. */
  actionAfter(index: number): number {
    if (this.#after[index] === 0) return INDEX_ACTION.none;
    return this.#after[index] === 2 ? INDEX_ACTION.add : INDEX_ACTION.remove;
  }

  #see(seen: number[], key: string, bytes: Uint8Array): void {
    const index = indexOfKey(this.#watch, key);
    if (index === INDEX.none) return;
    seen[index] = Math.max(seen[index]!, isZero(bytes, bytes.length) ? 1 : 2);
  }
}
