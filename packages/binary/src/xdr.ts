/**
 * XDR (RFC 4506): big-endian items, each a multiple of four bytes.
 *
 * | item | bytes |
 * |---|---|
 * | u32, i32, bool | 4 |
 * | u64, i64, double | 8 |
 * | opaque[n] | n, zero padding up to a multiple of 4 |
 * | opaque<>, string<> | u32 length, bytes, zero padding |
 * | T<> | u32 count, elements |
 * | T* | u32 0, or u32 1 and the value |
 * | linked list | (u32 1, value) repeated, u32 0 |
 *
 * A reader never trusts a length or a count: it is compared with what is left before anything is
 * taken or allocated, so the memory and the time that a message costs are bounded by its size.
 * Byte strings that a reader returns are views into the message, not copies.
 */

export type XdrErrorCode = "truncated" | "too-long" | "bad-value" | "trailing-bytes";

/** Bytes that are not the XDR they should be, or a value that XDR cannot carry. */
export class XdrError extends Error {
  override readonly name = "XdrError";
  readonly code: XdrErrorCode;
  constructor(code: XdrErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A 64-bit value kept as two unsigned halves: cookies, inode numbers, anything beyond 2^53. */
export interface U64Halves {
  readonly high: number;
  readonly low: number;
}

const TWO_32 = 4_294_967_296;
const HIGH_MAX = 0x1f_ffff; // Numbers are exact below 2^53.
const textDecoder = new TextDecoder();
const textEncoder = new TextEncoder();

function rejectTruncated(wanted: number, left: number): never {
  throw new XdrError("truncated", `${wanted} bytes wanted, ${left} left`);
}

function rejectWide(high: number): never {
  throw new XdrError("bad-value", `64-bit value is not exact below 2^53 (high word ${high})`);
}

/** A cursor over one message. `end` is exclusive; reading beyond it throws "truncated". */
export class XdrReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** Where the next item starts, counted from the start of `bytes`. */
  position: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (start < 0 || start > end || end > bytes.length) rejectTruncated(end - start, bytes.length);
    this.bytes = bytes;
    this.end = end;
    this.position = start;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get remaining(): number {
    return this.end - this.position;
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), false);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), false);
  }

  bool(): boolean {
    const value = this.u32();
    if (value > 1) throw new XdrError("bad-value", `boolean is ${value}`);
    return value === 1;
  }

  /** An exact unsigned number; 2^53 and above throws "bad-value". */
  u64(): number {
    const at = this.#advance(8);
    const high = this.#view.getUint32(at, false);
    if (high > HIGH_MAX) rejectWide(high);
    return high * TWO_32 + this.#view.getUint32(at + 4, false);
  }

  /** The nearest number: exact only while Number.isSafeInteger holds. The caller has to ask. */
  u64Nearest(): number {
    const at = this.#advance(8);
    return this.#view.getUint32(at, false) * TWO_32 + this.#view.getUint32(at + 4, false);
  }

  /** The nearest signed number, as u64Nearest. */
  i64Nearest(): number {
    const at = this.#advance(8);
    return this.#view.getInt32(at, false) * TWO_32 + this.#view.getUint32(at + 4, false);
  }

  u64Halves(): U64Halves {
    const at = this.#advance(8);
    return { high: this.#view.getUint32(at, false), low: this.#view.getUint32(at + 4, false) };
  }

  double(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** `length` bytes as a view; the padding is skipped. */
  opaqueFixed(length: number): Uint8Array {
    const at = this.#advance(padded(length));
    return this.bytes.subarray(at, at + length);
  }

  /** A counted byte string as a view. Longer than `lengthMax` throws "too-long". */
  opaque(lengthMax = 0xffff_ffff): Uint8Array {
    const length = this.u32();
    if (length > lengthMax) throw new XdrError("too-long", `${length} bytes, limit ${lengthMax}`);
    return this.opaqueFixed(length);
  }

  /** A counted string. Bytes that are not UTF-8 become U+FFFD; use opaque() for names of files. */
  text(lengthMax?: number): string {
    return textDecoder.decode(this.opaque(lengthMax));
  }

  /** An element count, refused when that many elements of `sizeMin` bytes cannot be left. */
  count(sizeMin: number): number {
    const count = this.u32();
    if (count * sizeMin > this.remaining) rejectTruncated(count * sizeMin, this.remaining);
    return count;
  }

  /** All that is left, as a view; the cursor goes to the end. */
  rest(): Uint8Array {
    const at = this.position;
    this.position = this.end;
    return this.bytes.subarray(at, this.end);
  }

  /** The message must be used up. */
  finish(): void {
    const left = this.remaining;
    if (left > 0) throw new XdrError("trailing-bytes", `${left} bytes after the last item`);
  }

  #advance(size: number): number {
    const at = this.position;
    if (size > this.end - at) rejectTruncated(size, this.end - at);
    this.position = at + size;
    return at;
  }
}

/** A growing buffer (by half its size at least) that is used again after reset(). */
export class XdrWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacityBytes = 512) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  u32(value: number): void {
    const at = this.reserve(4); // Growing replaces the view.
    this.#view.setUint32(at, value, false);
  }

  i32(value: number): void {
    const at = this.reserve(4);
    this.#view.setInt32(at, value, false);
  }

  bool(value: boolean): void {
    this.u32(value ? 1 : 0);
  }

  /** An exact unsigned number; anything else throws "bad-value". */
  u64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) rejectNumber(value);
    this.#pair(Math.floor(value / TWO_32), value);
  }

  /** An exact signed number; anything else throws "bad-value". */
  i64(value: number): void {
    if (!Number.isSafeInteger(value)) rejectNumber(value);
    this.#pair(Math.floor(value / TWO_32), value);
  }

  u64Halves(value: U64Halves): void {
    this.#pair(value.high, value.low);
  }

  double(value: number): void {
    const at = this.reserve(8);
    this.#view.setFloat64(at, value, false);
  }

  /** Exactly `length` bytes, then padding. */
  opaqueFixed(value: Uint8Array, length: number): void {
    if (value.length !== length) {
      throw new XdrError("bad-value", `${value.length} bytes given, the item has ${length}`);
    }
    this.#padded(value);
  }

  opaque(value: Uint8Array): void {
    this.u32(value.length);
    this.#padded(value);
  }

  text(value: string): void {
    this.opaque(textEncoder.encode(value));
  }

  /** Bytes as they are: no length, no padding. */
  raw(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** Overwrite an u32 that was written before, when a length is known only at the end. */
  patchU32(position: number, value: number): void {
    if (position + 4 > this.#length) throw new XdrError("bad-value", `no u32 at ${position}`);
    this.#view.setUint32(position, value, false);
  }

  /** Room for `size` bytes whose content the caller sets; returns where they start. */
  reserve(size: number): number {
    const at = this.#length;
    if (at + size > this.#bytes.length) this.#grow(at + size);
    this.#length = at + size;
    return at;
  }

  /** What was written, as a view: valid until the next write or reset. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written, as a copy that stays. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #pair(high: number, low: number): void {
    const at = this.reserve(8);
    this.#view.setUint32(at, high, false);
    this.#view.setUint32(at + 4, low % TWO_32, false);
  }

  #padded(value: Uint8Array): void {
    const at = this.reserve(padded(value.length));
    this.#bytes.set(value, at);
    this.#bytes.fill(0, at + value.length, this.#length);
  }

  #grow(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, Math.ceil(this.#bytes.length * 1.5)));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function rejectNumber(value: number): never {
  throw new XdrError("bad-value", `${value} is not an exact 64-bit number`);
}

/** How one item is read and written. `sizeMin` bounds how many of it can be left in a message. */
export interface XdrCodec<T> {
  readonly sizeMin: number;
  read(reader: XdrReader): T;
  write(writer: XdrWriter, value: T): void;
}

/** The value that a codec carries. */
export type XdrValue<C> = C extends XdrCodec<infer T> ? T : never;

type Shape = Readonly<Record<string, XdrCodec<unknown>>>;
type RecordValue<S extends Shape> = { readonly [K in keyof S]: XdrValue<S[K]> };

function scalar<T>(
  sizeMin: number,
  read: (reader: XdrReader) => T,
  write: (writer: XdrWriter, value: T) => void,
): XdrCodec<T> {
  return Object.freeze({ sizeMin, read, write });
}

/** Members in wire order, as a plain object. For cold paths: hot ones use the cursor directly. */
function record<const S extends Shape>(shape: S): XdrCodec<RecordValue<S>> {
  const members = Object.entries(shape);
  return scalar(
    members.reduce((sum, [, member]) => sum + member.sizeMin, 0),
    (reader) => {
      const value: Record<string, unknown> = {};
      for (const [key, member] of members) value[key] = member.read(reader);
      return value as RecordValue<S>;
    },
    (writer, value) => {
      for (const [key, member] of members) member.write(writer, value[key]);
    },
  );
}

function array<T>(element: XdrCodec<T>, countMax = 0xffff_ffff): XdrCodec<readonly T[]> {
  return scalar<readonly T[]>(
    4,
    (reader) => {
      const count = reader.count(Math.max(element.sizeMin, 4));
      if (count > countMax) throw new XdrError("too-long", `${count} elements, limit ${countMax}`);
      return Array.from({ length: count }, () => element.read(reader));
    },
    (writer, values) => {
      writer.u32(values.length);
      for (const value of values) element.write(writer, value);
    },
  );
}

function optional<T>(element: XdrCodec<T>): XdrCodec<T | undefined> {
  return scalar<T | undefined>(
    4,
    (reader) => (reader.bool() ? element.read(reader) : undefined),
    (writer, value) => {
      writer.bool(value !== undefined);
      if (value !== undefined) element.write(writer, value);
    },
  );
}

/** A chain in which every element is announced by 1 and the end by 0. Read without recursion. */
function chain<T>(element: XdrCodec<T>): XdrCodec<readonly T[]> {
  return scalar<readonly T[]>(
    4,
    (reader) => {
      const values: T[] = [];
      while (reader.bool()) values.push(element.read(reader));
      return values;
    },
    (writer, values) => {
      for (const value of values) {
        writer.u32(1);
        element.write(writer, value);
      }
      writer.u32(0);
    },
  );
}

/** Codecs for declarations: `xdr.record({ gfid: xdr.opaqueFixed(16), offset: xdr.u64 })`. */
export const xdr = {
  u32: scalar<number>(4, (r) => r.u32(), (w, v) => w.u32(v)),
  i32: scalar<number>(4, (r) => r.i32(), (w, v) => w.i32(v)),
  bool: scalar<boolean>(4, (r) => r.bool(), (w, v) => w.bool(v)),
  /** Exact: 2^53 and above is an error. */
  u64: scalar<number>(8, (r) => r.u64(), (w, v) => w.u64(v)),
  /** Reads the nearest number, to be tested with Number.isSafeInteger; writes exact ones only. */
  u64Nearest: scalar<number>(8, (r) => r.u64Nearest(), (w, v) => w.u64(v)),
  i64Nearest: scalar<number>(8, (r) => r.i64Nearest(), (w, v) => w.i64(v)),
  u64Halves: scalar<U64Halves>(8, (r) => r.u64Halves(), (w, v) => w.u64Halves(v)),
  double: scalar<number>(8, (r) => r.double(), (w, v) => w.double(v)),
  text: scalar<string>(4, (r) => r.text(), (w, v) => w.text(v)),
  opaque: scalar<Uint8Array>(4, (r) => r.opaque(), (w, v) => w.opaque(v)),
  opaqueMax: (lengthMax: number): XdrCodec<Uint8Array> =>
    scalar<Uint8Array>(4, (r) => r.opaque(lengthMax), (w, v) => w.opaque(v)),
  opaqueFixed: (length: number): XdrCodec<Uint8Array> =>
    scalar<Uint8Array>(
      padded(length),
      (r) => r.opaqueFixed(length),
      (w, v) => w.opaqueFixed(v, length),
    ),
  record,
  array,
  optional,
  chain,
  scalar,
} as const;
