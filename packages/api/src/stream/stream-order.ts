/**
 * What follows what in a snapshot stream:
 *
 *     header, then for each brick in its order: (data | hole | same)* brickEnd, then end
 *
 * The ranges of a brick tile its logical volume from the first byte (or from where the stream goes
 * on) to its last: nothing is left to guess, and nothing is said twice.
 */
import { createHash } from "node:crypto";
import { StreamError } from "./stream-error.ts";
import { damaged, encodeFrame, encodePreamble, type Frame } from "./stream-frame.ts";
import { endOf, headerOf, type StreamBrick, type StreamEnd, type StreamHeader } from "./stream-header.ts";

export interface StreamTotals {
  frames: number;
  dataBytes: number;
  holeBytes: number;
  sameBytes: number;
}

export function noTotals(): StreamTotals {
  return { frames: 0, dataBytes: 0, holeBytes: 0, sameBytes: 0 };
}

/** Adds a frame to sums that both ends make. */
export function addFrame(
  totals: StreamTotals, { type, length }: Pick<Frame, "type" | "length">,
): void {
  totals.frames += 1;
  if (type === "data") totals.dataBytes += length;
  else if (type === "hole") totals.holeBytes += length;
  else if (type === "same") totals.sameBytes += length;
}

/** Checks frames of a whole stream, one after the other. Throws `StreamError`. */
export class StreamOrder {
  readonly #totals = noTotals();
  readonly #digest = createHash("sha256").update(encodePreamble());
  #header: StreamHeader | undefined;
  #ranges: BrickOrder | undefined;
  #end: StreamEnd | undefined;

  get header(): StreamHeader | undefined {
    return this.#header;
  }

  /** All of it came, and is as it was sent. */
  get isWhole(): boolean {
    return this.#end !== undefined;
  }

  accept(frame: Frame): void {
    if (this.#header === undefined) {
      if (frame.type !== "header") throw damaged("it does not begin with its header");
      this.#header = headerOf(frame);
      const { brick, offset } = this.#header.resume ?? { brick: 0, offset: 0 };
      this.#ranges = new BrickOrder(this.#header.bricks[brick]!, brick, offset);
    } else if (frame.type === "header") {
      throw damaged("it has two headers");
    } else if (frame.type === "end") {
      this.#acceptEnd(frame);
    } else if (this.#ranges === undefined) {
      throw damaged("it has more than its bricks");
    } else if (this.#ranges.accept(frame)) {
      const next = frame.brick + 1;
      const isLast = next === this.#header.bricks.length;
      this.#ranges = isLast ? undefined : new BrickOrder(this.#header.bricks[next]!, next, 0);
    }
    if (frame.type === "end") return;
    addFrame(this.#totals, frame);
    this.#digest.update(frame.bytes);
  }

  #acceptEnd(frame: Frame): void {
    if (this.#ranges !== undefined) throw damaged("it ends before its last brick does");
    const end = endOf(frame);
    const { frames, dataBytes, holeBytes, sameBytes } = this.#totals;
    const isSame = end.frames === frames && end.dataBytes === dataBytes &&
      end.holeBytes === holeBytes && end.sameBytes === sameBytes;
    if (!isSame) throw damaged("its totals are not those of what came");
    if (end.sha256 !== this.#digest.digest("hex")) throw damaged("its digest is another one");
    this.#end = end;
  }

  /** Nothing more comes. */
  finish(): void {
    if (!this.isWhole) throw new StreamError("cut-off", "The stream was cut off before its end");
  }
}

/** The ranges of one brick. */
export class BrickOrder {
  readonly #brick: number;
  readonly #sizeBytes: number;
  readonly #isDelta: boolean;
  #offset: number;

  constructor(
    { sizeBytes, kind }: Pick<StreamBrick, "sizeBytes" | "kind">, brick: number, offset: number,
  ) {
    this.#brick = brick;
    this.#sizeBytes = sizeBytes;
    this.#isDelta = kind === "delta";
    this.#offset = offset;
  }

  /** True: it was the brick's last frame. */
  accept({ type, brick, offset, length }: Frame): boolean {
    const where = `brick ${this.#brick + 1}, byte ${this.#offset}`;
    if (brick !== this.#brick) throw damaged(`${where}: a frame is of brick ${brick + 1}`);
    if (offset !== this.#offset) throw damaged(`${where}: the next range begins at ${offset}`);
    if (type === "brickEnd") {
      if (offset === this.#sizeBytes && length === 0) return true;
      throw damaged(`${where}: it has ${this.#sizeBytes} bytes and ends here`);
    }
    if (type === "same" && !this.#isDelta) {
      throw damaged(`${where}: there is nothing it could be the same as`);
    }
    if (type !== "data" && type !== "hole" && type !== "same") {
      throw damaged(`${where}: a frame of type ${type}`);
    }
    if (length === 0 || offset + length > this.#sizeBytes) {
      throw damaged(`${where}: a range of ${length} bytes in one of ${this.#sizeBytes}`);
    }
    this.#offset += length;
    return false;
  }
}

/** Makes the frames around those of the bricks, and the sums and the digest of all of them. */
export class StreamWriter {
  readonly #totals = noTotals();
  readonly #digest = createHash("sha256");

  begin(header: StreamHeader): Uint8Array {
    const payload = new TextEncoder().encode(JSON.stringify(header));
    const bytes = Buffer.concat([encodePreamble(), encodeFrame({ type: "header", payload })]);
    this.#digest.update(bytes);
    this.#totals.frames += 1;
    return bytes;
  }

  /** A frame of a brick, as it goes out. */
  count(frame: Pick<Frame, "type" | "length" | "bytes">): void {
    addFrame(this.#totals, frame);
    this.#digest.update(frame.bytes);
  }

  end(): Uint8Array {
    const end: StreamEnd = { ...this.#totals, sha256: this.#digest.digest("hex") };
    return encodeFrame({ type: "end", payload: new TextEncoder().encode(JSON.stringify(end)) });
  }
}
