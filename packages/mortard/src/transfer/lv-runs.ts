/**
 * Which ranges of an LV are sent, as which kind: what `mortar pool delta --json` says, line by line,
 * turned into ranges that tile the LV. 24 bytes are kept for each run; what is on the LV is not looked
 * at.
 *
 * | the runs are of                | same | different, right_only | left_only, in between |
 * |--------------------------------|------|-----------------------|-----------------------|
 * | the LV and itself (`full`)     | data |                       | hole                  |
 * | an earlier LV and it (`delta`) | same | data                  | hole                  |
 *
 * Whatever is in no run has no data in either LV. It is a hole, and not "the same": the earlier LV may
 * have had data there when it was sent, and have lost it since.
 */
import { chunkSectorsOf, deltaLineOf, isDeltaLine } from "../effects/delta-run.ts";

const SECTOR_BYTES = 512;

export type RangeKind = "data" | "same" | "hole";

export interface LvRangeVisitor {
  (kind: RangeKind, offset: number, length: number): void;
}

export class LvRuns {
  readonly #isDelta: boolean;
  readonly #runs: number[] = [];
  #chunkBytes = 0;
  #isWhole = false;
  #isBroken = false;

  constructor(kind: "full" | "delta") {
    this.#isDelta = kind === "delta";
  }

  take(line: string): void {
    if (line === "]}") this.#isWhole = true;
    else if (isDeltaLine(line)) this.#takeRun(line);
    else this.#chunkBytes = (chunkSectorsOf(line) ?? 0) * SECTOR_BYTES || this.#chunkBytes;
  }

  #takeRun(line: string): void {
    const run = deltaLineOf(line);
    const [begin = 0, length = 0] = this.#runs.slice(-3);
    if (run === undefined || run.begin < begin + length) {
      this.#isBroken = true;
      return;
    }
    if (run.kind === "left_only") return;
    const isSame = this.#isDelta && run.kind === "same";
    this.#runs.push(run.begin, run.length, isSame ? 1 : 0);
  }

  /** Visits all of `[from, sizeBytes)`. Throws when the runs did not come to their end. */
  tile(from: number, sizeBytes: number, visit: LvRangeVisitor): void {
    if (!this.#isWhole || this.#isBroken || this.#chunkBytes === 0) {
      throw new Error("The mappings of the logical volume were cut off");
    }
    let at = from;
    const upTo = (kind: RangeKind, end: number): void => {
      const stop = Math.min(end, sizeBytes);
      if (stop <= at) return;
      visit(kind, at, stop - at);
      at = stop;
    };
    for (let index = 0; index < this.#runs.length; index += 3) {
      const begin = this.#runs[index]! * this.#chunkBytes;
      const end = begin + this.#runs[index + 1]! * this.#chunkBytes;
      upTo("hole", begin);
      upTo(this.#runs[index + 2] === 1 ? "same" : "data", end);
    }
    upTo("hole", sizeBytes);
  }
}
