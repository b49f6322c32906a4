/** Space events that wait for the scan that they build on, in the order in which they came. */
import type { SpaceEvents } from "./space-events.ts";

const WORDS = 4;
const PIECE_WORDS = WORDS * 16_384;
/** 128 MiB. */
const PIECES_MAX = 256;

type Method = Exclude<keyof SpaceEvents, "lost">;

const METHODS: readonly Method[] = [
  "provisioned", "unmapped", "created", "snapshotted", "deleted", "held", "released",
];
const METHOD_NUMBER = new Map(METHODS.map((method, number) => [method, number]));

export class SpaceBacklog implements SpaceEvents {
  /** The engine went back in time, or more happened than is kept. */
  isLost = false;
  #pieces: Float64Array[] = [];
  /** Words in use of the last piece. */
  #used = PIECE_WORDS;

  provisioned(deviceId: number, dataBlock: number, count: number): void {
    this.#keep("provisioned", deviceId, dataBlock, count);
  }

  unmapped(deviceId: number, dataBlock: number, count: number): void {
    this.#keep("unmapped", deviceId, dataBlock, count);
  }

  created(deviceId: number): void {
    this.#keep("created", deviceId, 0, 0);
  }

  snapshotted(deviceId: number, originId: number): void {
    this.#keep("snapshotted", deviceId, originId, 0);
  }

  deleted(deviceId: number): void {
    this.#keep("deleted", deviceId, 0, 0);
  }

  held(): void {
    this.#keep("held", 0, 0, 0);
  }

  released(): void {
    this.#keep("released", 0, 0, 0);
  }

  lost(): void {
    this.isLost = true;
    this.#clear();
  }

  /** Tell all of it, and be empty. */
  replay(events: SpaceEvents): void {
    const pieces = this.#pieces;
    const used = this.#used;
    this.#clear();
    for (const [number, piece] of pieces.entries()) {
      const end = number === pieces.length - 1 ? used : PIECE_WORDS;
      for (let at = 0; at < end; at += WORDS) {
        events[METHODS[piece[at]!]!](piece[at + 1]!, piece[at + 2]!, piece[at + 3]!);
      }
    }
  }

  #keep(method: Method, first: number, second: number, third: number): void {
    if (this.isLost) return;
    if (this.#used === PIECE_WORDS) {
      if (this.#pieces.length === PIECES_MAX) return this.lost();
      this.#pieces.push(new Float64Array(PIECE_WORDS));
      this.#used = 0;
    }
    const piece = this.#pieces.at(-1)!;
    piece[this.#used] = METHOD_NUMBER.get(method)!;
    piece[this.#used + 1] = first;
    piece[this.#used + 2] = second;
    piece[this.#used + 3] = third;
    this.#used += WORDS;
  }

  #clear(): void {
    this.#pieces = [];
    this.#used = PIECE_WORDS;
  }
}
