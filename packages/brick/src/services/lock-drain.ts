/**
 * Draining, before a snapshot: transactions of clients that are under way come to their end, and no
 * new ones begin. It has two parts: a hurry, in which nobody waits, but clients give back what they
 * keep in case they need it again; then new transactions are held. A transaction is a lock of a
 * client on a file or a name (AFR's and EC's writes, DHT's renames), of a program's process: see
 * LockTable for whose locks are not meant.
 *
 * A transaction that goes over several bricks may hold its lock on one of them and still need one
 * on the next. No brick can know that: whoever drains all of them looks at what each holds and what
 * waits at each (`report`), and says which owners may go on (`letGo`).
 *
 * It ends by itself when its time is over: whoever began it may be dead.
 */
import { isInternal } from "@mortar/brick-services";
import type { Client } from "../server/client.ts";
import type { BrickLocks } from "./brick-locks.ts";

/** An owner of locks, as all bricks know it. */
export interface LockClaim {
  /** The client process, the same on all bricks. */
  readonly process: string;
  /** Of its locks, in hexadecimal. */
  readonly owner: string;
  readonly domain: string;
}

/** Each owner is told of once a domain. */
export interface DrainReport {
  /** Locks that were held before the hurry, and still are. */
  readonly old: number;
  readonly held: readonly LockClaim[];
  readonly waiting: readonly LockClaim[];
}

/** Who may have more locks although it holds none here: in all domains, or in one. */
export interface DrainLeave {
  readonly process: string;
  /** Absent: all owners of the process, but only in the domain. */
  readonly owner?: string;
  readonly domain?: string;
}

interface Held {
  readonly client: number;
  readonly owner: Uint8Array;
  readonly domain: { readonly name: string } | undefined;
}

export class LockDrain {
  readonly #locks: BrickLocks;
  #until = Number.POSITIVE_INFINITY;
  #holds = false;

  constructor(locks: BrickLocks) {
    this.#locks = locks;
  }

  get isOn(): boolean {
    return this.#until !== Number.POSITIVE_INFINITY;
  }

  /**
   * Hurries, and holds new transactions if asked to. Again: its time is prolonged. The locks are to
   * be settled after it.
   */
  begin(now: number, timeoutMs: number, holds: boolean): void {
    const first = !this.isOn;
    this.#until = now + timeoutMs;
    for (const table of this.#tables()) {
      if (first) table.hurry(true, now);
      if (holds && !this.#holds) table.drain(true, now);
    }
    this.#holds ||= holds;
  }

  /** False: it was not on. The locks are to be settled after it. */
  end(now: number): boolean {
    if (!this.isOn) return false;
    this.#until = Number.POSITIVE_INFINITY;
    this.#holds = false;
    for (const table of this.#tables()) {
      table.hurry(false, now);
      table.drain(false, now);
    }
    return true;
  }

  expire(now: number): void {
    if (now >= this.#until) this.end(now);
  }

  report(clients: Iterable<Client>): DrainReport {
    const processes = processesOf(clients);
    const held = new Map<string, LockClaim>();
    const waiting = new Map<string, LockClaim>();
    let old = 0;
    for (const table of this.#tables()) {
      for (const lock of table.locks()) {
        if (isInternal(lock)) continue;
        if (lock.isOld) old++;
        const claim = claimOf(processes, lock);
        const key = `${claim.process} ${claim.owner} ${claim.domain}`;
        (lock.waiter === undefined ? held : waiting).set(key, claim);
      }
    }
    return { old, held: [...held.values()], waiting: [...waiting.values()] };
  }

  /** The locks are to be settled after it. */
  letGo(leaves: readonly DrainLeave[], clients: Iterable<Client>, now: number): void {
    const processes = processesOf(clients);
    const mayGoOn = (lock: Held) => {
      const claim = claimOf(processes, lock);
      return leaves.some((leave) =>
        leave.process === claim.process
        && (leave.owner ?? claim.owner) === claim.owner
        && (leave.domain ?? claim.domain) === claim.domain);
    };
    for (const table of this.#tables()) table.letGo(mayGoOn, now);
  }

  #tables(): [BrickLocks["inode"], BrickLocks["entry"]] {
    return [this.#locks.inode, this.#locks.entry];
  }
}

function claimOf(processes: ReadonlyMap<number, string>, lock: Held): LockClaim {
  return {
    process: processes.get(lock.client) ?? "",
    owner: Buffer.from(lock.owner).toString("hex"),
    domain: lock.domain?.name ?? "",
  };
}

/** A client's identity ends with the name of its connection to this brick. */
function processesOf(clients: Iterable<Client>): Map<number, string> {
  const processes = new Map<number, string>();
  for (const { id, identity } of clients) processes.set(id, identity.replace(/-PC_NAME:.*$/s, ""));
  return processes;
}
