/**
 * What the brick's thread and its workers share, in one SharedArrayBuffer; one lane a worker.
 *
 *     word 8 * lane      state | kind | up
 *     double 64 + 8 * lane   descriptor | offset | length | result
 *
 * A lane belongs to the brick while it is FREE or DONE, to its worker while it is GIVEN.
 */
export const LANES = 4;
export const LaneState = { free: 0, given: 1, done: 2 } as const;
export const JobKind = { warm: 0, sync: 1, dataSync: 2 } as const;

const WORDS = 8;
const FIRST_DOUBLE = 64;
const DOUBLES = 8;

export function makeJobWords(): SharedArrayBuffer {
  return new SharedArrayBuffer((FIRST_DOUBLE + LANES * DOUBLES) * 8);
}

export class JobWords {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared);
    this.#doubles = new Float64Array(shared);
  }

  state(lane: number): number {
    return Atomics.load(this.#words, WORDS * lane);
  }

  setState(lane: number, state: number): void {
    Atomics.store(this.#words, WORDS * lane, state);
    Atomics.notify(this.#words, WORDS * lane);
  }

  /** For the worker: until there is a job. */
  waitGiven(lane: number): void {
    for (;;) {
      const state = this.state(lane);
      if (state === LaneState.given) return;
      Atomics.wait(this.#words, WORDS * lane, state);
    }
  }

  isUp(lane: number): boolean {
    return Atomics.load(this.#words, WORDS * lane + 2) === 1;
  }

  setUp(lane: number): void {
    Atomics.store(this.#words, WORDS * lane + 2, 1);
  }

  setJob(lane: number, kind: number, fd: number, offset: number, length: number): void {
    const at = FIRST_DOUBLE + DOUBLES * lane;
    this.#words[WORDS * lane + 1] = kind;
    this.#doubles[at] = fd;
    this.#doubles[at + 1] = offset;
    this.#doubles[at + 2] = length;
  }

  kind(lane: number): number {
    return this.#words[WORDS * lane + 1]!;
  }

  fd(lane: number): number {
    return this.#doubles[FIRST_DOUBLE + DOUBLES * lane]!;
  }

  offset(lane: number): number {
    return this.#doubles[FIRST_DOUBLE + DOUBLES * lane + 1]!;
  }

  length(lane: number): number {
    return this.#doubles[FIRST_DOUBLE + DOUBLES * lane + 2]!;
  }

  result(lane: number): number {
    return this.#doubles[FIRST_DOUBLE + DOUBLES * lane + 3]!;
  }

  setResult(lane: number, result: number): void {
    this.#doubles[FIRST_DOUBLE + DOUBLES * lane + 3] = result;
  }
}
