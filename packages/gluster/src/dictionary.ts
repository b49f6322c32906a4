/**
 * The untyped dictionary of the handshake, the brick operations and the callbacks:
 *
 *     u32 count, then count times:
 *       u32 key length (without NUL), u32 value length, key bytes, NUL, value bytes
 *
 * Big-endian and without any padding. Text and integers (in decimal) carry a NUL that is counted;
 * readers accept them without. The order has no meaning; of a repeated key the last one counts.
 */

import { xdr } from "@mortar/binary";
import type { XdrCodec } from "@mortar/binary";
import { GlusterError } from "./error.ts";

const ENTRY_BYTES_MIN = 9;
const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

/** Text and integers are written as GlusterFS does, bytes as they are. */
export type DictionaryInput = string | number | Uint8Array;

export class Dictionary {
  readonly #values = new Map<string, Uint8Array>();

  static of(entries: Readonly<Record<string, DictionaryInput>>): Dictionary {
    const dictionary = new Dictionary();
    for (const [key, value] of Object.entries(entries)) dictionary.set(key, value);
    return dictionary;
  }

  /** No bytes at all are an empty dictionary. Throws GlusterError "malformed-message". */
  static decode(bytes: Uint8Array): Dictionary {
    const dictionary = new Dictionary();
    if (bytes.length === 0) return dictionary;
    if (bytes.length < 4) reject("the count is cut");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const count = view.getUint32(0, false);
    if (count > (bytes.length - 4) / ENTRY_BYTES_MIN) reject(`${count} entries do not fit`);
    let at = 4;
    for (let entry = 0; entry < count; entry++) {
      if (bytes.length - at < ENTRY_BYTES_MIN) reject(`entry ${entry} is cut`);
      const keyLength = view.getUint32(at, false);
      const valueLength = view.getUint32(at + 4, false);
      const valueAt = at + 8 + keyLength + 1;
      if (valueAt + valueLength > bytes.length) reject(`entry ${entry} is cut`);
      if (bytes[valueAt - 1] !== 0) reject(`key of entry ${entry} does not end with NUL`);
      const key = textDecoder.decode(bytes.subarray(at + 8, valueAt - 1));
      dictionary.#values.set(key, bytes.subarray(valueAt, valueAt + valueLength));
      at = valueAt + valueLength;
    }
    return dictionary;
  }

  get size(): number {
    return this.#values.size;
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** The value as it is on the wire, NUL and all. */
  bytes(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  /** The value up to its first NUL. */
  text(key: string): string | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    const end = value.indexOf(0);
    return textDecoder.decode(end < 0 ? value : value.subarray(0, end));
  }

  /** A decimal integer. Throws GlusterError "malformed-message" when the text is not one. */
  integer(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\s*[-+]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
      reject(`value of ${key} is not an integer`);
    }
    return value;
  }

  set(key: string, value: DictionaryInput): this {
    this.#values.set(key, valueBytes(value));
    return this;
  }

  delete(key: string): boolean {
    return this.#values.delete(key);
  }

  /** Every value as text, for logs and tests. */
  toObject(): Record<string, string> {
    return Object.fromEntries(this.keys().map((key) => [key, this.text(key) ?? ""]));
  }

  encode(): Uint8Array {
    const entries = [...this.#values].map(
      ([key, value]) => [textEncoder.encode(key), value] as const,
    );
    const length = entries.reduce((sum, [key, value]) => sum + 9 + key.length + value.length, 4);
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, entries.length, false);
    let at = 4;
    for (const [key, value] of entries) {
      view.setUint32(at, key.length, false);
      view.setUint32(at + 4, value.length, false);
      bytes.set(key, at + 8);
      bytes.set(value, at + 9 + key.length);
      at += 9 + key.length + value.length;
    }
    return bytes;
  }
}

function valueBytes(value: DictionaryInput): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const text = typeof value === "number" ? integerText(value) : value;
  return textEncoder.encode(`${text}\0`);
}

function integerText(value: number): string {
  if (!Number.isSafeInteger(value)) reject(`${value} is not an integer`);
  return String(value);
}

function reject(reason: string): never {
  throw new GlusterError("malformed-message", `dictionary: ${reason}`);
}

/** The dictionary as an opaque<> item of a message. */
export const dictionary: XdrCodec<Dictionary> = xdr.scalar(
  4,
  (reader) => Dictionary.decode(reader.opaque()),
  (writer, value) => writer.opaque(value.size === 0 ? new Uint8Array(0) : value.encode()),
);
