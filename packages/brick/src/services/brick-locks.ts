/**
 * The locks of a brick, and who waits for one: a reply that is made when the request comes, and
 * sent when it is granted. Holders whose locks others want are told so.
 */
import { EntryLocks, InodeLocks, PosixLocks } from "@mortar/brick-services";
import type { EntryLock, InodeLock } from "@mortar/brick-services";
import type { Client } from "../server/client.ts";

/** A holder is told that others want its lock at most so often. */
const NOTIFY_DELAY_MS = 5000;

export interface LockWaiter {
  readonly client: Client;
  readonly xid: number;
  readonly procedure: number;
  /** The result of the reply. */
  readonly results: Uint8Array;
  readonly sinceMs: number;
}

export class BrickLocks {
  readonly inode = new InodeLocks<LockWaiter>(NOTIFY_DELAY_MS);
  readonly entry = new EntryLocks<LockWaiter>(NOTIFY_DELAY_MS);
  readonly posix = new PosixLocks<LockWaiter>();

  releaseClient(client: Client, nowMs: number): void {
    this.inode.releaseClient(client.id, nowMs);
    this.entry.releaseClient(client.id, nowMs);
    this.posix.releaseClient(client.id);
  }

  /** What was granted since the last call, and whom to tell. Next to free if nothing was. */
  settle(
    grant: (waiter: LockWaiter) => void,
    tellInode: (lock: InodeLock<LockWaiter>) => void,
    tellEntry: (lock: EntryLock<LockWaiter>) => void,
  ): void {
    for (const waiter of this.inode.takeGranted()) grant(waiter);
    for (const waiter of this.entry.takeGranted()) grant(waiter);
    for (const waiter of this.posix.takeGranted()) grant(waiter);
    for (const lock of this.inode.takeContended()) tellInode(lock);
    for (const lock of this.entry.takeContended()) tellEntry(lock);
  }
}
