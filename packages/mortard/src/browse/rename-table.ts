/**
 * Files that are in one of two trees at a path, until it is known whether the other tree has them at
 * another one: two such of one gfid are one that was renamed. Hard links are as many as they are.
 *
 * When there are too many, the other tree is asked about each. What it has not was added or removed,
 * and is told; what it has will be met there, and is kept: as many as really were renamed.
 */
import type { GfapiStat } from "@mortar/linux";
import { kindOf } from "./snapshot-reader.ts";
import { type ChangedPart, sizeOf, type TreeChange } from "./tree-change.ts";

export type Side = "earlier" | "later";

export interface Candidate {
  readonly gfid: string;
  readonly path: string;
  readonly stat: GfapiStat;
}

export interface RenameTableOptions {
  readonly countMax: number;
  readonly isIn: (side: Side, gfid: string) => Promise<boolean>;
  readonly onChange: (change: TreeChange) => void;
  readonly partsOf: (gfid: string, before: GfapiStat, after: GfapiStat) => Promise<ChangedPart[]>;
}

interface Waiting {
  readonly side: Side;
  readonly candidates: Candidate[];
}

export class RenameTable {
  readonly #options: RenameTableOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** In the other tree too: these are not asked about again. */
  readonly #certain = new Map<string, Waiting>();
  #count = 0;

  constructor(options: RenameTableOptions) {
    this.#options = options;
  }

  async add(side: Side, candidate: Candidate): Promise<void> {
    const { gfid } = candidate;
    const table = this.#certain.has(gfid) ? this.#certain : this.#waiting;
    const waiting = table.get(gfid);
    if (waiting === undefined) {
      table.set(gfid, { side, candidates: [candidate] });
      this.#count += 1;
    } else if (waiting.side === side) {
      waiting.candidates.push(candidate);
      if (table === this.#waiting) this.#count += 1;
    } else {
      // One whose directory was replaced by another one is where it was.
      const same = waiting.candidates.findIndex((it) => it.path === candidate.path);
      const [other] = waiting.candidates.splice(Math.max(0, same), 1) as [Candidate];
      if (table === this.#waiting) this.#count -= 1;
      if (waiting.candidates.length === 0) table.delete(gfid);
      await this.#renamed(side === "later" ? [other, candidate] : [candidate, other]);
    }
    if (this.#count > this.#options.countMax) await this.#settle();
  }

  /** All of both trees was seen. */
  finish(): void {
    for (const table of [this.#certain, this.#waiting]) {
      for (const { side, candidates } of table.values()) this.#tell(side, candidates);
      table.clear();
    }
  }

  async #renamed([before, after]: readonly [Candidate, Candidate]): Promise<void> {
    // The rename itself changes `ctime`.
    const parts = (await this.#options.partsOf(after.gfid, before.stat, after.stat))
      .filter((it) => it !== "times");
    const { path } = after;
    const isThere = path === before.path;
    if (isThere && parts.length === 0) return;
    this.#options.onChange({
      ...(isThere ? { change: "modified" } : { change: "renamed", formerPath: before.path }),
      path, kind: kindOf(after.stat), parts,
      sizeBytes: sizeOf(after.stat), formerSizeBytes: sizeOf(before.stat),
    });
  }

  async #settle(): Promise<void> {
    for (const [gfid, waiting] of this.#waiting) {
      const other = waiting.side === "earlier" ? "later" : "earlier";
      if (await this.#options.isIn(other, gfid)) this.#certain.set(gfid, waiting);
      else this.#tell(waiting.side, waiting.candidates);
    }
    this.#waiting.clear();
    this.#count = 0;
  }

  #tell(side: Side, candidates: readonly Candidate[]): void {
    for (const { path, stat } of candidates) {
      this.#options.onChange({
        change: side === "later" ? "added" : "removed", path, kind: kindOf(stat), parts: [],
        sizeBytes: sizeOf(stat),
      });
    }
  }
}
