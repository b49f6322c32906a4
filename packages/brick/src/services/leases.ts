/**
 * Leases (`features.leases`): see LeaseTable. What a lease of somebody else excludes waits here
 * as a copy of its record until that is given back, or taken away; with O_NONBLOCK, and of locks
 * always, it gets EAGAIN. Clients of GlusterFS itself (negative process ids, internal requests)
 * pass.
 *
 * A holder is told by its lease id, which requests carry as "lease-id" in xdata. What was opened
 * with one is in the way of others' leases; what was opened without is excluded when it is used.
 */
import { LEASE_COMMAND, LeaseTable } from "@mortar/brick-services";
import type { Lease } from "@mortar/brick-services";
import { callback, Dictionary, fops } from "@mortar/gluster";
import type { Procedure } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import type { ParkedRequest } from "../server/parked-request.ts";
import { Errno } from "../store/errno.ts";
import type { OpenFile } from "../store/open-files.ts";
import type { Call } from "../wire/call.ts";
import { namedObjects, namesObjects } from "./entry-names.ts";
import type { Tell } from "./upcalls.ts";

const GFID_BYTES = 16;
const O_NONBLOCK = 0o4000;
const O_ACCMODE = 3;
const READS: ReadonlySet<number> = new Set([fops.read.number]);
const WRITES: ReadonlySet<number> = new Set([
  fops.write, fops.truncate, fops.ftruncate, fops.setattr, fops.fsetattr, fops.fallocate,
  fops.discard, fops.zerofill, fops.link, fops.rename, fops.unlink, fops.fsync, fops.flush,
].map(({ number }) => number));
const LK = fops.lk.number;
const LOCK_WRITE = 1;
const LK_GET = 0;
const RECALLED_TYPE = 0;
const NO_TRANSACTION = new Uint8Array(GFID_BYTES);
const NO_LEASE_ID = "0".repeat(2 * GFID_BYTES);
const BY_NUMBER: ReadonlyMap<number, Procedure<unknown, unknown>> = new Map(
  Object.values(fops).map((each) => [each.number, each as Procedure<unknown, unknown>]),
);

/** A request that waits is made of what is being served now. */
export type Park = () => ParkedRequest;

export class Leases {
  readonly #brick: Brick;
  readonly #tell: Tell;
  readonly #table = new LeaseTable<ParkedRequest>();
  readonly #words = new Uint32Array(4);
  /** Of the OPEN or CREATE that is being served. */
  #openedWith = "";

  constructor(brick: Brick, tell: Tell) {
    this.#brick = brick;
    this.#tell = tell;
  }

  /** The options have changed. */
  refresh(): void {
    this.#table.recallMs = this.#brick.options.leaseRecallSeconds * 1000;
  }

  get isActive(): boolean {
    return this.#brick.options.leases;
  }

  /** 0: go on. HELD is for the caller to give when a request waits; EAGAIN as it is. */
  pass(client: Client, call: Call, park: Park, nowMs: number): "pass" | "again" | "waits" {
    const { procedure } = call;
    const opens = procedure === fops.open.number || procedure === fops.create.number;
    const isMeant = opens || READS.has(procedure) || WRITES.has(procedure) || procedure === LK;
    if (!isMeant) return "pass";
    const request = BY_NUMBER.get(procedure)!.decodeRequest(call.rest()) as Request;
    if (opens) this.#openedWith = leaseIdOf(request) ?? "";
    if (call.pid < 0 || request.xdata?.has(INTERNAL) === true) return "pass";
    for (const words of this.#objectsOf(call)) {
      if (!this.#table.any(words, 0)) continue;
      const flags = opens ? (request.flags ?? 0) : (client.file(request.fd ?? -1)?.flags ?? 0);
      const mayWait = (flags & O_NONBLOCK) === 0 && procedure !== LK;
      const who = {
        client: client.id, id: leaseIdOf(request), writes: writes(procedure, request, flags),
        removes: procedure === fops.unlink.number || procedure === fops.rename.number,
      };
      const passed = this.#table.pass(words, 0, who, mayWait ? park() : undefined, nowMs);
      this.#recall();
      if (!passed) return mayWait ? "waits" : "again";
    }
    return "pass";
  }

  /** A file was opened by the request that is being served. */
  opened(file: OpenFile): void {
    if (this.isActive) file.leaseId = this.#openedWith;
  }

  #objectsOf(call: Call): readonly Uint32Array[] {
    if (namesObjects(call.procedure)) return namedObjects(this.#brick, call);
    if (call.remaining < GFID_BYTES) return [];
    for (let word = 0; word < 4; word++) {
      this.#words[word] = call.view.getUint32(call.at + 4 * word, false);
    }
    return [this.#words];
  }

  /** LEASE itself: the type to answer, or an errno as a negative number. */
  command(client: Client, slot: number, request: LeaseWish, nowMs: number): number {
    const { words } = this.#brick.objects.table;
    const { command, type } = request;
    const at = 4 * slot;
    const id = textOf(request.id);
    if (id === NO_LEASE_ID) return -Errno.EINVAL;
    if (command === LEASE_COMMAND.get) return this.#table.typeOf(words, at);
    let status: number = Errno.EINVAL;
    if (command === LEASE_COMMAND.unlock) status = this.#table.unlock(words, at, id, type);
    if (command === LEASE_COMMAND.set) {
      const holder = { client: client.id, id, type };
      status = this.#table.grant(words, at, holder, this.#openBy(slot, id), nowMs);
      this.#recall();
    }
    return status === 0 ? type : -status;
  }

  /** How many have it open with another lease's id, and how many of them to write. */
  #openBy(slot: number, id: string): { all: number; writing: number } {
    const others = this.#brick.openOf(slot)?.files
      .filter(({ leaseId }) => leaseId !== "" && leaseId !== id) ?? [];
    const writing = others.filter((file) => (file.flags & O_ACCMODE) !== 0).length;
    return { all: others.length, writing };
  }

  /** Requests that may go on; whoever keeps a lease too long has lost it. */
  takeReleased(nowMs: number): readonly ParkedRequest[] {
    this.#table.expire(nowMs);
    return this.#table.takeReleased();
  }

  releaseClient(client: number): void {
    this.#table.releaseClient(client);
  }

  #recall(): void {
    for (const lease of this.#table.takeRecalled()) this.#tell(lease.client, ...recallOf(lease));
  }
}

const INTERNAL = "glusterfs-internal-fop";

interface Request {
  readonly flags?: number;
  readonly fd?: number;
  readonly command?: number;
  readonly type?: number;
  readonly xdata?: ReadonlyMap<string, { readonly value: unknown }>;
}

export interface LeaseWish {
  readonly command: number;
  readonly type: number;
  readonly id: Uint8Array;
}

function leaseIdOf(request: Request): string | undefined {
  const value = request.xdata?.get("lease-id")?.value;
  return value instanceof Uint8Array ? textOf(value) : undefined;
}

function writes(procedure: number, request: Request, flags: number): boolean {
  if (procedure === fops.open.number) return (flags & O_ACCMODE) !== 0;
  if (procedure === LK) return request.command !== LK_GET && request.type === LOCK_WRITE;
  return WRITES.has(procedure);
}

function textOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, Math.min(id.length, GFID_BYTES)).toString("hex");
}

function recallOf(lease: Lease): [number, Uint8Array] {
  const gfid = new Uint8Array(GFID_BYTES);
  const view = new DataView(gfid.buffer);
  for (let word = 0; word < 4; word++) view.setUint32(4 * word, lease.gfid[word]!, false);
  const args = callback.recallLease.encodeRequest({
    gfid, leaseType: RECALLED_TYPE, transaction: NO_TRANSACTION, xdata: new Dictionary(),
  });
  return [callback.recallLease.number, args];
}
