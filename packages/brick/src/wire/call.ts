/**
 * One request where it lies in the receive buffer: the header is taken apart into numbers, the
 * arguments are read by a cursor. One object serves every request, so nothing is allocated.
 *
 *     u32 xid | 0 | 2 | program | version | procedure | flavor | opaque credential | verifier
 *
 * The credential of version 3 has a time: what the request sets times to (see TIME_FLAG). Whatever
 * is longer than the record makes the cursor throw Malformed, and the request is refused.
 */
import { AUTH } from "@mortar/rpc";
import type { Memory } from "./memory.ts";

const TWO_32 = 2 ** 32;
const GROUPS_MAX = 95;
const CREDENTIAL_BYTES_MAX = 400;
const RPC_VERSION = 2;

/** The record is not what its header says. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

export const LoadStatus = { ok: 0, malformed: 1, rpcVersion: 2, credential: 3 } as const;

export class Call {
  /** What the record lies in. */
  memory: Memory;
  view: DataView;
  /** Where the record starts, the cursor, and where it ends. */
  start = 0;
  at = 0;
  end = 0;

  xid = 0;
  program = 0;
  version = 0;
  procedure = 0;

  pid = 0;
  uid = 0;
  gid = 0;
  timeFlags = 0;
  timeSeconds = 0;
  timeNanoseconds = 0;
  /** Those of the credential, or what the brick found out itself. */
  groups: Uint32Array = new Uint32Array(GROUPS_MAX);
  readonly #ownGroups = this.groups;
  groupCount = 0;
  ownerAt = 0;
  ownerLength = 0;

  /** Set when a worker has done what the request would have waited for: its result. */
  resumed = false;
  jobResult = 0;

  constructor(memory: Memory) {
    this.memory = memory;
    this.view = memory.view;
  }

  /** Take the record at [start, end) apart; the cursor is then at its arguments. */
  load(memory: Memory, start: number, end: number): number {
    this.memory = memory;
    this.view = memory.view;
    this.start = start;
    this.at = start;
    this.end = end;
    this.resumed = false;
    if (end - start < 40) return LoadStatus.malformed;
    const { view } = memory;
    this.xid = view.getUint32(start, false);
    if (view.getUint32(start + 4, false) !== 0) return LoadStatus.malformed;
    if (view.getUint32(start + 8, false) !== RPC_VERSION) return LoadStatus.rpcVersion;
    this.program = view.getUint32(start + 12, false);
    this.version = view.getUint32(start + 16, false);
    this.procedure = view.getUint32(start + 20, false);
    const flavor = view.getUint32(start + 24, false);
    const length = view.getUint32(start + 28, false);
    const body = start + 32;
    const verifier = body + ((length + 3) & ~3);
    if (length > CREDENTIAL_BYTES_MAX || verifier + 8 > end) return LoadStatus.malformed;
    const verifierLength = view.getUint32(verifier + 4, false);
    if (verifierLength > CREDENTIAL_BYTES_MAX) return LoadStatus.malformed;
    this.at = verifier + 8 + ((verifierLength + 3) & ~3);
    if (this.at > end) return LoadStatus.malformed;
    return this.#credential(flavor, body, body + length) ? LoadStatus.ok : LoadStatus.credential;
  }

  #credential(flavor: number, body: number, end: number): boolean {
    const { view } = this;
    this.timeFlags = 0;
    this.groups = this.#ownGroups;
    this.groupCount = 0;
    this.ownerLength = 0;
    this.pid = 0;
    this.uid = 0;
    this.gid = 0;
    if (flavor === AUTH.none) return true;
    if (flavor !== AUTH.gluster3 && flavor !== AUTH.gluster2) return false;
    let at = body;
    if (end - at < 20) return false;
    this.pid = view.getInt32(at, false);
    this.uid = view.getUint32(at + 4, false);
    this.gid = view.getUint32(at + 8, false);
    at += 12;
    if (flavor === AUTH.gluster3) {
      if (end - at < 24) return false;
      this.timeFlags = view.getUint32(at, false);
      this.timeNanoseconds = view.getUint32(at + 4, false);
      this.timeSeconds = view.getInt32(at + 8, false) * TWO_32 + view.getUint32(at + 12, false);
      at += 16;
    }
    const count = view.getUint32(at, false);
    at += 4;
    if (count > GROUPS_MAX || at + 4 * count + 4 > end) return false;
    for (let index = 0; index < count; index++) {
      this.groups[index] = view.getUint32(at + 4 * index, false);
    }
    this.groupCount = count;
    at += 4 * count;
    this.ownerLength = view.getUint32(at, false);
    this.ownerAt = at + 4;
    return this.ownerAt + this.ownerLength <= end;
  }

  u32(): number {
    return this.view.getUint32(this.#take(4), false);
  }

  i32(): number {
    return this.view.getInt32(this.#take(4), false);
  }

  /** The nearest number: not exact from 2^53 on. */
  u64(): number {
    const at = this.#take(8);
    return this.view.getUint32(at, false) * TWO_32 + this.view.getUint32(at + 4, false);
  }

  i64(): number {
    const at = this.#take(8);
    return this.view.getInt32(at, false) * TWO_32 + this.view.getUint32(at + 4, false);
  }

  /** Where the 16 bytes of a gfid are. */
  gfid(): number {
    return this.#take(16);
  }

  /** Passes `size` bytes; where they are. */
  skip(size: number): number {
    return this.#take(size);
  }

  /** Passes a counted byte string; where its length is: the bytes come 4 behind. */
  opaque(): number {
    const at = this.#take(4);
    const length = this.view.getUint32(at, false);
    // Compared first: rounded up, the largest lengths would become small ones.
    if (length > this.end - this.at) truncated(length, this.end - this.at);
    this.#take((length + 3) & ~3);
    return at;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  /** The arguments that are left, as a view: for what is decoded by declaration. */
  rest(): Uint8Array {
    return this.memory.bytes.subarray(this.at, this.end);
  }

  /** The lock owner's bytes, as a copy. */
  owner(): Uint8Array {
    return this.memory.bytes.slice(this.ownerAt, this.ownerAt + this.ownerLength);
  }

  #take(size: number): number {
    const { at } = this;
    if (size < 0 || size > this.end - at) truncated(size, this.end - at);
    this.at = at + size;
    return at;
  }
}

function truncated(wanted: number, left: number): never {
  throw new Malformed(`${wanted} bytes wanted, ${left} left`);
}
