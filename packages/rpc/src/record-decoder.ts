/**
 * Record marking (RFC 5531 §11): how messages are found in a byte stream.
 *
 *     fragment = u32 { bit 31: last of its record; bits 0-30: length }, length bytes
 *     record   = one or more fragments
 *
 * The peer announces lengths before it sends bytes. No more is ever allocated than a small multiple
 * of what has arrived, and a record above the limit is refused as soon as it is announced.
 */

import { RpcError } from "./error.ts";

/** GlusterFS's own limit is 1 GiB; its largest ordinary message is a write of about 1 MiB. */
export const RECORD_BYTES_MAX = 128 * 1024 * 1024;

const LAST_FRAGMENT = 0x8000_0000;
const LENGTH_MASK = 0x7fff_ffff;
const HEADER_BYTES = 4;
const ALLOCATION_STEP = 1024 * 1024;
const EMPTY = new Uint8Array(0);

export interface RecordDecoderOptions {
  /** The largest record, all its fragments together. */
  readonly recordBytesMax?: number;
}

/** Cuts a stream, given in pieces of any size, into records. One decoder per connection. */
export class RecordDecoder {
  readonly #recordBytesMax: number;
  #header = 0;
  #headerBytes = 0;
  /** Bytes of the current fragment that have not arrived. */
  #fragmentLeft = 0;
  #last = false;
  #record: Uint8Array = EMPTY;
  #recordLength = 0;
  #failed = false;

  constructor(options: RecordDecoderOptions = {}) {
    this.#recordBytesMax = options.recordBytesMax ?? RECORD_BYTES_MAX;
  }

  /** Bytes held of a record that is not whole yet. */
  get pendingBytes(): number {
    return this.#recordLength;
  }

  /**
   * The records that `chunk` completes, in order. A record that lies whole in the chunk is a view
   * into it; the chunk must not be written to while the record is in use.
   * Throws RpcError "record-too-large"; the connection has to be closed then.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#failed) throw new RpcError("record-too-large", "the stream was given up before");
    const records: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerBytes < HEADER_BYTES) {
        this.#header = ((this.#header << 8) | chunk[at]!) >>> 0;
        at++;
        this.#headerBytes++;
        if (this.#headerBytes < HEADER_BYTES) continue;
        this.#startFragment();
      }
      const taken = Math.min(this.#fragmentLeft, chunk.length - at);
      const whole = this.#recordLength === 0 && this.#last && taken === this.#fragmentLeft;
      const piece = chunk.subarray(at, at + taken);
      at += taken;
      if (whole) {
        records.push(piece);
        this.#headerBytes = 0;
        continue;
      }
      this.#append(piece);
      if (this.#fragmentLeft === 0) this.#endFragment(records);
    }
    return records;
  }

  #startFragment(): void {
    this.#last = this.#header >= LAST_FRAGMENT;
    this.#fragmentLeft = this.#header & LENGTH_MASK;
    const total = this.#recordLength + this.#fragmentLeft;
    if (total <= this.#recordBytesMax) return;
    this.#failed = true;
    this.#record = EMPTY;
    throw new RpcError(
      "record-too-large",
      `a record of at least ${total} bytes is announced, the limit is ${this.#recordBytesMax}`,
    );
  }

  #append(piece: Uint8Array): void {
    const length = this.#recordLength + piece.length;
    if (length > this.#record.length) {
      const announced = this.#recordLength + this.#fragmentLeft;
      const capacity = Math.max(length, Math.min(announced, length + ALLOCATION_STEP, length * 2));
      const record = new Uint8Array(capacity);
      record.set(this.#record.subarray(0, this.#recordLength));
      this.#record = record;
    }
    this.#record.set(piece, this.#recordLength);
    this.#recordLength = length;
    this.#fragmentLeft -= piece.length;
  }

  #endFragment(records: Uint8Array[]): void {
    this.#headerBytes = 0;
    if (!this.#last) return;
    records.push(this.#record.subarray(0, this.#recordLength));
    this.#record = EMPTY;
    this.#recordLength = 0;
  }
}
