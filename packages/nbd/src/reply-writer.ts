/**
 * Puts replies into the output. Every method relies on its caller having asked for room; the sizes
 * are in REPLY_BYTES_MAX.
 */
import {
  chunk,
  CHUNK_DONE,
  CHUNK_MAGIC,
  chunkData,
  chunkError,
  chunkHole,
  ChunkType,
  simpleReply,
  SIMPLE_REPLY_MAGIC,
} from "./layouts.ts";
import type { Wire } from "./wire.ts";

/** Before the data of a READ, in a chunk. */
export const DATA_CHUNK_BYTES = chunk.size + chunkData.size;
/** Of any reply without data: the largest is the hole. */
export const REPLY_BYTES_MAX = chunk.size + chunkHole.size;

const simple = simpleReply.field;
const structured = chunk.field;

export class ReplyWriter {
  /** Of the request that is answered. */
  cookieHigh = 0;
  cookieLow = 0;
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** A simple reply; `dataBytes` are in place behind it already. */
  simple(error: number, dataBytes: number): void {
    const { out, outEnd } = this.#wire;
    simple.magic.set(out, outEnd, SIMPLE_REPLY_MAGIC);
    simple.error.set(out, outEnd, error);
    simple.cookieHigh.set(out, outEnd, this.cookieHigh);
    simple.cookieLow.set(out, outEnd, this.cookieLow);
    this.#wire.outEnd = outEnd + simpleReply.size + dataBytes;
  }

  /** A chunk's header. The payload is put behind it by the caller, who then advances `outEnd`. */
  chunk(type: number, done: boolean, payloadBytes: number): number {
    const { out, outEnd } = this.#wire;
    structured.magic.set(out, outEnd, CHUNK_MAGIC);
    structured.flags.set(out, outEnd, done ? CHUNK_DONE : 0);
    structured.type.set(out, outEnd, type);
    structured.cookieHigh.set(out, outEnd, this.cookieHigh);
    structured.cookieLow.set(out, outEnd, this.cookieLow);
    structured.length.set(out, outEnd, payloadBytes);
    return outEnd + chunk.size;
  }

  /** The data is in place already, DATA_CHUNK_BYTES behind `outEnd`. */
  data(offset: number, dataBytes: number, done: boolean): void {
    const at = this.chunk(ChunkType.offsetData, done, chunkData.size + dataBytes);
    chunkData.field.offset.set(this.#wire.out, at, offset);
    this.#wire.outEnd = at + chunkData.size + dataBytes;
  }

  hole(offset: number, length: number, done: boolean): void {
    const at = this.chunk(ChunkType.offsetHole, done, chunkHole.size);
    chunkHole.field.offset.set(this.#wire.out, at, offset);
    chunkHole.field.length.set(this.#wire.out, at, length);
    this.#wire.outEnd = at + chunkHole.size;
  }

  /** The last chunk of a reply that failed. */
  error(error: number): void {
    const at = this.chunk(ChunkType.error, true, chunkError.size);
    chunkError.field.error.set(this.#wire.out, at, error);
    chunkError.field.messageLength.set(this.#wire.out, at, 0);
    this.#wire.outEnd = at + chunkError.size;
  }

  /** The last chunk of a reply that has nothing more to say. */
  none(): void {
    this.#wire.outEnd = this.chunk(ChunkType.none, true, 0);
  }
}
