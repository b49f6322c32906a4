/**
 * What the brick's thread and its workers share, in one SharedArrayBuffer; one lane a worker.
 *
 *     word 8 * lane      state | kind | up
 *     double 64 + 8 * lane   descriptor | offset | length | result
 *     behind them            the groups of a user: GROUPS_MAX numbers of 32 bits a lane
 *
 * A lane belongs to the brick while it is FREE or DONE, to its worker while it is GIVEN.
 */
export const LANES = 4;
export const LaneState = { free: 0, given: 1, done: 2 } as const;
/**
 * | kind | descriptor | offset | length | result |
 * |---|---|---|---|---|
 * | warm | of a file | from | bytes | bytes read, into the page cache only |
 * | sync, dataSync | of a file | | | 0 |
 * | health | of the health file | | | 0: it takes what is written, and gives it back |
 * | groups | -1 | uid | | how many groups; the groups are in the lane |
 */
export const JobKind = { warm: 0, sync: 1, dataSync: 2, health: 3, groups: 4 } as const;
export const GROUPS_MAX = 4096;

const WORDS = 8;
const FIRST_DOUBLE = 64;
const DOUBLES = 8;
const GROUPS_AT = (FIRST_DOUBLE + LANES * DOUBLES) * 8;

export function makeJobWords(): SharedArrayBuffer {
  return new SharedArrayBuffer(GROUPS_AT + LANES * GROUPS_MAX * 4);
}

export class JobWords {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #groups: Uint32Array;

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared);
    this.#doubles = new Float64Array(shared, 0, FIRST_DOUBLE + LANES * DOUBLES);
    this.#groups = new Uint32Array(shared, GROUPS_AT);
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

  /** Of a lane: shared by both sides. */
  groups(lane: number): Uint32Array {
    return this.#groups.subarray(lane * GROUPS_MAX, (lane + 1) * GROUPS_MAX);
  }

  setResult(lane: number, result: number): void {
    this.#doubles[FIRST_DOUBLE + DOUBLES * lane + 3] = result;
  }
}
