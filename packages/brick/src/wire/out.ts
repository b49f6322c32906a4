/**
 * Replies, one behind another in one buffer that is sent at once. Data read from a file goes
 * straight to its place in the buffer.
 *
 *     record mark | u32 xid | 1 | 0 | 0 | 0 | 0 | result
 *
 * `failure` writes a result of the procedure's full size: op_ret -1, op_errno, and zeros, among
 * which the empty dictionaries are right as they are.
 */
import { allocate } from "./memory.ts";
import type { Memory } from "./memory.ts";

const LAST_FRAGMENT = 0x8000_0000;
export const REPLY_HEAD_BYTES = 28;
const TWO_32 = 2 ** 32;

export class Out {
  #memory: Memory;
  view: DataView;
  bytes: Uint8Array;
  /** Where the next item goes. */
  at = 0;

  constructor(lengthBytes: number) {
    this.#memory = allocate(lengthBytes);
    this.view = this.#memory.view;
    this.bytes = this.#memory.bytes;
  }

  get address(): number {
    return this.#memory.address;
  }

  get length(): number {
    return this.#memory.length;
  }

  get room(): number {
    return this.#memory.length - this.at;
  }

  /** Make room, growing if need be; positions stay, addresses do not. */
  reserve(size: number): void {
    if (size <= this.room) return;
    const memory = allocate(Math.max(this.at + size, this.#memory.length * 2));
    memory.bytes.set(this.#memory.bytes.subarray(0, this.at));
    this.#memory = memory;
    this.view = memory.view;
    this.bytes = memory.bytes;
  }

  /** The head of a reply; gives what `end` wants. */
  begin(xid: number): number {
    this.reserve(1024);
    const start = this.at;
    const { view } = this;
    view.setUint32(start + 4, xid, false);
    view.setUint32(start + 8, 1, false);
    view.setUint32(start + 12, 0, false);
    view.setUint32(start + 16, 0, false);
    view.setUint32(start + 20, 0, false);
    view.setUint32(start + 24, 0, false);
    this.at = start + REPLY_HEAD_BYTES;
    return start;
  }

  end(start: number): void {
    this.view.setUint32(start, (LAST_FRAGMENT | (this.at - start - 4)) >>> 0, false);
  }

  failure(start: number, errno: number, resultBytes: number): void {
    this.at = start + REPLY_HEAD_BYTES;
    this.reserve(resultBytes);
    this.i32(-1);
    this.i32(errno);
    this.zeros(resultBytes - 8);
    this.end(start);
  }

  u32(value: number): void {
    this.view.setUint32(this.at, value, false);
    this.at += 4;
  }

  i32(value: number): void {
    this.view.setInt32(this.at, value, false);
    this.at += 4;
  }

  u64(value: number): void {
    this.view.setUint32(this.at, Math.floor(value / TWO_32), false);
    this.view.setUint32(this.at + 4, value % TWO_32, false);
    this.at += 8;
  }

  zeros(size: number): void {
    this.bytes.fill(0, this.at, this.at + size);
    this.at += size;
  }

  /** op_ret, op_errno and no dictionary. */
  common(opRet: number, opErrno = 0): void {
    this.i32(opRet);
    this.i32(opErrno);
    this.noDictionary();
  }

  /** None is not the same as an empty one: clients take that for "there are no such attributes". */
  noDictionary(): void {
    this.u32(0);
    this.i32(-1);
    this.u32(0);
  }

  /** Bytes that stand at a place of another buffer. */
  copy(source: Uint8Array, from: number, length: number): void {
    this.bytes.set(source.subarray(from, from + length), this.at);
    this.at += length;
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.at);
    this.at += source.length;
  }

  /** Zeros up to a multiple of four bytes behind `length` bytes. */
  pad(length: number): void {
    for (let left = -length & 3; left > 0; left--) this.bytes[this.at++] = 0;
  }

  // A dictionary is begun, its pairs are written, and it is ended.

  beginDictionary(): number {
    const at = this.at;
    this.at += 12;
    return at;
  }

  endDictionary(start: number, count: number): void {
    this.view.setUint32(start, this.at - start - 12, false);
    this.view.setUint32(start + 4, count, false);
    this.view.setUint32(start + 8, count, false);
  }

  /** A key with its NUL, from another buffer. */
  key(source: Uint8Array, from: number, length: number): void {
    this.reserve(length + 256);
    this.u32(length);
    this.copy(source, from, length);
    this.pad(length);
  }
}

/** A key for a reply's dictionary: with its length, NUL and padding. */
export function keyBytes(text: string): Uint8Array {
  const length = Buffer.byteLength(text) + 1;
  const bytes = new Uint8Array(4 + ((length + 3) & ~3));
  new DataView(bytes.buffer).setUint32(0, length, false);
  bytes.set(Buffer.from(text), 4);
  return bytes;
}
