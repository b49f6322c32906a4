/**
 * Which objects are opened, read, written and listed most, and how fast reads and writes of each
 * were: what `volume top` tells. By slot of the inode table, in typed arrays: a read or write
 * pays some nanoseconds for it. An object that leaves the table takes its figures with it, as in
 * glusterfsd. The root is counted, too, which there it is not.
 */

export const TOP = { open: 0, read: 1, write: 2, opendir: 3, readdir: 4 } as const;
export type TopKind = keyof typeof TOP;
export type TopSpeedKind = "read" | "write";

const NONE = -1;

export interface TopSpeed {
  /** Bytes a microsecond, which are MB/s. */
  readonly megabytes: number;
  readonly timeMs: number;
}

/** The fastest of one kind; 0: none. */
class Fastest {
  readonly megabytes: Float64Array;
  readonly timeMs: Float64Array;

  constructor(slots: number) {
    this.megabytes = new Float64Array(slots);
    this.timeMs = new Float64Array(slots);
  }
}

export class TopCounts {
  readonly #counts: readonly Uint32Array[];
  readonly #read: Fastest;
  readonly #write: Fastest;
  /** Of the operation that is being served. */
  #slot = NONE;
  #bytes = 0;
  #isRead = true;
  openNow = 0;
  openMax = 0;
  /** Milliseconds since 1970; 0: never. */
  openMaxTimeMs = 0;

  /** Of a table of so many slots. */
  constructor(slots: number) {
    this.#counts = Object.keys(TOP).map(() => new Uint32Array(slots));
    this.#read = new Fastest(slots);
    this.#write = new Fastest(slots);
  }

  count(kind: number, slot: number): void {
    this.#counts[kind]![slot]!++;
  }

  opened(slot: number): void {
    this.count(TOP.open, slot);
    this.created();
  }

  /** And is open: no open of its own, as glusterfsd counts. */
  created(): void {
    this.openNow += 1;
    if (this.openNow <= this.openMax) return;
    this.openMax = this.openNow;
    this.openMaxTimeMs = Date.now();
  }

  closed(): void {
    this.openNow -= 1;
  }

  read(slot: number, bytes: number): void {
    this.#counts[TOP.read]![slot]!++;
    this.#isRead = true;
    this.#slot = slot;
    this.#bytes = bytes;
  }

  wrote(slot: number, bytes: number): void {
    this.#counts[TOP.write]![slot]!++;
    this.#isRead = false;
    this.#slot = slot;
    this.#bytes = bytes;
  }

  /** What was served took so long; of no matter but for a read or write. */
  took(microseconds: number): void {
    const slot = this.#slot;
    if (slot === NONE) return;
    this.#slot = NONE;
    const megabytes = microseconds > 1 ? this.#bytes / microseconds : this.#bytes;
    const fastest = this.#isRead ? this.#read : this.#write;
    if (megabytes <= fastest.megabytes[slot]!) return;
    fastest.megabytes[slot] = megabytes;
    fastest.timeMs[slot] = Date.now();
  }

  /** The answer waits for something: how long it takes says nothing of the object. */
  waits(): void {
    this.#slot = NONE;
  }

  forget(slot: number): void {
    for (const counts of this.#counts) counts[slot] = 0;
    this.#read.megabytes[slot] = 0;
    this.#write.megabytes[slot] = 0;
  }

  clear(): void {
    for (const counts of this.#counts) counts.fill(0);
    this.#read.megabytes.fill(0);
    this.#write.megabytes.fill(0);
    this.openMax = this.openNow;
    this.openMaxTimeMs = this.openNow === 0 ? 0 : Date.now();
  }

  /** The greatest first. */
  greatest(kind: TopKind, limit: number): [slot: number, count: number][] {
    return greatestOf(this.#counts[TOP[kind]]!, limit);
  }

  fastest(kind: TopSpeedKind, limit: number): [slot: number, speed: TopSpeed][] {
    const { megabytes, timeMs } = kind === "read" ? this.#read : this.#write;
    return greatestOf(megabytes, limit).map(([slot, value]) =>
      [slot, { megabytes: value, timeMs: timeMs[slot]! }]);
  }
}

/** The slots with the most, those with nothing left out; of equal ones the lowest first. */
function greatestOf(
  values: Uint32Array | Float64Array, limit: number,
): [slot: number, value: number][] {
  const found: [number, number][] = [];
  for (let slot = 0; slot < values.length; slot++) {
    const value = values[slot]!;
    if (value > 0) found.push([slot, value]);
  }
  return found.sort((a, b) => b[1] - a[1]).slice(0, limit);
}
