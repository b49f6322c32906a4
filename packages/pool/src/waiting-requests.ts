/**
 * Requests that wait for room in a full pool, as dm-thin queues them: up to the time limit, then
 * all of them, and all that come later, fail with ENOSPC until the pool has room again.
 *
 * They are kept in memory that outlives the server (see surviving-memory.ts), for the kernel gives
 * a request once. Two files:
 *
 *     waiting         f64 full since (ms of the monotonic clock, 0: not full) | f64 timed out |
 *                     f64 metadata used, total when it became full (0: the data is full) ...64
 *                     u32 length[SLOTS]  (0: free) | u32 unique low, high [SLOTS]
 *     waiting-data    SLOTS pieces of SLOT_BYTES, sparse: the request as it came
 *
 * A piece is written before its length. A request has at most one slot: the kernel may give it
 * again to a successor, or the successor find it in a request buffer as well; its number, without
 * the "sent again" bit, tells. A slot is freed after the answer: a successor that finds it does the
 * write again before it serves anything newer, so `retry` goes over all of them at a takeover.
 */
import { closeSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, fileIo } from "@mortar/linux";
import type { RunFiles } from "./run-directory.ts";
import type { EngineStatus } from "./status.ts";
import { survivingFile, survivingMemory } from "./surviving-memory.ts";

/** Above what the kernel gives at a time (`maxBackground`), and some that are not counted. */
export const WAITING_MAX = 1280;
/** Memory of all of them together; what comes then fails with ENOSPC. */
const BYTES_MAX = 256 * 1024 * 1024;
const HEADER_BYTES = 64;
const UNIQUE_HIGH_MASK = 0x7fff_ffff;
const UNIQUE_AT = 8;
/** Of metadata that ran full: so much less in use is room again. */
const METADATA_ROOM_BLOCKS = 64;

export interface RoomLimits {
  readonly errorWhenFull: boolean;
  readonly timeoutMs: number;
}

export class WaitingRequests {
  /** Requests in slots. */
  count = 0;
  readonly #slotBytes: number;
  readonly #fd: number;
  readonly #state: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #uniques: Uint32Array;
  readonly #scratch: Uint8Array;
  readonly #nowMs: () => number;
  #bytes = 0;
  /** The slot whose request is being served again. */
  #current = -1;
  #untoldTimeout = false;

  /** `requestBytesMax`: of one request with its header. `nowMs`: of a clock that outlives us. */
  constructor(files: RunFiles, requestBytesMax: number, nowMs = monotonicMs) {
    this.#nowMs = nowMs;
    this.#slotBytes = requestBytesMax;
    const memory = survivingMemory(files, "waiting", HEADER_BYTES + WAITING_MAX * 12).bytes;
    const { buffer, byteOffset } = memory;
    this.#state = new Float64Array(buffer, byteOffset, 4);
    this.#lengths = new Uint32Array(buffer, byteOffset + HEADER_BYTES, WAITING_MAX);
    const uniquesAt = byteOffset + HEADER_BYTES + WAITING_MAX * 4;
    this.#uniques = new Uint32Array(buffer, uniquesAt, WAITING_MAX * 2);
    this.#fd = survivingFile(files, "waiting-data");
    ftruncateSync(this.#fd, WAITING_MAX * requestBytesMax);
    this.#scratch = new Uint8Array(requestBytesMax);
    for (const length of this.#lengths) {
      if (length === 0) continue;
      this.count += 1;
      this.#bytes += length;
    }
  }

  /** The pool was full when last looked at: `tend` is to be called. */
  get isFull(): boolean {
    return this.#state[0] !== 0;
  }

  /** A request found no room. Whether it may wait; if so, `park` follows. */
  mayWait({ errorWhenFull, timeoutMs }: RoomLimits, status: () => EngineStatus): boolean {
    if (errorWhenFull || timeoutMs === 0) return false;
    if (this.#state[0] === 0) {
      const { mode, metadataUsedBlocks, metadataTotalBlocks } = status();
      const byMetadata = mode !== "out-of-data-space";
      this.#state[1] = 0;
      this.#state[2] = byMetadata ? metadataUsedBlocks : 0;
      this.#state[3] = byMetadata ? metadataTotalBlocks : 0;
      this.#state[0] = Math.max(this.#nowMs(), 1);
    }
    return this.#state[1] === 0 && this.#nowMs() < this.#state[0]! + timeoutMs;
  }

  /** Keep a request. False when there is no slot or memory left for it. */
  park(request: Uint8Array): boolean {
    if (this.#current >= 0) {
      this.#current = -1; // It keeps its slot.
      return true;
    }
    const view = new DataView(request.buffer, request.byteOffset, request.length);
    const low = view.getUint32(UNIQUE_AT, true);
    const high = view.getUint32(UNIQUE_AT + 4, true) & UNIQUE_HIGH_MASK;
    const known = this.#slotOf(low, high);
    const slot = known >= 0 ? known : this.#lengths.indexOf(0);
    if (slot < 0 || request.length > this.#slotBytes) return false;
    if (known < 0 && this.#bytes + request.length > BYTES_MAX) return false;
    try {
      this.#write(slot, request);
    } catch {
      return false; // tmpfs is full.
    }
    this.#uniques[slot * 2] = low;
    this.#uniques[slot * 2 + 1] = high;
    if (known < 0) {
      this.#lengths[slot] = request.length;
      this.count += 1;
      this.#bytes += request.length;
    }
    return true;
  }

  /**
   * Serve again what waits, oldest slot first, until one finds no room; with `all`, each of them.
   * Past the time limit `mayWait` says no, and all of them fail. Then look whether the pool has
   * room again. `serve` is FuseSession.serveAgain.
   */
  tend(
    limits: RoomLimits,
    serve: (request: Uint8Array) => void,
    status: () => EngineStatus,
    all = false,
  ): void {
    if (!this.isFull) return;
    if (this.#state[1] === 0 && this.#nowMs() >= this.#state[0]! + limits.timeoutMs) {
      this.#state[1] = 1;
      this.#untoldTimeout = true;
    }
    for (let slot = 0; slot < WAITING_MAX && this.count > 0; slot++) {
      const length = this.#lengths[slot]!;
      if (length === 0) continue;
      if (!this.#serveSlot(slot, length, serve) && !all) break;
    }
    if (this.count === 0 && this.#hasRoom(status())) this.#state[0] = 0;
  }

  /** True once, after the time limit passed. */
  takeTimeout(): boolean {
    const untold = this.#untoldTimeout;
    this.#untoldTimeout = false;
    return untold;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** False when it found no room again. */
  #serveSlot(slot: number, length: number, serve: (request: Uint8Array) => void): boolean {
    const request = this.#scratch.subarray(0, length);
    for (let done = 0; done < length;) {
      const at = slot * this.#slotBytes + done;
      const count = readSync(this.#fd, request, done, length - done, at);
      if (count === 0) throw new Error("the memory of waiting requests was cut short");
      done += count;
    }
    this.#current = slot;
    serve(request);
    if (this.#current < 0) return false;
    this.#current = -1;
    this.#lengths[slot] = 0;
    this.count -= 1;
    this.#bytes -= length;
    const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    fileIo().fallocate(this.#fd, mode, slot * this.#slotBytes, this.#slotBytes);
    return true;
  }

  #hasRoom(status: EngineStatus): boolean {
    const [, , usedBefore = 0, totalBefore = 0] = this.#state;
    if (totalBefore === 0) return status.mode === "write";
    return (
      status.metadataTotalBlocks > totalBefore ||
      status.metadataUsedBlocks + METADATA_ROOM_BLOCKS <= usedBefore
    );
  }

  #slotOf(low: number, high: number): number {
    for (let slot = 0; slot < WAITING_MAX; slot++) {
      const isIt = this.#uniques[slot * 2] === low && this.#uniques[slot * 2 + 1] === high;
      if (isIt && this.#lengths[slot] !== 0) return slot;
    }
    return -1;
  }

  #write(slot: number, request: Uint8Array): void {
    for (let done = 0; done < request.length;) {
      const at = slot * this.#slotBytes + done;
      done += writeSync(this.#fd, request, done, request.length - done, at);
    }
  }
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
