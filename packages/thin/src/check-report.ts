/** What a check found, defect by defect; neighbours of one kind are told as one range. */

/**
 * - `error`: data is lost or will be, or the kernel would refuse the pool.
 * - `leak`: space is held that nobody uses; nothing is lost.
 * - `note`: unusual and harmless.
 */
export type DefectSeverity = "error" | "leak" | "note";

export interface Defect {
  readonly severity: DefectSeverity;
  readonly message: string;
  /** The metadata block it is in. */
  readonly metadataBlock?: number;
  /** Whose mappings are concerned. */
  readonly deviceId?: number;
  /**
   * Virtual blocks `[begin, end)` of the device whose mappings cannot be read; no `end`: to its
   * end.
   */
  readonly lost?: { readonly begin: number; readonly end: number | undefined };
  /** Blocks of the map in question, when it is a range of counts that is wrong. */
  readonly blocks?: { readonly begin: number; readonly end: number };
}

const DEFECTS_MAX = 10_000;

export class CheckReport {
  readonly defects: Defect[] = [];
  /** Defects beyond the first ten thousand are counted only. */
  omittedCount = 0;

  add(defect: Defect): void {
    if (this.defects.length < DEFECTS_MAX) this.defects.push(defect);
    else this.omittedCount += 1;
  }
}

/** Gathers wrong counts of consecutive blocks into one defect. */
export class CountDefects {
  readonly #report: CheckReport;
  readonly #what: string;
  #begin = 0;
  #end = 0;
  #expected = 0;
  #found = 0;

  constructor(report: CheckReport, what: string) {
    this.#report = report;
    this.#what = what;
  }

  add(block: number, expected: number, found: number): void {
    if (block === this.#end && expected === this.#expected && found === this.#found) {
      this.#end += 1;
      return;
    }
    this.finish();
    this.#begin = block;
    this.#end = block + 1;
    this.#expected = expected;
    this.#found = found;
  }

  finish(): void {
    const blocks = { begin: this.#begin, end: this.#end };
    this.#begin = 0;
    this.#end = 0;
    if (blocks.begin === blocks.end) return;
    const which =
      blocks.end === blocks.begin + 1 ? `${blocks.begin}` : `${blocks.begin} to ${blocks.end - 1}`;
    this.#report.add({
      severity: this.#found > this.#expected ? "leak" : "error",
      message:
        `${this.#what} ${which}: reference count is ${this.#found}, but ${this.#expected} refer to it`,
      blocks,
    });
  }
}
