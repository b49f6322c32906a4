/**
 * A binary format is a declaration: name the fields in wire order, and the offsets follow.
 *
 *     const header = struct("header", 12, { magic: u32le, size: u64le });
 *     header.field.size.get(view, base);   // hot path, a number
 *     header.decode(view, base);           // cold path, a plain object
 *
 * `base` is always the position of the struct inside the view, so one DataView serves a whole buffer.
 */

/** A scalar type: its width in bytes, and how to read and write it at an absolute byte position. */
export interface Scalar<T> {
  readonly size: number;
  at(offset: number): Field<T>;
}

/** A scalar placed at a fixed offset inside a struct. `base` is where the struct starts in the view. */
export interface Field<T> {
  readonly offset: number;
  readonly size: number;
  get(view: DataView, base: number): T;
  set(view: DataView, base: number, value: T): void;
}

type Shape = Readonly<Record<string, Scalar<never> | Scalar<number> | Scalar<Uint8Array>>>;
type Value<S> = S extends Scalar<infer T> ? T : never;

export interface Struct<S extends Shape> {
  readonly name: string;
  readonly size: number;
  readonly field: { readonly [K in keyof S]: Field<Value<S[K]>> };
  decode(view: DataView, base: number): { -readonly [K in keyof S]: Value<S[K]> };
  encode(view: DataView, base: number, value: { readonly [K in keyof S]: Value<S[K]> }): void;
}

const TWO_32 = 4_294_967_296;
const HIGH_MAX = 0x1f_ffff; // Numbers are exact below 2^53.

function rejectHighWord(high: number): never {
  throw new RangeError(`u64 exceeds 2^53 (high word ${high})`);
}

function number(
  size: number,
  get: (view: DataView, position: number) => number,
  set: (view: DataView, position: number, value: number) => void,
): Scalar<number> {
  return {
    size,
    at: (offset) =>
      Object.freeze<Field<number>>({
        offset,
        size,
        get: (view, base) => get(view, base + offset),
        set: (view, base, value) => set(view, base + offset, value),
      }),
  };
}

export const u8 = number(1, (v, p) => v.getUint8(p), (v, p, x) => v.setUint8(p, x));
export const u16le = number(2, (v, p) => v.getUint16(p, true), (v, p, x) => v.setUint16(p, x, true));
export const u32le = number(4, (v, p) => v.getUint32(p, true), (v, p, x) => v.setUint32(p, x, true));
export const i32le = number(4, (v, p) => v.getInt32(p, true), (v, p, x) => v.setInt32(p, x, true));
export const u16be = number(2, (v, p) => v.getUint16(p, false), (v, p, x) => v.setUint16(p, x, false));
export const u32be = number(4, (v, p) => v.getUint32(p, false), (v, p, x) => v.setUint32(p, x, false));

/** A 64-bit count, size or position. Throws RangeError at 2^53 and above. */
export const u64le = number(8, readU64le, writeU64le);

export const u64be = number(8, readU64be, writeU64be);

/** The low 53 bits are all a number can hold exactly; a larger value throws RangeError. */
export function readU64le(view: DataView, position: number): number {
  const high = view.getUint32(position + 4, true);
  if (high > HIGH_MAX) rejectHighWord(high);
  return view.getUint32(position, true) + high * TWO_32;
}

export function writeU64le(view: DataView, position: number, value: number): void {
  view.setUint32(position, value >>> 0, true);
  view.setUint32(position + 4, (value / TWO_32) >>> 0, true);
}

export function readU64be(view: DataView, position: number): number {
  const high = view.getUint32(position, false);
  if (high > HIGH_MAX) rejectHighWord(high);
  return view.getUint32(position + 4, false) + high * TWO_32;
}

export function writeU64be(view: DataView, position: number, value: number): void {
  view.setUint32(position, (value / TWO_32) >>> 0, false);
  view.setUint32(position + 4, value >>> 0, false);
}

/** Raw bytes of a fixed length; the value is a view into the buffer, not a copy. */
export function bytes(size: number): Scalar<Uint8Array> {
  return {
    size,
    at: (offset) =>
      Object.freeze<Field<Uint8Array>>({
        offset,
        size,
        get: (view, base) => new Uint8Array(view.buffer, view.byteOffset + base + offset, size),
        set: (view, base, value) => {
          const target = new Uint8Array(view.buffer, view.byteOffset + base + offset, size);
          if (value.length > size) throw new RangeError(`${value.length} bytes do not fit ${size}`);
          target.fill(0);
          target.set(value);
        },
      }),
  };
}

/** Lay the fields out back to back and check that they fill exactly `size` bytes. */
export function struct<const S extends Shape>(name: string, size: number, shape: S): Struct<S> {
  const field: Record<string, Field<unknown>> = {};
  let offset = 0;
  for (const [key, scalar] of Object.entries(shape)) {
    field[key] = scalar.at(offset);
    offset += scalar.size;
  }
  if (offset !== size) throw new RangeError(`${name}: fields fill ${offset} bytes, format says ${size}`);
  const entries = Object.entries(field);
  return Object.freeze({
    name,
    size,
    field: Object.freeze(field) as Struct<S>["field"],
    decode(view: DataView, base: number) {
      const out: Record<string, unknown> = {};
      for (const [key, f] of entries) out[key] = f.get(view, base);
      return out as ReturnType<Struct<S>["decode"]>;
    },
    encode(view: DataView, base: number, value: Record<string, unknown>) {
      for (const [key, f] of entries) f.set(view, base, value[key]);
    },
  });
}
