/**
 * Reads and writes that keep to the locks of programs (`locks.mandatory-locking`): asked before
 * each request of a brick that has the option. What somebody else's lock excludes waits here as a
 * copy of its record, and is served from its start whenever locks have changed; with O_NONBLOCK,
 * and where there is no descriptor to tell (TRUNCATE), it gets EAGAIN. Clients of GlusterFS
 * itself (negative process ids) pass.
 *
 * | request | the range |
 * |---|---|
 * | READ, WRITE, DISCARD, ZEROFILL | its own |
 * | TRUNCATE, FTRUNCATE | from the new end on |
 * | OPEN with O_TRUNC | refused while there is any lock that counts, the caller's own too |
 *
 * FALLOCATE and COPY_FILE_RANGE do not ask, as in glusterfsd.
 */
import { isCovered, isKeptOff, setRange } from "@mortar/brick-services";
import type { FileAccess } from "@mortar/brick-services";
import { fops } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import { slotOfFd } from "../fops/descriptors.ts";
import { HELD } from "../fops/handler.ts";
import type { Client } from "../server/client.ts";
import type { ParkedRequest } from "../server/parked-request.ts";
import { Errno } from "../store/errno.ts";
import { addressAt, attributeName, VALUE } from "../store/scratch.ts";
import type { Call } from "../wire/call.ts";
import type { Park } from "./leases.ts";

/** A client sets it on a file that is to be enforced, and takes it away. */
const ENFORCE_KEY = "trusted.glusterfs.enforce-mandatory-lock";

const O_TRUNC = 0o1000;
const O_NONBLOCK = 0o4000;
const { open, read, write, truncate, ftruncate, discard, zerofill } = fops;
const WITH_RANGE: ReadonlySet<number> = new Set([read, write, discard, zerofill]
  .map(({ number }) => number));

interface Waiting {
  readonly client: number;
  readonly request: ParkedRequest;
}

export class MandatoryLocks {
  readonly #brick: Brick;
  #waiting: Waiting[] = [];
  /** Of PosixLocks, when those that wait were last tried. */
  #changes = 0;
  readonly #access: FileAccess = {
    client: 0, owner: new Uint8Array(0), reads: false,
    startHigh: 0, startLow: 0, endHigh: 0, endLow: 0,
  };

  constructor(brick: Brick) {
    this.#brick = brick;
  }

  get isActive(): boolean {
    const { mandatoryLocking } = this.#brick.options;
    return mandatoryLocking === "forced" || mandatoryLocking === "optimal";
  }

  get #onlyMandatory(): boolean {
    return this.#brick.options.mandatoryLocking === "optimal";
  }

  /** May a client set or remove ENFORCE_KEY? 0, or an errno. */
  refusal(name: string): number {
    const isRefused = name === ENFORCE_KEY &&
      !(this.isActive && this.#brick.options.enforcesMandatoryLock);
    return isRefused ? Errno.EINVAL : 0;
  }

  /** Read anew each time: it is as durable as the file. */
  isEnforced(slot: number): boolean {
    const { objects } = this.#brick;
    return this.isActive && !objects.isDirectory(slot) &&
      objects.getAttribute(slot, attributeName(ENFORCE_KEY), addressAt(VALUE), 0) >= 0;
  }

  /** 0: go on; HELD, or an errno. The cursor stays where it is. */
  pass(client: Client, call: Call, park: Park): number {
    const { at, procedure } = call;
    let status: number;
    if (procedure === open.number) status = this.#passOpen(call);
    else if (call.pid < 0) status = 0;
    else if (WITH_RANGE.has(procedure)) status = this.#passRange(client, call);
    else if (procedure === truncate.number) status = this.#passTruncate(client, call, false);
    else if (procedure === ftruncate.number) status = this.#passTruncate(client, call, true);
    else status = 0;
    call.at = at;
    if (status === HELD) this.#waiting.push({ client: client.id, request: park() });
    return status;
  }

  #passOpen(call: Call): number {
    const { objects, locks } = this.#brick;
    const slot = objects.resolve(call.view, call.gfid());
    if ((call.u32() & O_TRUNC) === 0 || slot < 0) return 0;
    const counts = this.#onlyMandatory
      ? locks.posix.some(objects.table.words, 4 * slot, (lock) => lock.isMandatory)
      : locks.posix.any(objects.table.words, 4 * slot);
    return counts ? Errno.EAGAIN : 0;
  }

  #passRange(client: Client, call: Call): number {
    const { procedure } = call;
    const gfidAt = call.gfid();
    const number = call.i64();
    const [startHigh, startLow] = [call.u32(), call.u32()];
    const isWide = procedure !== read.number && procedure !== write.number;
    const [lengthHigh, lengthLow] = [isWide ? call.u32() : 0, call.u32()];
    if (lengthHigh === 0 && lengthLow === 0) return 0;
    // What is beyond the end of files is refused by who serves it.
    if (!setRange(this.#access, startHigh, startLow, lengthHigh, lengthLow)) return 0;
    const slot = slotOfFd(this.#brick, client, call, gfidAt, number);
    return slot < 0 ? 0 : this.#judge(client, call, slot, client.file(number)?.flags ?? 0);
  }

  #passTruncate(client: Client, call: Call, hasFd: boolean): number {
    const gfidAt = call.gfid();
    const number = hasFd ? call.i64() : -2;
    const [startHigh, startLow] = [call.u32(), call.u32()];
    if (!setRange(this.#access, startHigh, startLow, 0, 0)) return 0;
    const slot = slotOfFd(this.#brick, client, call, gfidAt, number);
    if (slot < 0) return 0;
    const flags = hasFd ? (client.file(number)?.flags ?? 0) : O_NONBLOCK;
    return this.#judge(client, call, slot, flags);
  }

  #judge(client: Client, call: Call, slot: number, flags: number): number {
    const { locks, objects } = this.#brick;
    const held = locks.posix.held(objects.table.words, 4 * slot);
    const access = this.#access;
    access.client = client.id;
    access.owner = call.owner();
    access.reads = call.procedure === read.number;
    if (this.isEnforced(slot)) {
      if (isCovered(held, access)) return 0;
      return call.procedure === write.number ? Errno.EBUSY : Errno.EAGAIN;
    }
    if (!isKeptOff(held, access, this.#onlyMandatory)) return 0;
    return (flags & O_NONBLOCK) === 0 ? HELD : Errno.EAGAIN;
  }

  /** To be served again, in the order that they came. */
  takeReleased(): readonly ParkedRequest[] {
    if (this.#waiting.length === 0) return [];
    const { changes } = this.#brick.locks.posix;
    if (changes === this.#changes && this.isActive) return [];
    this.#changes = changes;
    return this.#waiting.splice(0).map(({ request }) => request);
  }

  releaseClient(client: number): void {
    this.#waiting = this.#waiting.filter((each) => each.client !== client);
  }
}
