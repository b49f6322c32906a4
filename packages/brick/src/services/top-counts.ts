/**
 * Which objects are opened, read, written and listed most, and how fast reads and writes of each were:
 * what `volume top` tells. By slot of the inode table; an object that leaves the table takes its
 * figures with it, as in glusterfsd. The root is counted, too, which there it is not. Nothing is
 * allocated for an object that is known.
 */

export const TOP = { open: 0, read: 1, write: 2, opendir: 3, readdir: 4 } as const;
export type TopKind = keyof typeof TOP;
export type TopSpeedKind = "read" | "write";

/** So many objects of each kind are counted before those with the least are let go. */
const OBJECTS_MAX = 16_384;
const NONE = -1;

export interface TopSpeed {
  /** Bytes a microsecond, which are MB/s. */
  readonly megabytes: number;
  readonly timeMs: number;
}

export class TopCounts {
  readonly #counts = Object.keys(TOP).map(() => new Map<number, number>());
  readonly #speeds = { read: new Map<number, TopSpeed>(), write: new Map<number, TopSpeed>() };
  /** Of the operation that is being served. */
  #slot = NONE;
  #bytes = 0;
  #kind: TopSpeedKind = "read";
  openNow = 0;
  openMax = 0;
  /** Milliseconds since 1970; 0: never. */
  openMaxTimeMs = 0;

  count(kind: number, slot: number): void {
    const counts = this.#counts[kind]!;
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
    if (counts.size > OBJECTS_MAX) keepGreatest(counts);
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

  moved(kind: TopSpeedKind, slot: number, bytes: number): void {
    this.count(TOP[kind], slot);
    this.#kind = kind;
    this.#slot = slot;
    this.#bytes = bytes;
  }

  /** What was served took so long; of no matter but for a read or write. */
  took(microseconds: number): void {
    if (this.#slot === NONE) return;
    const megabytes = this.#bytes / Math.max(1, microseconds);
    const speeds = this.#speeds[this.#kind];
    const before = speeds.get(this.#slot);
    if (before === undefined || megabytes > before.megabytes) {
      if (speeds.size > OBJECTS_MAX) speeds.clear();
      speeds.set(this.#slot, { megabytes, timeMs: Date.now() });
    }
    this.#slot = NONE;
  }

  /** The answer waits for something: how long it takes says nothing of the object. */
  waits(): void {
    this.#slot = NONE;
  }

  forget(slot: number): void {
    for (const counts of this.#counts) if (counts.size > 0) counts.delete(slot);
    if (this.#speeds.read.size > 0) this.#speeds.read.delete(slot);
    if (this.#speeds.write.size > 0) this.#speeds.write.delete(slot);
  }

  clear(): void {
    for (const counts of this.#counts) counts.clear();
    this.#speeds.read.clear();
    this.#speeds.write.clear();
    this.openMax = this.openNow;
    this.openMaxTimeMs = this.openNow === 0 ? 0 : Date.now();
  }

  /** The greatest first. */
  greatest(kind: TopKind, limit: number): [slot: number, count: number][] {
    const counts = this.#counts[TOP[kind]]!;
    return [...counts].sort((a, b) => b[1] - a[1]).slice(0, limit);
  }

  fastest(kind: TopSpeedKind, limit: number): [slot: number, speed: TopSpeed][] {
    const speeds = this.#speeds[kind];
    return [...speeds].sort((a, b) => b[1].megabytes - a[1].megabytes).slice(0, limit);
  }
}

/** The half with the most stays. */
function keepGreatest(counts: Map<number, number>): void {
  const kept = [...counts].sort((a, b) => b[1] - a[1]).slice(0, OBJECTS_MAX / 2);
  counts.clear();
  for (const [slot, count] of kept) counts.set(slot, count);
}
