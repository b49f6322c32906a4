/**
 * What the worker and its executors share about the lanes, in one SharedArrayBuffer.
 *
 *     word 0               errno of a flush that failed, 0 if none did: see FlushFailure
 *     word 8 + 4 * lane    state | executor is up | kind of the job | number of descriptors
 *     double 64 + 32 * lane  request address | reply address | offset | length | descriptors ...
 *
 * A lane belongs to the worker while its state is FREE and to its executor while it is GIVEN. The
 * worker writes a job, then the state, then wakes the executor; the executor answers the request,
 * then writes FREE, and wakes whoever waits for the lane.
 */
import type { FlushFailure } from "./device-table.ts";

export const LANE_COUNT = 4;
export const FLUSH_DEVICES_MAX = 16;

export const LaneState = { free: 0, given: 1 } as const;
export const JobKind = { read: 0, write: 1, flush: 2 } as const;

const FLUSH_ERROR = 0;
const FIRST_WORD = 8;
const WORDS_PER_LANE = 4;
const FIRST_DOUBLE = 64;
const DOUBLES_PER_LANE = 32;

export function makeLaneWords(): SharedArrayBuffer {
  return new SharedArrayBuffer((FIRST_DOUBLE + LANE_COUNT * DOUBLES_PER_LANE) * 8);
}

export class LaneWords implements FlushFailure {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared);
    this.#doubles = new Float64Array(shared);
  }

  get flushError(): number {
    return Atomics.load(this.#words, FLUSH_ERROR);
  }

  set flushError(errno: number) {
    Atomics.store(this.#words, FLUSH_ERROR, errno);
  }

  isFree(lane: number): boolean {
    return Atomics.load(this.#words, stateOf(lane)) === LaneState.free;
  }

  /** Wait until the executor of the lane is done. */
  waitFree(lane: number): void {
    this.#waitWhile(lane, LaneState.given);
  }

  /** For the executor: wait until there is a job. */
  waitGiven(lane: number): void {
    this.#waitWhile(lane, LaneState.free);
  }

  give(lane: number): void {
    this.#change(lane, LaneState.given);
  }

  free(lane: number): void {
    this.#change(lane, LaneState.free);
  }

  isUp(lane: number): boolean {
    return Atomics.load(this.#words, stateOf(lane) + 1) === 1;
  }

  setUp(lane: number): void {
    Atomics.store(this.#words, stateOf(lane) + 1, 1);
  }

  setAddresses(lane: number, request: number, reply: number): void {
    const at = doubleOf(lane);
    this.#doubles[at] = request;
    this.#doubles[at + 1] = reply;
  }

  requestAddress(lane: number): number {
    return this.#doubles[doubleOf(lane)]!;
  }

  replyAddress(lane: number): number {
    return this.#doubles[doubleOf(lane) + 1]!;
  }

  setTransfer(lane: number, kind: number, fd: number, offset: number, length: number): void {
    const at = doubleOf(lane);
    this.#words[stateOf(lane) + 2] = kind;
    this.#doubles[at + 2] = offset;
    this.#doubles[at + 3] = length;
    this.#doubles[at + 4] = fd;
  }

  setFlush(lane: number, fds: readonly number[]): void {
    this.#words[stateOf(lane) + 2] = JobKind.flush;
    this.#words[stateOf(lane) + 3] = fds.length;
    for (let index = 0; index < fds.length; index++) {
      this.#doubles[doubleOf(lane) + 4 + index] = fds[index]!;
    }
  }

  kind(lane: number): number {
    return this.#words[stateOf(lane) + 2]!;
  }

  offset(lane: number): number {
    return this.#doubles[doubleOf(lane) + 2]!;
  }

  length(lane: number): number {
    return this.#doubles[doubleOf(lane) + 3]!;
  }

  fdCount(lane: number): number {
    return this.#words[stateOf(lane) + 3]!;
  }

  fd(lane: number, index = 0): number {
    return this.#doubles[doubleOf(lane) + 4 + index]!;
  }

  /**
   * A wake-up alone means nothing. Between the store and the notify of `#change` the other side may
   * have seen the state, done its part and gone to sleep again: the notify then ends its next sleep.
   * An executor that believed it would do its last job again, over a request that the worker is just
   * receiving.
   */
  #waitWhile(lane: number, state: number): void {
    while (Atomics.load(this.#words, stateOf(lane)) === state) {
      Atomics.wait(this.#words, stateOf(lane), state);
    }
  }

  #change(lane: number, state: number): void {
    Atomics.store(this.#words, stateOf(lane), state);
    Atomics.notify(this.#words, stateOf(lane));
  }
}

function stateOf(lane: number): number {
  return FIRST_WORD + lane * WORDS_PER_LANE;
}

function doubleOf(lane: number): number {
  return FIRST_DOUBLE + lane * DOUBLES_PER_LANE;
}
