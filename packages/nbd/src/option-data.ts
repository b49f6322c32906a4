/**
 * The data of options. A string is its length (32 bits) and its bytes.
 *
 *     INFO, GO             name string | count (16 bits) | count information types (16 bits each)
 *     *_META_CONTEXT       name string | count (32 bits) | count query strings
 *
 * Every length is checked against the option's own before it is used, and nothing may be left over.
 * A function returns undefined for data that is not so.
 */

export const STRING_BYTES_MAX = 4096;

export interface InfoRequest {
  readonly name: string;
  readonly wanted: ReadonlySet<number>;
}

export interface ContextRequest {
  readonly name: string;
  readonly queries: readonly string[];
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The text of `length` bytes. What is not UTF-8 becomes a name that nothing has. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

export function parseInfoRequest(data: Uint8Array): InfoRequest | undefined {
  const view = viewOf(data);
  const nameEnd = stringEnd(view, 0);
  if (nameEnd < 0 || nameEnd + 2 > data.length) return undefined;
  const count = view.getUint16(nameEnd);
  if (nameEnd + 2 + 2 * count !== data.length) return undefined;
  const wanted = new Set<number>();
  for (let index = 0; index < count; index++) wanted.add(view.getUint16(nameEnd + 2 + 2 * index));
  return { name: textOf(data.subarray(4, nameEnd)), wanted };
}

export function parseContextRequest(data: Uint8Array): ContextRequest | undefined {
  const view = viewOf(data);
  const nameEnd = stringEnd(view, 0);
  if (nameEnd < 0 || nameEnd + 4 > data.length) return undefined;
  const count = view.getUint32(nameEnd);
  const queries: string[] = [];
  let at = nameEnd + 4;
  for (let index = 0; index < count; index++) {
    const end = stringEnd(view, at);
    if (end < 0) return undefined;
    queries.push(textOf(data.subarray(at + 4, end)));
    at = end;
  }
  return at === data.length ? { name: textOf(data.subarray(4, nameEnd)), queries } : undefined;
}

/** Where the string that begins at `at` ends; -1 when it does not end inside the data. */
function stringEnd(view: DataView, at: number): number {
  if (at + 4 > view.byteLength) return -1;
  const length = view.getUint32(at);
  const end = at + 4 + length;
  return length <= STRING_BYTES_MAX && end <= view.byteLength ? end : -1;
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}
