/**
 * What a disk holds, and what of it a loss of power may take.
 *
 * Pages of 4 KiB; a page that is in a map is never changed, only replaced, so copies of a store
 * share them and a copy costs two maps. Beside the newest pages there is, for each page touched
 * since the last flush, the one before; and the log of the writes since then, from which a crash
 * picks.
 *
 * Invariant: `#clean` with all of `#log` put over it in order is `#pages`.
 */
import type { Random } from "./random.ts";

export const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;
const SECTORS_PER_PAGE = PAGE_BYTES / SECTOR_BYTES;
const ZERO_PAGE = new Uint8Array(PAGE_BYTES);

/**
 * What becomes of the writes since the last flush when power is lost:
 * - `none`: none of them was written back; `all`: all were.
 * - `sectors`: each sector keeps its old bytes, or any version it ever had, for itself.
 * - `writes`: each write went through or not, for itself.
 * - `prefix`: they went through in order, up to a sector of one of them.
 */
export type Settling = "none" | "all" | "sectors" | "writes" | "prefix";
export const SETTLINGS: readonly Settling[] = ["none", "all", "sectors", "writes", "prefix"];

interface LoggedWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export class SectorStore {
  #pages = new Map<number, Uint8Array>();
  /** What the medium has of the pages touched since the last flush. */
  #clean = new Map<number, Uint8Array>();
  #log: LoggedWrite[] = [];
  /** What pages were before the flush that last changed them, for reads that are out of date. */
  #older = new Map<number, Uint8Array>();
  /** A flush failed on these sectors: flushing again does nothing for them. */
  #lost = new Set<number>();

  clone(): SectorStore {
    const copy = new SectorStore();
    copy.#pages = new Map(this.#pages);
    copy.#clean = new Map(this.#clean);
    copy.#log = [...this.#log];
    copy.#older = new Map(this.#older);
    copy.#lost = new Set(this.#lost);
    return copy;
  }

  get hasUnflushed(): boolean {
    return this.#log.length > 0;
  }

  read(offset: number, target: Uint8Array): void {
    copyOut(this.#pages, offset, target);
  }

  /** As it was before the last write to each page, or before the flush of that. */
  readOlder(offset: number, target: Uint8Array): void {
    copyOut(new Map([...this.#pages, ...this.#older, ...this.#clean]), offset, target);
  }

  /** Copies `source`, which is of any alignment. */
  write(offset: number, source: Uint8Array): void {
    if (source.length === 0) return;
    const begin = offset - (offset % SECTOR_BYTES);
    const end = Math.ceil((offset + source.length) / SECTOR_BYTES) * SECTOR_BYTES;
    const bytes = new Uint8Array(end - begin);
    if (bytes.length !== source.length) this.read(begin, bytes);
    bytes.set(source, offset - begin);
    for (let page = Math.floor(begin / PAGE_BYTES); page * PAGE_BYTES < end; page++) {
      if (!this.#clean.has(page)) this.#clean.set(page, this.#pages.get(page) ?? ZERO_PAGE);
    }
    this.#log.push({ offset: begin, bytes });
    this.#put(begin, bytes);
    if (this.#lost.size === 0) return;
    for (let at = begin; at < end; at += SECTOR_BYTES) this.#lost.delete(at / SECTOR_BYTES);
  }

  /** Everything written is on the medium, but for the sectors that a failed flush lost. */
  flush(): void {
    const kept: LoggedWrite[] = [];
    if (this.#lost.size > 0) this.#keepLost(kept);
    for (const [page, bytes] of this.#clean) this.#older.set(page, bytes);
    if (kept.length === 0) this.#clean.clear();
    this.#log = kept;
  }

  /** The flush failed: any of the unflushed sectors may have been dropped for good. */
  failFlush(random: Random): void {
    for (const { offset, bytes } of this.#log) {
      for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
        if (random.chance(0.5)) this.#lost.add((offset + at) / SECTOR_BYTES);
      }
    }
  }

  /** As if everything was flushed well. */
  settle(): void {
    this.#lost.clear();
    this.flush();
  }

  crash(settling: Settling, random: Random): void {
    const log = this.#log;
    const lost = this.#lost;
    if (settling === "all" && lost.size === 0) {
      this.settle();
      return;
    }
    for (const [page, bytes] of this.#clean) this.#pages.set(page, bytes);
    this.#clean.clear();
    this.#log = [];
    this.#lost = new Set();
    if (settling === "none" || log.length === 0) return;
    if (settling === "sectors" || lost.size > 0) this.#settleSectors(log, lost, random);
    else if (settling === "writes") {
      for (const { offset, bytes } of log) if (random.chance(0.5)) this.#put(offset, bytes);
    } else this.#settlePrefix(log, random);
  }

  /** One bit of what is stored is another one now, also below what was not flushed. */
  flipBit(offset: number, bit: number): void {
    const page = Math.floor(offset / PAGE_BYTES);
    for (const pages of [this.#pages, this.#clean]) {
      if (pages !== this.#pages && !pages.has(page)) continue;
      const bytes = Uint8Array.from(pages.get(page) ?? ZERO_PAGE);
      bytes[offset % PAGE_BYTES]! ^= 1 << bit;
      pages.set(page, bytes);
    }
  }

  #settlePrefix(log: readonly LoggedWrite[], random: Random): void {
    const whole = random.below(log.length + 1);
    for (const { offset, bytes } of log.slice(0, whole)) this.#put(offset, bytes);
    const torn = log[whole];
    if (!torn) return;
    const sectors = random.below(torn.bytes.length / SECTOR_BYTES + 1);
    this.#put(torn.offset, torn.bytes.subarray(0, sectors * SECTOR_BYTES));
  }

  #settleSectors(
    log: readonly LoggedWrite[], lost: ReadonlySet<number>, random: Random,
  ): void {
    const seen = new Map<number, number>();
    const chosen = new Map<number, Uint8Array>();
    const newest = new Map<number, LoggedWrite>();
    for (const write of lost.size > 0 ? log : []) {
      for (let at = 0; at < write.bytes.length; at += SECTOR_BYTES) {
        newest.set((write.offset + at) / SECTOR_BYTES, write);
      }
    }
    for (const write of log) {
      for (let at = 0; at < write.bytes.length; at += SECTOR_BYTES) {
        const sector = (write.offset + at) / SECTOR_BYTES;
        const versions = (seen.get(sector) ?? 0) + 1;
        seen.set(sector, versions);
        if (lost.has(sector) && newest.get(sector) === write) continue;
        // Each version in turn takes the place with such a chance that all are equally likely.
        if (random.below(versions + 1) > 0) continue;
        chosen.set(sector, write.bytes.subarray(at, at + SECTOR_BYTES));
      }
    }
    const fresh = new Map<number, Uint8Array>();
    for (const [sector, bytes] of chosen) {
      const number = Math.floor(sector / SECTORS_PER_PAGE);
      let page = fresh.get(number);
      if (!page) {
        page = Uint8Array.from(this.#pages.get(number) ?? ZERO_PAGE);
        fresh.set(number, page);
      }
      page.set(bytes, (sector % SECTORS_PER_PAGE) * SECTOR_BYTES);
    }
    for (const [number, page] of fresh) this.#pages.set(number, page);
  }

  /** What was lost stays unflushed, sector by sector, over a medium that has the rest. */
  #keepLost(kept: LoggedWrite[]): void {
    for (const { offset, bytes } of this.#log) {
      for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
        if (!this.#lost.has((offset + at) / SECTOR_BYTES)) continue;
        kept.push({ offset: offset + at, bytes: bytes.subarray(at, at + SECTOR_BYTES) });
      }
    }
    for (const [number, before] of this.#clean) {
      const page = Uint8Array.from(this.#pages.get(number)!);
      for (let sector = 0; sector < SECTORS_PER_PAGE; sector++) {
        if (!this.#lost.has(number * SECTORS_PER_PAGE + sector)) continue;
        const at = sector * SECTOR_BYTES;
        page.set(before.subarray(at, at + SECTOR_BYTES), at);
      }
      this.#clean.set(number, page);
    }
  }

  /** Whole sectors into the newest pages. `bytes` belongs to the store. */
  #put(offset: number, bytes: Uint8Array): void {
    let before: Uint8Array = ZERO_PAGE;
    for (let at = 0; at < bytes.length; ) {
      const number = Math.floor((offset + at) / PAGE_BYTES);
      const within = offset + at - number * PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - within, bytes.length - at);
      const part = bytes.subarray(at, at + length);
      // Pages that are alike are kept once: chunks are mostly zeros, or of one pattern.
      if (length < PAGE_BYTES) before = this.#merged(number, within, part);
      else if (Buffer.compare(part, before) !== 0) before = Uint8Array.from(part);
      this.#pages.set(number, before);
      at += length;
    }
  }

  #merged(number: number, within: number, part: Uint8Array): Uint8Array {
    const page = Uint8Array.from(this.#pages.get(number) ?? ZERO_PAGE);
    page.set(part, within);
    return page;
  }
}

function copyOut(
  pages: ReadonlyMap<number, Uint8Array>, offset: number, target: Uint8Array,
): void {
  for (let at = 0; at < target.length; ) {
    const number = Math.floor((offset + at) / PAGE_BYTES);
    const within = offset + at - number * PAGE_BYTES;
    const length = Math.min(PAGE_BYTES - within, target.length - at);
    const page = pages.get(number);
    if (!page || page === ZERO_PAGE) target.fill(0, at, at + length);
    else if (length === PAGE_BYTES) target.set(page, at);
    else target.set(page.subarray(within, within + length), at);
    at += length;
  }
}
