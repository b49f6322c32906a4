/** Frames of one brick: ranges that touch become one, data is compressed where that helps. */
import { DATA_BYTES_MAX, encodeData, encodeFrame } from "@mortar/api";

/** Zeros of this length, at a multiple of it, are a hole. */
const HOLE_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(HOLE_BYTES);
/** After so many pieces in a row that did not become smaller, so many are not tried. */
const DENSE_IN_A_ROW = 3;
const DENSE_SKIPPED = 12;

export interface FrameSinkOptions {
  readonly brick: number;
  readonly level: number;
  readonly write: (bytes: Uint8Array) => void;
}

export class FrameSink {
  readonly #options: FrameSinkOptions;
  #pending: { type: "hole" | "same"; offset: number; length: number } | undefined;
  #dense = 0;
  #skip = 0;

  constructor(options: FrameSinkOptions) {
    this.#options = options;
  }

  hole(offset: number, length: number): void {
    this.#range("hole", offset, length);
  }

  same(offset: number, length: number): void {
    this.#range("same", offset, length);
  }

  /** `bytes` lies within one piece of `DATA_BYTES_MAX`; zeros in it become holes. */
  data(offset: number, bytes: Uint8Array): void {
    let from = 0;
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(HOLE_BYTES - ((offset + at) % HOLE_BYTES), bytes.length - at);
      const part = bytes.subarray(at, at + length);
      if (length === HOLE_BYTES && ZEROS.equals(part)) {
        this.#data(offset + from, bytes.subarray(from, at));
        this.hole(offset + at, length);
        from = at + length;
      }
      at += length;
    }
    this.#data(offset + from, bytes.subarray(from));
  }

  end(sizeBytes: number): void {
    const { brick, write } = this.#options;
    this.#flush();
    write(encodeFrame({ type: "brickEnd", brick, offset: sizeBytes }));
  }

  #range(type: "hole" | "same", offset: number, length: number): void {
    if (length === 0) return;
    if (this.#pending?.type === type) {
      this.#pending.length += length;
      return;
    }
    this.#flush();
    this.#pending = { type, offset, length };
  }

  #flush(): void {
    const { brick, write } = this.#options;
    if (this.#pending !== undefined) write(encodeFrame({ brick, ...this.#pending }));
    this.#pending = undefined;
  }

  #data(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (bytes.length > DATA_BYTES_MAX) throw new RangeError("data is cut into pieces before");
    this.#flush();
    const { brick, level, write } = this.#options;
    if (this.#skip > 0) {
      this.#skip -= 1;
      write(encodeData({ brick, offset }, bytes, 0));
      return;
    }
    const frame = encodeData({ brick, offset }, bytes, level);
    this.#dense = frame.length > bytes.length * 0.97 ? this.#dense + 1 : 0;
    if (this.#dense >= DENSE_IN_A_ROW) {
      this.#skip = DENSE_SKIPPED;
      this.#dense = 0;
    }
    write(frame);
  }
}
