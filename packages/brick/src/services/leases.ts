/**
 * Leases (`features.leases`): see LeaseTable. What a lease of somebody else excludes waits here as
 * a copy of its record until that is given back, or taken away; with O_NONBLOCK it gets EAGAIN.
 *
 * A holder is told by its lease id, which requests carry as "lease-id" in xdata.
 */
import { LEASE_COMMAND, LeaseTable } from "@mortar/brick-services";
import type { Lease } from "@mortar/brick-services";
import { callback, Dictionary, fops } from "@mortar/gluster";
import type { Procedure } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import type { ParkedRequest } from "../server/parked-request.ts";
import { Errno } from "../store/errno.ts";
import type { Call } from "../wire/call.ts";
import { namedObjects, namesObjects } from "./entry-names.ts";
import type { Tell } from "./upcalls.ts";

const GFID_BYTES = 16;
const O_NONBLOCK = 0o4000;
const O_ACCMODE = 3;
const READS: ReadonlySet<number> = new Set([fops.read.number]);
const WRITES: ReadonlySet<number> = new Set([
  fops.write, fops.truncate, fops.ftruncate, fops.setattr, fops.fsetattr, fops.fallocate,
  fops.discard, fops.zerofill, fops.link, fops.rename, fops.unlink, fops.lk,
].map(({ number }) => number));
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
    const isOpen = procedure === fops.open.number;
    if (!isOpen && !READS.has(procedure) && !WRITES.has(procedure)) return "pass";
    for (const words of this.#objectsOf(call)) {
      if (!this.#table.any(words, 0)) continue;
      const request = BY_NUMBER.get(procedure)!.decodeRequest(call.rest()) as Request;
      const flags = isOpen ? (request.flags ?? 0) : (client.file(request.fd ?? -1)?.flags ?? 0);
      const writes = WRITES.has(procedure) || (isOpen && (flags & O_ACCMODE) !== 0);
      const who = { client: client.id, id: leaseIdOf(request, client) };
      const mayWait = (flags & O_NONBLOCK) === 0;
      const waiter = mayWait ? park() : undefined;
      const passed = this.#table.pass(words, 0, who, writes, waiter, nowMs);
      this.#recall();
      if (!passed) return mayWait ? "waits" : "again";
    }
    return "pass";
  }

  #objectsOf(call: Call): readonly Uint32Array[] {
    if (namesObjects(call.procedure)) return namedObjects(this.#brick, call);
    if (call.remaining < GFID_BYTES) return [];
    for (let word = 0; word < 4; word++) {
      this.#words[word] = call.view.getUint32(call.at + 4 * word, false);
    }
    return [this.#words];
  }

  /** LEASE itself: the type that the holder has then, or an errno as a negative number. */
  command(
    client: Client, slot: number, request: LeaseWish, open: { all: number; writing: number },
  ): number {
    const { words } = this.#brick.objects.table;
    const at = 4 * slot;
    const id = textOf(request.id);
    if (request.command === LEASE_COMMAND.get) return this.#table.typeOf(words, at, id);
    if (request.command === LEASE_COMMAND.unlock) {
      const status = this.#table.unlock(words, at, id);
      return status === 0 ? 0 : -status;
    }
    if (request.command !== LEASE_COMMAND.set) return -Errno.EINVAL;
    const holder = { client: client.id, id, type: request.type };
    const status = this.#table.grant(words, at, holder, open);
    return status === 0 ? this.#table.typeOf(words, at, id) : -status;
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

interface Request {
  readonly flags?: number;
  readonly fd?: number;
  readonly xdata?: ReadonlyMap<string, { readonly value: unknown }>;
}

export interface LeaseWish {
  readonly command: number;
  readonly type: number;
  readonly id: Uint8Array;
}

function leaseIdOf(request: Request, client: Client): string {
  const value = request.xdata?.get("lease-id")?.value;
  return value instanceof Uint8Array ? textOf(value) : `connection ${client.id}`;
}

function textOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, Math.min(id.length, GFID_BYTES)).toString("hex");
}

function recallOf(lease: Lease): [number, Uint8Array] {
  const gfid = new Uint8Array(GFID_BYTES);
  const view = new DataView(gfid.buffer);
  for (let word = 0; word < 4; word++) view.setUint32(4 * word, lease.gfid[word]!, false);
  const transaction = new Uint8Array(GFID_BYTES);
  transaction.set(Buffer.from(lease.id, "hex").subarray(0, GFID_BYTES));
  const args = callback.recallLease.encodeRequest({
    gfid, leaseType: lease.type, transaction, xdata: new Dictionary(),
  });
  return [callback.recallLease.number, args];
}
