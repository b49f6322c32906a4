/**
 * The typed dictionary (gfx_dict) of every file operation:
 *
 *     u32 size of the whole minus 12, i32 count (-1: none), u32 count, then count times:
 *       opaque key<> (its NUL counted), i32 type, value
 *
 * | type | value | |
 * |---|---|---|
 * | 1 text-old | opaque<> | text that came out of an untyped dictionary |
 * | 2 int | i64 | |
 * | 3 uint | u64 | |
 * | 4 double | 8 bytes | |
 * | 5 text | opaque<>, its NUL counted | |
 * | 6 bytes | opaque<> | raw values of extended attributes |
 * | 7 gfid | 16 bytes | |
 * | 8 iatt | 148 bytes | |
 * | 9 mdata | 36 bytes | |
 *
 * The size matters where raw data follows the message: receivers find it by that.
 */

import { XdrError, XdrReader, XdrWriter, xdr } from "@mortar/binary";
import type { XdrCodec } from "@mortar/binary";
import { gfid, iatt, mdata } from "./attributes.ts";
import type { Iatt, Mdata } from "./attributes.ts";

export type TypedValue =
  | { readonly type: "int" | "uint" | "double"; readonly value: number }
  | { readonly type: "text-old" | "text" | "bytes" | "gfid"; readonly value: Uint8Array }
  | { readonly type: "iatt"; readonly value: Iatt }
  | { readonly type: "mdata"; readonly value: Mdata };

/** Keys without their NUL. Values of type text have theirs, see textOf and typed.text. */
export type TypedDictionary = ReadonlyMap<string, TypedValue>;

export const NO_DICTIONARY: TypedDictionary = new Map<string, TypedValue>();

const TYPE_NUMBER = {
  "text-old": 1, int: 2, uint: 3, double: 4, text: 5, bytes: 6, gfid: 7, iatt: 8, mdata: 9,
} as const satisfies Record<TypedValue["type"], number>;

const SIZE_BIAS = 12;
const PAIR_BYTES_MIN = 12;
const textDecoder = new TextDecoder();
const textEncoder = new TextEncoder();

/** Values as GlusterFS's own setters type them. */
export const typed = {
  int: (value: number): TypedValue => ({ type: "int", value }),
  uint: (value: number): TypedValue => ({ type: "uint", value }),
  text: (value: string): TypedValue => ({ type: "text", value: textEncoder.encode(`${value}\0`) }),
  bytes: (value: Uint8Array): TypedValue => ({ type: "bytes", value }),
  gfid: (value: Uint8Array): TypedValue => ({ type: "gfid", value }),
  iatt: (value: Iatt): TypedValue => ({ type: "iatt", value }),
  mdata: (value: Mdata): TypedValue => ({ type: "mdata", value }),
} as const;

/** The text of a value up to its first NUL, numbers in decimal: the types are used loosely. */
export function textOf(value: TypedValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value.value === "number") return String(value.value);
  if (!(value.value instanceof Uint8Array)) return undefined;
  const end = value.value.indexOf(0);
  return textDecoder.decode(end < 0 ? value.value : value.value.subarray(0, end));
}

/** The number of a value, from decimal text too. */
export function numberOf(value: TypedValue | undefined): number | undefined {
  const text = textOf(value);
  if (text === undefined || text.trim() === "") return undefined;
  const number = Number(text);
  return Number.isNaN(number) ? undefined : number;
}

export const typedDictionary: XdrCodec<TypedDictionary> = xdr.scalar(SIZE_BIAS, read, write);

function read(reader: XdrReader): TypedDictionary {
  reader.u32();
  const declared = reader.i32();
  const count = reader.count(PAIR_BYTES_MIN);
  if (declared !== count && !(declared === -1 && count === 0)) {
    throw new XdrError("bad-value", `dictionary declares ${declared} pairs and has ${count}`);
  }
  if (count === 0) return NO_DICTIONARY;
  const values = new Map<string, TypedValue>();
  for (let pair = 0; pair < count; pair++) {
    const key = reader.opaque();
    const end = key.indexOf(0);
    const name = textDecoder.decode(end < 0 ? key : key.subarray(0, end));
    values.set(name, readValue(reader, reader.i32()));
  }
  return values;
}

function readValue(reader: XdrReader, type: number): TypedValue {
  switch (type) {
    case TYPE_NUMBER["text-old"]:
      return { type: "text-old", value: reader.opaque() };
    case TYPE_NUMBER.int:
      return { type: "int", value: reader.i64Nearest() };
    case TYPE_NUMBER.uint:
      return { type: "uint", value: reader.u64Nearest() };
    case TYPE_NUMBER.double:
      return { type: "double", value: reader.double() };
    case TYPE_NUMBER.text:
      return { type: "text", value: reader.opaque() };
    case TYPE_NUMBER.bytes:
      return { type: "bytes", value: reader.opaque() };
    case TYPE_NUMBER.gfid:
      return { type: "gfid", value: gfid.read(reader) };
    case TYPE_NUMBER.iatt:
      return { type: "iatt", value: iatt.read(reader) };
    case TYPE_NUMBER.mdata:
      return { type: "mdata", value: mdata.read(reader) };
    default:
      throw new XdrError("bad-value", `dictionary value of type ${type}`);
  }
}

function write(writer: XdrWriter, values: TypedDictionary): void {
  const start = writer.length;
  writer.u32(0);
  writer.i32(values.size);
  writer.u32(values.size);
  for (const [key, value] of values) {
    writer.opaque(textEncoder.encode(`${key}\0`));
    writer.i32(TYPE_NUMBER[value.type]);
    writeValue(writer, value);
  }
  writer.patchU32(start, writer.length - start - SIZE_BIAS);
}

function writeValue(writer: XdrWriter, value: TypedValue): void {
  switch (value.type) {
    case "int":
      return writer.i64(value.value);
    case "uint":
      return writer.u64(value.value);
    case "double":
      return writer.double(value.value);
    case "text-old":
    case "text":
    case "bytes":
      return writer.opaque(value.value);
    case "gfid":
      return gfid.write(writer, value.value);
    case "iatt":
      return iatt.write(writer, value.value);
    case "mdata":
      return mdata.write(writer, value.value);
  }
}
