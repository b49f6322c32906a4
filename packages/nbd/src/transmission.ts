/**
 * The transmission phase of one connection: takes requests off the wire, does them, puts replies.
 *
 * A request that is whole and whose reply fits is done at once, with nothing allocated but the view
 * on its data. What is longer than the buffers (`#job`) goes on piece by piece as bytes come or
 * leave; meanwhile no other request of this connection is looked at. Requests of other connections
 * are, so an end is put to each turn: see `step`.
 *
 * Order: requests of a connection are done in the order in which they come, except parked ones. The
 * protocol promises no order among requests in flight.
 */
import { putBlockStatus, STATUS_ROOM_BYTES } from "./block-status.ts";
import { PARKED, PENDING } from "./export-face.ts";
import type { NbdExport, NbdExports } from "./export-face.ts";
import {
  Command,
  CommandFlag,
  NbdError,
  request,
  REQUEST_MAGIC,
  simpleReply,
} from "./layouts.ts";
import { LateAnswers } from "./late-answers.ts";
import type { Agreed, Step } from "./negotiation.ts";
import { ParkedRequests } from "./parked-requests.ts";
import type { ParkedRequest } from "./parked-requests.ts";
import { DATA_CHUNK_BYTES, REPLY_BYTES_MAX, ReplyWriter } from "./reply-writer.ts";
import { refusalOf } from "./request-check.ts";
import type { Wire } from "./wire.ts";

/** Below this much new data or room, a transfer in pieces waits for more. */
const TRANSFER_PIECE_BYTES = 128 * 1024;
const PIECE_ALIGNMENT = 4096;
/** Discards and zeroings go on in pieces of about this size, so that others have their turn. */
const CHANGE_PIECE_BYTES = 64 * 1024 * 1024;
/** A parked request that is as old as this fails with ENOSPC. */
const PARKED_MS_MAX = 60_000;
const OFFSET_HIGH_MAX = 0x1f_ffff;
const TWO_32 = 2 ** 32;

/** `yield`: there is more to do, but others come first. */
export type TransmissionStep = Step | "yield";

type Job = "none" | "read-chunks" | "read-plain" | "write" | "pass-over" | "change";

export class Transmission {
  readonly #wire: Wire;
  readonly #export: NbdExport;
  readonly #agreed: Agreed;
  readonly #exports: NbdExports;
  readonly #nowMs: () => number;
  readonly #writer: ReplyWriter;
  readonly #parked = new ParkedRequests();
  readonly #late: LateAnswers;
  #stalled = false;
  #stalledSinceMs: number | undefined;
  /** The request at hand: what is left of it, if it is a job. */
  #job: Job = "none";
  #type = 0;
  #flags = 0;
  #offset = 0;
  #length = 0;
  #error = 0;

  constructor(wire: Wire, agreed: Agreed, exports: NbdExports, nowMs: () => number) {
    this.#wire = wire;
    this.#agreed = agreed;
    this.#export = agreed.exported;
    this.#exports = exports;
    this.#nowMs = nowMs;
    this.#writer = new ReplyWriter(wire);
    this.#late = new LateAnswers(wire, this.#writer);
  }

  get parkedCount(): number {
    return this.#parked.count + (this.#stalled ? 1 : 0);
  }

  close(): void {
    this.#export.close();
  }

  step(): TransmissionStep {
    const wire = this.#wire;
    this.#late.put();
    if (this.#stalled || wire.room < REPLY_BYTES_MAX || this.#late.isFull) return "wait";
    if (this.#job !== "none") return this.#goOn();
    if (wire.available < request.size) return "wait";
    const { in: input, inBegin: at } = wire;
    if (request.field.magic.get(input, at) !== REQUEST_MAGIC) return "close";
    this.#type = request.field.type.get(input, at);
    this.#flags = request.field.flags.get(input, at);
    this.#length = request.field.length.get(input, at);
    const high = request.field.offsetHigh.get(input, at);
    this.#offset =
      high > OFFSET_HIGH_MAX
        ? Number.MAX_SAFE_INTEGER
        : high * TWO_32 + request.field.offsetLow.get(input, at);
    this.#writer.cookieHigh = request.field.cookieHigh.get(input, at);
    this.#writer.cookieLow = request.field.cookieLow.get(input, at);
    return this.#begin();
  }

  /**
   * Try again what was parked. What is older than a minute now fails with ENOSPC. Afterwards the
   * session is to be processed: a whole connection may have waited for this.
   */
  retryParked(): void {
    this.#stalled = false;
    const deadline = this.#nowMs() - PARKED_MS_MAX;
    for (const parked of this.#parked.takeAll()) {
      const error = this.#attempt(() => this.#redo(parked));
      if (error === PARKED && parked.sinceMs > deadline) this.#parked.add(parked);
      else if (error === PENDING) this.#late.awaitFlush(parked);
      else this.#late.add(parked, error === PARKED ? NbdError.ENOSPC : error);
    }
  }

  flushed(count: number, error: number): void {
    this.#late.flushed(count, error);
  }

  /** The header is still on the wire: a request that has to wait is read again. */
  #begin(): TransmissionStep {
    const refusal = refusalOf(
      this.#export,
      this.#type,
      this.#flags,
      this.#offset,
      this.#length,
    );
    switch (this.#type) {
      case Command.read:
        return this.#beginRead(refusal);
      case Command.write:
        return this.#beginWrite(refusal);
      case Command.disconnect:
        return "close";
      case Command.blockStatus:
        return this.#blockStatus(refusal);
      default:
        this.#take();
        return this.#change(refusal);
    }
  }

  #take(): void {
    this.#wire.inBegin += request.size;
  }

  #goOn(): TransmissionStep {
    switch (this.#job) {
      case "read-chunks":
        return this.#readChunks();
      case "read-plain":
        return this.#readPlain();
      case "write":
        return this.#writePiece();
      case "pass-over":
        return this.#passOver();
      case "change":
        return this.#changePiece();
      default:
        return "again";
    }
  }

  // --- READ ---

  #beginRead(refusal: number): TransmissionStep {
    const wire = this.#wire;
    const { structured } = this.#agreed;
    const isDf = (this.#flags & CommandFlag.df) !== 0;
    const whole = this.#length + (structured ? DATA_CHUNK_BYTES : simpleReply.size);
    if (refusal === 0 && whole > wire.room && wire.outEnd > 0) return "wait";
    this.#take();
    if (isDf && !structured) return this.#answer(NbdError.EINVAL);
    if (refusal !== 0) return structured ? this.#fail(refusal) : this.#answer(refusal);
    if (structured) {
      if (isDf) return this.#readUnfragmented(whole);
      this.#job = "read-chunks";
      return this.#readChunks();
    }
    if (whole > wire.room) {
      this.#writer.simple(0, 0);
      this.#job = "read-plain";
      return "again";
    }
    const error = this.#readInto(wire.outEnd + simpleReply.size, this.#length);
    this.#writer.simple(error, error === 0 ? this.#length : 0);
    return "again";
  }

  /** As many chunks as there is room for; holes are told as such. */
  #readChunks(): TransmissionStep {
    const wire = this.#wire;
    if (this.#length === 0) return this.#finishChunks();
    while (this.#length > 0) {
      const room = wire.room - DATA_CHUNK_BYTES;
      if (room < Math.min(this.#length, TRANSFER_PIECE_BYTES)) return "wait";
      const run = this.#run();
      if (run === 0) return this.#fail(this.#error);
      if (run < 0) {
        this.#writer.hole(this.#offset, -run, this.#length === -run);
        this.#advance(-run);
        continue;
      }
      const count = aligned(this.#offset, Math.min(run, room), run);
      const error = this.#readInto(wire.outEnd + DATA_CHUNK_BYTES, count);
      if (error !== 0) return this.#fail(error);
      this.#writer.data(this.#offset, count, this.#length === count);
      this.#advance(count);
    }
    this.#job = "none";
    return "again";
  }

  #readUnfragmented(whole: number): TransmissionStep {
    if (whole > this.#wire.room) return this.#fail(NbdError.EOVERFLOW);
    if (this.#length === 0) return this.#finishChunks();
    const error = this.#readInto(this.#wire.outEnd + DATA_CHUNK_BYTES, this.#length);
    if (error !== 0) return this.#fail(error);
    this.#writer.data(this.#offset, this.#length, true);
    return "again";
  }

  /** The header said "no error": an error now can only be told by hanging up. */
  #readPlain(): TransmissionStep {
    const wire = this.#wire;
    const count = Math.min(this.#length, wire.room);
    if (count < Math.min(this.#length, TRANSFER_PIECE_BYTES)) return "wait";
    if (this.#readInto(wire.outEnd, count) !== 0) return "close";
    wire.outEnd += count;
    this.#advance(count);
    if (this.#length === 0) this.#job = "none";
    return "again";
  }

  #readInto(position: number, count: number): number {
    const target = this.#wire.output.subarray(position, position + count);
    try {
      return this.#export.read(this.#offset, target);
    } catch (error) {
      return this.#exports.errorOf(error);
    }
  }

  /** 0 when it cannot be known; then `#error` says why. */
  #run(): number {
    try {
      return this.#export.run(this.#offset, this.#length);
    } catch (error) {
      this.#error = this.#exports.errorOf(error);
      return 0;
    }
  }

  // --- WRITE ---

  #beginWrite(refusal: number): TransmissionStep {
    const wire = this.#wire;
    const length = this.#length;
    if (refusal !== 0 || length > wire.input.length / 2) {
      this.#take();
      this.#error = refusal;
      this.#job = refusal === 0 ? "write" : "pass-over";
      return "again";
    }
    if (wire.available < request.size + length) return "wait";
    this.#take();
    const source = wire.input.subarray(wire.inBegin, wire.inBegin + length);
    wire.inBegin += length;
    const error = this.#write(source);
    if (error === PARKED) return this.#park(source.slice());
    return this.#answer(error === 0 ? this.#flushed() : error);
  }

  #writePiece(): TransmissionStep {
    const wire = this.#wire;
    const ready = Math.min(wire.available, this.#length);
    if (ready < Math.min(this.#length, TRANSFER_PIECE_BYTES)) return "wait";
    const count = aligned(this.#offset, ready, this.#length);
    const error = this.#write(wire.input.subarray(wire.inBegin, wire.inBegin + count));
    if (error === PARKED) return this.#stall();
    wire.inBegin += count;
    this.#advance(count);
    if (error !== 0) {
      this.#error = error;
      this.#job = "pass-over";
    } else if (this.#length === 0) {
      return this.#answer(this.#flushed());
    }
    return "again";
  }

  /** The rest of a write that failed is still on its way. */
  #passOver(): TransmissionStep {
    const wire = this.#wire;
    const count = Math.min(wire.available, this.#length);
    wire.inBegin += count;
    this.#advance(count);
    return this.#length > 0 ? "wait" : this.#answer(this.#error);
  }

  #write(source: Uint8Array): number {
    try {
      return this.#export.write(this.#offset, source);
    } catch (error) {
      return this.#exports.errorOf(error);
    }
  }

  // --- What has neither data nor a long answer ---

  #change(refusal: number): TransmissionStep {
    if (refusal !== 0) return this.#answer(refusal);
    switch (this.#type) {
      case Command.flush:
        return this.#answer(this.#attempt(() => this.#export.flush()));
      case Command.cache:
        return this.#answer(0); // The page cache needs no advice.
      case Command.writeZeroes:
        if (!this.#isFastEnough()) return this.#answer(NbdError.ENOTSUP);
        break;
    }
    this.#job = "change";
    return "again";
  }

  #isFastEnough(): boolean {
    if ((this.#flags & CommandFlag.fastZero) === 0) return true;
    const provisioned = (this.#flags & CommandFlag.noHole) !== 0;
    return this.#export.zeroIsFast(this.#offset, this.#length, provisioned);
  }

  #changePiece(): TransmissionStep {
    if (this.#length === 0) return this.#answer(this.#flushed());
    const { pieceBytes } = this.#export;
    const pieces = Math.max(1, Math.floor(CHANGE_PIECE_BYTES / pieceBytes));
    const boundary = (Math.floor(this.#offset / pieceBytes) + pieces) * pieceBytes;
    const count = Math.min(this.#length, boundary - this.#offset);
    const error = this.#attempt(() => this.#changeRange(this.#type, this.#flags, count));
    if (error === PARKED) return this.#park(undefined);
    this.#advance(count);
    if (error !== 0) return this.#answer(error);
    return this.#length === 0 ? this.#answer(this.#flushed()) : "yield";
  }

  #changeRange(type: number, flags: number, count: number): number {
    if (type === Command.trim) return this.#export.trim(this.#offset, count);
    return this.#export.zero(this.#offset, count, (flags & CommandFlag.noHole) !== 0);
  }

  #blockStatus(refusal: number): TransmissionStep {
    const { contexts, structured } = this.#agreed;
    if (refusal === 0 && this.#wire.room < STATUS_ROOM_BYTES) return "wait";
    this.#take();
    if (!structured) return this.#answer(NbdError.EINVAL);
    if (refusal !== 0) return this.#fail(refusal);
    if (contexts.length === 0 || this.#length === 0) return this.#fail(NbdError.EINVAL);
    const one = (this.#flags & CommandFlag.reqOne) !== 0;
    const range = { offset: this.#offset, length: this.#length, one };
    try {
      putBlockStatus(this.#wire, this.#writer, contexts, range);
    } catch (error) {
      return this.#fail(this.#exports.errorOf(error));
    }
    return "again";
  }

  // --- Parked requests ---

  #park(data: Uint8Array | undefined): TransmissionStep {
    const { cookieHigh, cookieLow } = this.#writer;
    const parked = {
      type: this.#type,
      flags: this.#flags,
      cookieHigh,
      cookieLow,
      offset: this.#offset,
      length: this.#length,
      data,
      sinceMs: this.#nowMs(),
    };
    if (!this.#parked.add(parked)) return this.#answer(NbdError.ENOSPC);
    this.#job = "none";
    return "again";
  }

  /** A write too long to be put aside: the connection waits with it. */
  #stall(): TransmissionStep {
    this.#stalledSinceMs ??= this.#nowMs();
    if (this.#nowMs() - this.#stalledSinceMs < PARKED_MS_MAX) {
      this.#stalled = true;
      return "wait";
    }
    this.#stalledSinceMs = undefined;
    this.#error = NbdError.ENOSPC;
    this.#job = "pass-over";
    return "again";
  }
  #redo({ type, flags, offset, length, data }: ParkedRequest): number {
    const error =
      type === Command.write
        ? this.#export.write(offset, data!)
        : this.#export.zero(offset, length, (flags & CommandFlag.noHole) !== 0);
    return error === 0 && (flags & CommandFlag.fua) !== 0 ? this.#export.flush() : error;
  }

  // --- Answers ---

  #advance(count: number): void {
    this.#offset += count;
    this.#length -= count;
  }

  /** 0, PENDING, or why what is done could not be made durable, if that was asked for. */
  #flushed(): number {
    if ((this.#flags & CommandFlag.fua) === 0) return 0;
    return this.#attempt(() => this.#export.flush());
  }

  #attempt(act: () => number): number {
    try {
      return act();
    } catch (error) {
      return this.#exports.errorOf(error);
    }
  }

  #answer(error: number): TransmissionStep {
    this.#job = "none";
    this.#stalledSinceMs = undefined;
    if (error === PENDING) this.#late.awaitFlush(this.#writer);
    else this.#writer.simple(error, 0);
    return "again";
  }

  #fail(error: number): TransmissionStep {
    this.#job = "none";
    this.#writer.error(error);
    return "again";
  }

  #finishChunks(): TransmissionStep {
    this.#job = "none";
    this.#writer.none();
    return "again";
  }
}

/** `count`, or somewhat less of a transfer that goes on, so that it goes on at a page's boundary. */
function aligned(offset: number, count: number, whole: number): number {
  if (count === whole) return count;
  const end = Math.floor((offset + count) / PIECE_ALIGNMENT) * PIECE_ALIGNMENT;
  return end > offset ? end - offset : count;
}
