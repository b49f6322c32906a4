/**
 * Who has to be told when an object changes (`features.cache-invalidation`): the connections that
 * looked at it within the last while keep what they saw for as long.
 *
 * Each object has a list of (connection, time of last access). A change by one of them is told to
 * the others whose time is not over; the rest are dropped on the way.
 */

import { GfidMap } from "./gfid-map.ts";

/** `features.cache-invalidation-timeout`. */
export const UPCALL_TIMEOUT_MS = 60_000;

const NOBODY: readonly number[] = [];

interface WatchedInode {
  readonly gfid: Uint32Array;
  readonly clients: number[];
  readonly seenAt: number[];
}

export class UpcallTable {
  /** Counts from now on, also for what was seen before. */
  timeoutMs: number;
  readonly #inodes = new GfidMap<WatchedInode>();

  constructor(timeoutMs: number = UPCALL_TIMEOUT_MS) {
    this.timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#inodes.size;
  }

  /** A connection was told the object's attributes. Allocates nothing if it was before. */
  see(words: Uint32Array, at: number, client: number, now: number): void {
    let inode = this.#inodes.get(words, at);
    if (inode === undefined) {
      inode = { gfid: words.slice(at, at + 4), clients: [], seenAt: [] };
      this.#inodes.set(words, at, inode);
    }
    const index = inode.clients.indexOf(client);
    if (index >= 0) {
      inode.seenAt[index] = now;
    } else {
      inode.clients.push(client);
      inode.seenAt.push(now);
    }
  }

  /** `client` changed the object: the connections to tell. Allocates nothing if there are none. */
  change(words: Uint32Array, at: number, client: number, now: number): readonly number[] {
    const inode = this.#inodes.get(words, at);
    if (inode === undefined) return NOBODY;
    this.#prune(inode, now);
    const { clients } = inode;
    if (clients.length === 0 || (clients.length === 1 && clients[0] === client)) return NOBODY;
    return clients.filter((other) => other !== client);
  }

  /** The object is gone. */
  forget(words: Uint32Array, at: number): void {
    this.#inodes.delete(words, at);
  }

  releaseClient(client: number): void {
    for (const inode of Array.from(this.#inodes.values())) {
      const index = inode.clients.indexOf(client);
      if (index < 0) continue;
      inode.clients.splice(index, 1);
      inode.seenAt.splice(index, 1);
      if (inode.clients.length === 0) this.#inodes.delete(inode.gfid, 0);
    }
  }

  /** Drop what is over, of all objects: once a timeout. */
  expire(now: number): void {
    for (const inode of Array.from(this.#inodes.values())) this.#prune(inode, now);
  }

  #prune(inode: WatchedInode, now: number): void {
    const { clients, seenAt } = inode;
    for (let index = clients.length - 1; index >= 0; index--) {
      if (now - seenAt[index]! < this.timeoutMs) continue;
      clients.splice(index, 1);
      seenAt.splice(index, 1);
    }
    if (clients.length === 0) this.#inodes.delete(inode.gfid, 0);
  }
}
