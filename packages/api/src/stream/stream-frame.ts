/**
 * Frames of a snapshot stream. docs/formats/snapshot-stream.md; all integers little-endian.
 *
 *     preamble, 16 bytes     magic "MORTSNAP", u32 version, u32 zero
 *     frame, 32 bytes        0  u8   type
 *                            1  u8   flags: 1 the payload is compressed (raw deflate)
 *                            2  u16  index of the brick
 *                            4  u32  bytes of payload that follow
 *                            8  u64  offset in the brick's logical volume
 *                            16 u64  length of the range there
 *                            24 u32  crc32 of the payload
 *                            28 u32  crc32 of the 28 bytes before
 *
 * The last checksum guards the lengths that the reader is going to believe, the one before it the
 * payload. A frame that was checked can be handed on as it is, and is checked again there.
 */
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { StreamError } from "./stream-error.ts";

export const STREAM_MAGIC = "MORTSNAP";
export const STREAM_VERSION = 1;
export const PREAMBLE_BYTES = 16;
export const FRAME_BYTES = 32;
/** What one frame of data covers at most. */
export const DATA_BYTES_MAX = 1024 * 1024;
const TEXT_BYTES_MAX = 4 * 1024 * 1024;
/** LVs are far smaller, and every offset of one is exact. */
const OFFSET_MAX = 2 ** 52;
const DEFLATED = 1;

export const frameType = { header: 1, data: 2, hole: 3, same: 4, brickEnd: 5, end: 6 } as const;
export type FrameType = keyof typeof frameType;
const names = Object.keys(frameType) as FrameType[];

export interface Frame {
  readonly type: FrameType;
  readonly brick: number;
  readonly offset: number;
  readonly length: number;
  readonly isDeflated: boolean;
  /** As it was sent. */
  readonly payload: Uint8Array;
  /** All of the frame, checked, to be handed on. */
  readonly bytes: Uint8Array;
}

export interface FrameDraft {
  readonly type: FrameType;
  readonly brick?: number;
  readonly offset?: number;
  readonly length?: number;
  readonly isDeflated?: boolean;
  readonly payload?: Uint8Array;
}

export function encodePreamble(): Uint8Array {
  const bytes = new Uint8Array(PREAMBLE_BYTES);
  bytes.set(new TextEncoder().encode(STREAM_MAGIC));
  new DataView(bytes.buffer).setUint32(8, STREAM_VERSION, true);
  return bytes;
}

const NO_PAYLOAD = new Uint8Array(0);

export function encodeFrame(draft: FrameDraft): Uint8Array {
  const { type, brick = 0, offset = 0, length = 0, payload = NO_PAYLOAD } = draft;
  const bytes = new Uint8Array(FRAME_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, frameType[type]);
  view.setUint8(1, draft.isDeflated === true ? DEFLATED : 0);
  view.setUint16(2, brick, true);
  view.setUint32(4, payload.length, true);
  writeU64(view, 8, offset);
  writeU64(view, 16, length);
  view.setUint32(24, crc32(payload), true);
  view.setUint32(28, crc32(bytes.subarray(0, 28)), true);
  bytes.set(payload, FRAME_BYTES);
  return bytes;
}

/** Data of an LV; compressed with this level, 0 for never, when that makes it smaller. */
export function encodeData(
  place: { readonly brick: number; readonly offset: number },
  data: Uint8Array,
  level: number,
): Uint8Array {
  const small = level === 0 ? data : deflateRawSync(data, { level });
  const isDeflated = small.length < data.length;
  const payload = isDeflated ? small : data;
  return encodeFrame({ type: "data", ...place, length: data.length, isDeflated, payload });
}

/** Throws `StreamError` when it is not exactly as long as the frame says. */
export function dataOf({ isDeflated, payload, length, brick, offset }: Frame): Uint8Array {
  if (!isDeflated) return payload;
  try {
    const data = inflateRawSync(payload, { maxOutputLength: length });
    if (data.length === length) return data;
  } catch (cause) {
    throw damaged(`brick ${brick + 1}, byte ${offset}: its data cannot be unpacked`, { cause });
  }
  throw damaged(`brick ${brick + 1}, byte ${offset}: its data has another length than it says`);
}

/** Cuts a stream into frames, as its bytes come. Holds one frame at the most. */
export class FrameReader {
  /** Bytes of the stream before the frame that comes next. */
  position = 0;
  #parts: Uint8Array[] = [];
  #held = 0;
  #needsPreamble: boolean;
  #isAtEnd = false;

  /** `preamble` false: the stream is a part of one, as it goes to the node of a brick. */
  constructor({ preamble = true }: { readonly preamble?: boolean } = {}) {
    this.#needsPreamble = preamble;
  }

  /** The frames that are complete now. Throws `StreamError`, and is of no use afterwards. */
  *take(part: Uint8Array): Generator<Frame> {
    if (part.length > 0) this.#parts.push(part);
    this.#held += part.length;
    if (this.#needsPreamble) {
      if (this.#held < PREAMBLE_BYTES) return;
      checkPreamble(this.#pull(PREAMBLE_BYTES));
      this.#needsPreamble = false;
    }
    while (this.#held >= FRAME_BYTES) {
      if (this.#isAtEnd) throw damaged(`byte ${this.position}: there is more after its end`);
      const head = this.#peek(FRAME_BYTES);
      const total = FRAME_BYTES + checkedPayloadLength(head, this.position);
      if (this.#held < total) return;
      const at = this.position;
      const frame = decode(this.#pull(total), at);
      this.#isAtEnd = frame.type === "end";
      yield frame;
    }
    if (this.#isAtEnd && this.#held > 0) {
      throw damaged(`byte ${this.position}: there is more after its end`);
    }
  }

  /** Nothing more comes. Throws when something was begun. */
  finish(): void {
    if (this.#held === 0 && !this.#needsPreamble) return;
    throw new StreamError("cut-off", `The stream was cut off at byte ${this.position + this.#held}`);
  }

  #peek(length: number): Uint8Array {
    const [first] = this.#parts;
    if (first === undefined || first.length < length) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0]!.subarray(0, length);
  }

  #pull(length: number): Uint8Array {
    const bytes = this.#peek(length);
    const rest = this.#parts[0]!.subarray(length);
    if (rest.length === 0) this.#parts.shift();
    else this.#parts[0] = rest;
    this.#held -= length;
    this.position += length;
    return bytes;
  }
}

function checkPreamble(bytes: Uint8Array): void {
  const magic = Buffer.from(bytes.buffer, bytes.byteOffset, 8).toString("latin1");
  if (magic !== STREAM_MAGIC) throw new StreamError("not-a-stream", "This is no snapshot stream");
  const view = viewOf(bytes);
  const version = view.getUint32(8, true);
  if (version !== STREAM_VERSION) {
    const sentence = `The stream is of version ${version}, this program reads ${STREAM_VERSION}`;
    throw new StreamError("unknown-version", sentence);
  }
  if (view.getUint32(12, true) !== 0) throw damaged("byte 12: it is not zero");
}

function checkedPayloadLength(head: Uint8Array, position: number): number {
  const view = viewOf(head);
  const isSound = crc32(head.subarray(0, 28)) === view.getUint32(28, true);
  if (!isSound) throw damaged(`byte ${position}: the checksum of a frame does not fit`);
  const length = view.getUint32(4, true);
  const max = isText(view.getUint8(0)) ? TEXT_BYTES_MAX : DATA_BYTES_MAX;
  if (length > max) throw damaged(`byte ${position}: a frame has ${length} bytes`);
  return length;
}

function isText(type: number): boolean {
  return type === frameType.header || type === frameType.end;
}

function decode(bytes: Uint8Array, position: number): Frame {
  const view = viewOf(bytes);
  const wrong = (what: string): StreamError => damaged(`byte ${position}: ${what}`);
  const type = names.find((name) => frameType[name] === view.getUint8(0));
  if (type === undefined) throw wrong(`a frame has the type ${view.getUint8(0)}`);
  const flags = view.getUint8(1);
  const payload = bytes.subarray(FRAME_BYTES);
  if (crc32(payload) !== view.getUint32(24, true)) {
    throw wrong("the checksum of its data does not fit");
  }
  const [offset, length] = [readU64(view, 8), readU64(view, 16)];
  if (!(offset + length <= OFFSET_MAX)) throw wrong("a range is beyond any logical volume");
  const isDeflated = flags === DEFLATED;
  if (flags !== 0 && !(isDeflated && type === "data")) throw wrong(`a frame has the flags ${flags}`);
  if (type === "data") {
    if (length === 0 || length > DATA_BYTES_MAX) throw wrong(`data of ${length} bytes`);
    if (!isDeflated && payload.length !== length) throw wrong("data is not as long as it says");
  } else if (payload.length > 0 !== isText(view.getUint8(0))) {
    throw wrong(`a frame of type ${type} has ${payload.length} bytes`);
  }
  return { type, brick: view.getUint16(2, true), offset, length, isDeflated, payload, bytes };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Infinity where it would not be exact. */
function readU64(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  return high >= 2 ** 21 ? Infinity : high * 2 ** 32 + view.getUint32(at, true);
}

function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

export function damaged(what: string, options?: ErrorOptions): StreamError {
  return new StreamError("damaged", `The stream is damaged: ${what}`, options);
}
