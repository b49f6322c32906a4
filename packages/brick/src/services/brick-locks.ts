/**
 * The locks of a brick, and who waits for one: a reply that is made when the request comes, and
 * sent when it is granted. Holders whose locks others want are told so.
 */
import { EntryLocks, InodeLocks, PosixLocks } from "@mortar/brick-services";
import type { EntryLock, InodeLock } from "@mortar/brick-services";
import { refusedLock } from "../fops/lock-reply.ts";
import type { BrickOptions } from "../options.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import type { OpenFile } from "../store/open-files.ts";

export interface LockWaiter {
  readonly client: Client;
  readonly xid: number;
  readonly procedure: number;
  /** The result of the reply. */
  readonly results: Uint8Array;
  readonly sinceMs: number;
}

export class BrickLocks {
  readonly inode = new InodeLocks<LockWaiter>(0);
  readonly entry = new EntryLocks<LockWaiter>(0);
  readonly posix = new PosixLocks<LockWaiter>();
  readonly #givenUp: LockWaiter[] = [];
  /** Of clients that asked for a lock of a program. */
  readonly #identities = new Map<number, string>();

  introduce(client: Client): void {
    this.#identities.set(client.id, client.identity);
  }

  identityOf(client: number): string {
    return this.#identities.get(client) ?? "";
  }

  clientOf(identity: string): number | undefined {
    for (const [client, known] of this.#identities) if (known === identity) return client;
    return undefined;
  }

  /** The options have changed: whether and how often a holder is told that others want its lock. */
  refresh(options: BrickOptions): void {
    for (const locks of [this.inode, this.entry]) {
      locks.notifies = options.notifiesContention;
      locks.notifyDelayMs = options.contentionDelaySeconds * 1000;
    }
  }

  /** Locks of flock(2) end with the descriptor; a process's own have ended with FLUSH. */
  closeDescriptor(file: OpenFile): void {
    const { words } = file.inode;
    if (!this.posix.any(words, 0)) return;
    this.giveUp(this.posix.releaseDescriptor(words, 0, file.id), refusedLock(Errno.EAGAIN));
  }

  releaseClient(client: Client, nowMs: number): void {
    this.inode.releaseClient(client.id, nowMs);
    this.entry.releaseClient(client.id, nowMs);
    this.posix.releaseClient(client.id);
    this.#identities.delete(client.id);
  }

  /** These wait no longer: `results` are their replies' from now on. */
  giveUp(waiters: readonly LockWaiter[], results: Uint8Array): void {
    for (const waiter of waiters) this.#givenUp.push({ ...waiter, results });
  }

  /** What was granted since the last call, and whom to tell. Next to free if nothing was. */
  settle(
    grant: (waiter: LockWaiter) => void,
    tellInode: (lock: InodeLock<LockWaiter>) => void,
    tellEntry: (lock: EntryLock<LockWaiter>) => void,
  ): void {
    if (this.#givenUp.length > 0) for (const waiter of this.#givenUp.splice(0)) grant(waiter);
    for (const waiter of this.inode.takeGranted()) grant(waiter);
    for (const waiter of this.entry.takeGranted()) grant(waiter);
    for (const waiter of this.posix.takeGranted()) grant(waiter);
    for (const lock of this.inode.takeContended()) tellInode(lock);
    for (const lock of this.entry.takeContended()) tellEntry(lock);
  }
}
