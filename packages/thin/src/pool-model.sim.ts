/**
 * The naive model that pools are compared with: per device, one number for each sector (or for the
 * first sector of each chunk, in pools that are too large for that). A sector that was written with
 * tag 7 is full of 7s; tag 0 is zeros.
 *
 * For each sector it also knows what may come back after a power cut: what the last commit made
 * durable, or anything that was put there since.
 */
export const SECTOR_BYTES = 512;
const WORDS = SECTOR_BYTES / 4;

export class DeviceModel {
  /** What a read gives now. */
  readonly current: Int32Array;
  /** What was current at the last commit that is known of. */
  #committed: Int32Array;
  /** Everything put into a sector since. */
  #since = new Map<number, number[]>();
  /**
   * Sectors whose flush failed: what is durable of them is not known until they are written again.
   */
  #unknown = new Set<number>();

  constructor(current: Int32Array) {
    this.current = current;
    this.#committed = Int32Array.from(current);
  }

  put(sector: number, count: number, tag: number): void {
    this.attempt(sector, count, tag);
    for (let index = sector; index < sector + count; index++) this.#unknown.delete(index);
    this.current.fill(tag, sector, sector + count);
  }

  /** The sectors may get this tag, or not. */
  attempt(sector: number, count: number, tag: number): void {
    for (let index = sector; index < sector + count; index++) {
      const since = this.#since.get(index);
      if (since) since.push(tag);
      else this.#since.set(index, [tag]);
    }
  }

  commit(): void {
    if (this.#since.size === 0) return;
    for (const [sector, since] of this.#since) {
      if (this.#unknown.has(sector)) since.push(this.#committed[sector]!);
      else this.#since.delete(sector);
    }
    this.#committed = Int32Array.from(this.current);
  }

  /** The data could not be flushed: it reads back well for now, and may be gone after a crash. */
  flushFailed(): void {
    for (const sector of this.#since.keys()) this.#unknown.add(sector);
  }

  /** What a snapshot of it is, whose creation commits. */
  snapshot(): DeviceModel {
    const copy = new DeviceModel(Int32Array.from(this.current));
    for (const sector of this.#unknown) {
      copy.#unknown.add(sector);
      copy.#since.set(sector, [...(this.#since.get(sector) ?? []), this.#committed[sector]!]);
    }
    return copy;
  }

  /** Fails unless `found` is what may be there after a power cut. */
  requirePossible(found: Int32Array, where: string): void {
    for (let sector = 0; sector < found.length; sector++) {
      const tag = found[sector]!;
      if (tag === this.#committed[sector]) continue;
      // Nothing else is possible of a sector that nobody touched since the commit.
      const since = this.#since.get(sector);
      if (since !== undefined && (tag === this.current[sector] || since.includes(tag))) continue;
      throw new Error(
        `${where}: sector ${sector} has ${tag}; committed is ${this.#committed[sector]}, ` +
          `since then ${since?.join(" ") ?? "nothing"}`,
      );
    }
  }

  /** Fails unless `found` is current, outside of the sectors in `[begin, end)`. */
  requireCurrent(found: Int32Array, where: string, begin = 0, end = 0): void {
    this.#requireEqual(found, where, (sector) => sector >= begin && sector < end);
  }

  /** The same after a power cut, which takes what no flush could make durable. */
  requireDurable(found: Int32Array, where: string): void {
    this.#requireEqual(found, where, (sector) => this.#unknown.has(sector));
  }

  #requireEqual(found: Int32Array, where: string, isExempt: (sector: number) => boolean): void {
    for (let sector = 0; sector < found.length; sector++) {
      if (found[sector] === this.current[sector] || isExempt(sector)) continue;
      throw new Error(
        `${where}: sector ${sector} has ${found[sector]}, not ${this.current[sector]}`,
      );
    }
  }
}

export function encodeTag(tag: number, sectorCount: number): Uint8Array {
  const words = new Int32Array(sectorCount * WORDS).fill(tag);
  return new Uint8Array(words.buffer);
}

/** The tag of each sector. Fails on a sector that is not of one piece. */
export function decodeTags(bytes: Uint8Array, where: string): Int32Array {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const tags = new Int32Array(bytes.length / SECTOR_BYTES);
  for (let from = 0; from < tags.length; from += RUN_SECTORS) {
    const end = Math.min(from + RUN_SECTORS, tags.length);
    // Bytes that equal those 4 before them are all of one tag, and that is told at once.
    const run = bytes.subarray(from * SECTOR_BYTES, end * SECTOR_BYTES);
    if (Buffer.compare(run.subarray(4), run.subarray(0, -4)) === 0) {
      tags.fill(words[from * WORDS]!, from, end);
    } else {
      for (let sector = from; sector < end; sector++) {
        tags[sector] = decodeSector(words, sector, where);
      }
    }
  }
  return tags;
}

const RUN_SECTORS = 128;

function decodeSector(words: Int32Array, sector: number, where: string): number {
  const tag = words[sector * WORDS]!;
  for (let word = 1; word < WORDS; word++) {
    const other = words[sector * WORDS + word];
    if (other !== tag) throw new Error(`${where}: sector ${sector} is torn: ${tag} and ${other}`);
  }
  return tag;
}
