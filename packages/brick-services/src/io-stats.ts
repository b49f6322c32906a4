/**
 * What `volume profile` and `volume top` report: for each kind of operation how often, how long
 * (least, mean, most, and a histogram), and for reads and writes how large. Two books: since the
 * start, and since they were last read. Recording allocates nothing.
 *
 *     latency bucket n: 2^(n-1) <= microseconds < 2^n      bucket 0: less than one
 *     size bucket n:    2^n <= bytes < 2^(n+1)             nothing at all is in none
 */

import { fops } from "@mortar/gluster";

const PROCEDURES = 57;
export const LATENCY_BUCKETS = 28;
export const SIZE_BUCKETS = 32;

const NAMES: string[] = Array.from({ length: PROCEDURES }, () => "");
for (const fop of Object.values(fops)) NAMES[fop.number] = fop.name;

export interface FopStatistics {
  readonly name: string;
  readonly count: number;
  readonly failures: number;
  /** Microseconds. */
  readonly least: number;
  readonly mean: number;
  readonly most: number;
  /** Counts by bucket. */
  readonly latency: readonly number[];
}

export interface StatisticsBook {
  /** Milliseconds since it was opened. */
  readonly duration: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Counts by bucket. */
  readonly readSizes: readonly number[];
  readonly writeSizes: readonly number[];
  /** Only those that happened, by procedure number. */
  readonly fops: readonly FopStatistics[];
}

class Book {
  since: number;
  bytesRead = 0;
  bytesWritten = 0;
  readonly count = new Float64Array(PROCEDURES);
  readonly failures = new Float64Array(PROCEDURES);
  readonly total = new Float64Array(PROCEDURES);
  readonly least = new Float64Array(PROCEDURES).fill(Number.POSITIVE_INFINITY);
  readonly most = new Float64Array(PROCEDURES);
  readonly latency = new Float64Array(PROCEDURES * LATENCY_BUCKETS);
  readonly readSizes = new Float64Array(SIZE_BUCKETS);
  readonly writeSizes = new Float64Array(SIZE_BUCKETS);

  constructor(since: number) {
    this.since = since;
  }

  clear(since: number): void {
    this.since = since;
    this.bytesRead = 0;
    this.bytesWritten = 0;
    for (const array of [this.count, this.failures, this.total, this.most, this.latency,
      this.readSizes, this.writeSizes]) array.fill(0);
    this.least.fill(Number.POSITIVE_INFINITY);
  }

  record(fop: number, microseconds: number, failed: boolean, bucket: number): void {
    this.count[fop]!++;
    if (failed) this.failures[fop]!++;
    this.total[fop]! += microseconds;
    if (microseconds < this.least[fop]!) this.least[fop] = microseconds;
    if (microseconds > this.most[fop]!) this.most[fop] = microseconds;
    this.latency[fop * LATENCY_BUCKETS + bucket]!++;
  }

  report(now: number): StatisticsBook {
    const reported: FopStatistics[] = [];
    for (let fop = 0; fop < PROCEDURES; fop++) {
      const count = this.count[fop]!;
      if (count === 0) continue;
      const from = fop * LATENCY_BUCKETS;
      reported.push({
        name: NAMES[fop]!,
        count,
        failures: this.failures[fop]!,
        least: this.least[fop]!,
        mean: this.total[fop]! / count,
        most: this.most[fop]!,
        latency: [...this.latency.subarray(from, from + LATENCY_BUCKETS)],
      });
    }
    return {
      duration: now - this.since,
      bytesRead: this.bytesRead,
      bytesWritten: this.bytesWritten,
      readSizes: [...this.readSizes],
      writeSizes: [...this.writeSizes],
      fops: reported,
    };
  }
}

export class IoStats {
  readonly #cumulative: Book;
  readonly #interval: Book;

  /** `now` in milliseconds. */
  constructor(now: number) {
    this.#cumulative = new Book(now);
    this.#interval = new Book(now);
  }

  /** An operation was answered. `fop`: its procedure number; others are not counted. */
  record(fop: number, microseconds: number, failed: boolean): void {
    if (fop < 0 || fop >= PROCEDURES) return;
    const bucket = Math.min(32 - Math.clz32(microseconds), LATENCY_BUCKETS - 1);
    this.#cumulative.record(fop, microseconds, failed, bucket);
    this.#interval.record(fop, microseconds, failed, bucket);
  }

  read(bytes: number): void {
    if (bytes === 0) return;
    const bucket = sizeBucket(bytes);
    this.#cumulative.bytesRead += bytes;
    this.#interval.bytesRead += bytes;
    this.#cumulative.readSizes[bucket]!++;
    this.#interval.readSizes[bucket]!++;
  }

  write(bytes: number): void {
    if (bytes === 0) return;
    const bucket = sizeBucket(bytes);
    this.#cumulative.bytesWritten += bytes;
    this.#interval.bytesWritten += bytes;
    this.#cumulative.writeSizes[bucket]!++;
    this.#interval.writeSizes[bucket]!++;
  }

  cumulative(now: number): StatisticsBook {
    return this.#cumulative.report(now);
  }

  /** Since the last `nextInterval`. */
  interval(now: number): StatisticsBook {
    return this.#interval.report(now);
  }

  nextInterval(now: number): void {
    this.#interval.clear(now);
  }

  /** Both books start anew. */
  clear(now: number): void {
    this.#cumulative.clear(now);
    this.#interval.clear(now);
  }
}

function sizeBucket(bytes: number): number {
  return 31 - Math.clz32(bytes);
}
