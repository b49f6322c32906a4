/**
 * What the brick's thread and its workers share, in one SharedArrayBuffer: one lane a worker, a
 * ring of jobs a lane.
 *
 *     word 8 * lane          jobs given | jobs done | up       counters that only grow, modulo 2^32
 *     word 8 * LANES         told: the brick was signalled and has not looked since
 *     double 64 + 8 * (RING * lane + place)   kind | descriptor | offset | length | result
 *     behind them            the groups of a user: GROUPS_MAX numbers of 32 bits a lane
 *
 * A place of the ring belongs to the worker from when it is counted as given until it is counted as
 * done, else to the brick. The groups belong to whoever has the lane's only job.
 */
export const LANES = 4;
/** Jobs a lane has at a time: a power of two. */
export const RING = 8;
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
const TOLD = WORDS * LANES;
const FIRST_DOUBLE = 64;
const DOUBLES = 8;
const DOUBLES_END = FIRST_DOUBLE + LANES * RING * DOUBLES;
const GROUPS_AT = DOUBLES_END * 8;

export function makeJobWords(): SharedArrayBuffer {
  return new SharedArrayBuffer(GROUPS_AT + LANES * GROUPS_MAX * 4);
}

export class JobWords {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #groups: Uint32Array;

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared, 0, FIRST_DOUBLE * 2);
    this.#doubles = new Float64Array(shared, 0, DOUBLES_END);
    this.#groups = new Uint32Array(shared, GROUPS_AT);
  }

  given(lane: number): number {
    return Atomics.load(this.#words, WORDS * lane) >>> 0;
  }

  done(lane: number): number {
    return Atomics.load(this.#words, WORDS * lane + 1) >>> 0;
  }

  /** The next place is the worker's from here on. */
  give(lane: number): void {
    Atomics.add(this.#words, WORDS * lane, 1);
    Atomics.notify(this.#words, WORDS * lane);
  }

  /** The oldest one is the brick's again. True: the brick has to be told. */
  finish(lane: number): boolean {
    Atomics.add(this.#words, WORDS * lane + 1, 1);
    return Atomics.exchange(this.#words, TOLD, 1) === 0;
  }

  /** The brick looks now: what is finished after this is told again. */
  look(): void {
    Atomics.store(this.#words, TOLD, 0);
  }

  /** For the worker: until there is a job; its number. */
  waitGiven(lane: number): number {
    const done = this.done(lane);
    while (this.given(lane) === done) Atomics.wait(this.#words, WORDS * lane, done | 0);
    return done;
  }

  isUp(lane: number): boolean {
    return Atomics.load(this.#words, WORDS * lane + 2) === 1;
  }

  setUp(lane: number): void {
    Atomics.store(this.#words, WORDS * lane + 2, 1);
  }

  /** `job` is its number in the lane. */
  setJob(
    lane: number, job: number, kind: number, fd: number, offset: number, length: number,
  ): void {
    const at = place(lane, job);
    this.#doubles[at] = kind;
    this.#doubles[at + 1] = fd;
    this.#doubles[at + 2] = offset;
    this.#doubles[at + 3] = length;
  }

  kind(lane: number, job: number): number {
    return this.#doubles[place(lane, job)]!;
  }

  fd(lane: number, job: number): number {
    return this.#doubles[place(lane, job) + 1]!;
  }

  offset(lane: number, job: number): number {
    return this.#doubles[place(lane, job) + 2]!;
  }

  length(lane: number, job: number): number {
    return this.#doubles[place(lane, job) + 3]!;
  }

  result(lane: number, job: number): number {
    return this.#doubles[place(lane, job) + 4]!;
  }

  setResult(lane: number, job: number, result: number): void {
    this.#doubles[place(lane, job) + 4] = result;
  }

  groups(lane: number): Uint32Array {
    return this.#groups.subarray(lane * GROUPS_MAX, (lane + 1) * GROUPS_MAX);
  }
}

function place(lane: number, job: number): number {
  return FIRST_DOUBLE + DOUBLES * (RING * lane + job % RING);
}
