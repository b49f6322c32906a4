/**
 * The barrier of a snapshot: while it stands, operations that promise something are done, but not
 * answered, so that what a client was told is in the snapshot on every brick. It falls by itself
 * when its time is over: whoever set it may be dead.
 *
 * Held: RMDIR, UNLINK, RENAME, TRUNCATE, FTRUNCATE, REMOVEXATTR, FREMOVEXATTR, FSYNC, and WRITE
 * through O_SYNC or O_DSYNC. What is held is answered in the order it came.
 */

import { fops } from "@mortar/gluster";

const PROCEDURES = 57;
const O_SYNC_BITS = 0o4010000;
export const BARRIER_TIMEOUT_MS = 120_000;

const held = new Uint8Array(PROCEDURES);
for (const fop of [
  fops.rmdir, fops.unlink, fops.rename, fops.truncate, fops.ftruncate, fops.removexattr,
  fops.fremovexattr, fops.fsync,
]) held[fop.number] = 1;
const WRITE = fops.write.number;
const NOTHING: readonly never[] = [];

/** `Reply` is whatever the caller answers by. Times are in milliseconds of one clock. */
export class Barrier<Reply> {
  /** How long it stays up by itself; counts from the next time that it is raised. */
  timeoutMs: number;
  #until = Number.POSITIVE_INFINITY;
  #isUp = false;
  #replies: Reply[] = [];

  constructor(timeoutMs: number = BARRIER_TIMEOUT_MS) {
    this.timeoutMs = timeoutMs;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get heldCount(): number {
    return this.#replies.length;
  }

  /** When it falls by itself; infinite when it is down. */
  get until(): number {
    return this.#until;
  }

  /** False: it was up, and its time is not prolonged. */
  raise(now: number): boolean {
    if (this.#isUp) return false;
    this.#isUp = true;
    this.#until = now + this.timeoutMs;
    return true;
  }

  /** Must the reply wait? `flags`: of a write, its own and its file's. */
  holds(procedure: number, flags: number): boolean {
    if (!this.#isUp) return false;
    return held[procedure] === 1 || (procedure === WRITE && (flags & O_SYNC_BITS) !== 0);
  }

  /** The operation is done; its reply comes out of `lower` or `expire`. */
  hold(reply: Reply): void {
    this.#replies.push(reply);
  }

  /** It falls; what is to be answered now, oldest first. Undefined: it was down. */
  lower(): readonly Reply[] | undefined {
    if (!this.#isUp) return undefined;
    this.#isUp = false;
    this.#until = Number.POSITIVE_INFINITY;
    const replies = this.#replies;
    this.#replies = [];
    return replies;
  }

  /** Like `lower` if its time is over, and else nothing. Ask every second or so. */
  expire(now: number): readonly Reply[] {
    return now < this.#until ? NOTHING : (this.lower() ?? NOTHING);
  }

  /** A connection is gone: its replies have nobody to go to. */
  drop(isGone: (reply: Reply) => boolean): void {
    if (this.#replies.length > 0) this.#replies = this.#replies.filter((reply) => !isGone(reply));
  }
}
