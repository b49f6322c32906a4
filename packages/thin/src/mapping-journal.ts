/**
 * The mapping journal: what the process would forget if it died.
 *
 * Mappings made since the last commit live in memory only. A write that needed one is acknowledged
 * once the data is written and the mapping is in the journal; so both survive the death of the
 * process. They need not survive the machine, for nobody flushed them: the journal may live in
 * memory that outlasts the process, such as a mapped file on tmpfs.
 *
 * The records build on one superblock, whose first 512 bytes head the journal. The engine replays
 * them only over exactly that superblock, and otherwise ignores them as stale: they were committed.
 * Every change of the pool that is not in the journal (create, snapshot, delete, grow) ends with a
 * commit, so the records between two commits are complete.
 */

/** In the place of a data block: the virtual blocks are unmapped. */
export const UNMAPPED = -1;

/** How much of the superblock identifies the state the records build on. */
export const JOURNAL_BASE_BYTES = 512;

/**
 * `count` virtual blocks from `virtualBlock` on map to `dataBlock` and following, or are unmapped.
 */
export interface MappingRecord {
  readonly deviceId: number;
  readonly virtualBlock: number;
  readonly count: number;
  readonly dataBlock: number;
}

export interface MappingJournal {
  /** What an earlier process left: undefined when there is nothing valid. Read before `restart`. */
  open(): { readonly base: Uint8Array; readonly records: Iterable<MappingRecord> } | undefined;
  /** Forget all records. Those to come build on `base`, JOURNAL_BASE_BYTES of superblock. */
  restart(base: Uint8Array): void;
  /**
   * Keep one record, in order. False when there is no room: the engine then commits, which keeps
   * the mapping better than the journal would. Called once a mapping, so it takes numbers, not an
   * object.
   */
  append(deviceId: number, virtualBlock: number, count: number, dataBlock: number): boolean;
}

/** Whether records over `base` are records over `superblock`. */
export function sameJournalBase(base: Uint8Array, superblock: Uint8Array): boolean {
  // Neither checksum nor flags count: setting or clearing needs_check changes no mapping.
  for (let at = 8; at < JOURNAL_BASE_BYTES; at++) if (base[at] !== superblock[at]) return false;
  return true;
}

/** A journal in plain memory, for tests and for hosts that do not outlive themselves. */
export class MemoryJournal implements MappingJournal {
  #base: Uint8Array | undefined;
  #records: MappingRecord[] = [];
  readonly #recordMax: number;

  constructor(recordMax = 65_536) {
    this.#recordMax = recordMax;
  }

  open(): { base: Uint8Array; records: MappingRecord[] } | undefined {
    return this.#base && { base: this.#base, records: [...this.#records] };
  }

  restart(base: Uint8Array): void {
    this.#base = Uint8Array.from(base);
    this.#records = [];
  }

  append(deviceId: number, virtualBlock: number, count: number, dataBlock: number): boolean {
    if (this.#records.length >= this.#recordMax) return false;
    this.#records.push({ deviceId, virtualBlock, count, dataBlock });
    return true;
  }
}
