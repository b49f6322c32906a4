/** What two devices of a pool have in common, and in what they differ: runs of virtual blocks. */
import type { MappingRuns } from "./mapping-runs.ts";
import { PoolReader } from "./pool-reader.ts";
import type { ReadOptions } from "./pool-reader.ts";

/** `same` and `different` data blocks, or mapped on one side only. thin_delta's words. */
export type DeltaKind = "same" | "different" | "left_only" | "right_only";

export interface DeltaRun {
  readonly kind: DeltaKind;
  readonly begin: number;
  readonly length: number;
  /** First data block on each side; -1 where it is not mapped. */
  readonly leftData: number;
  readonly rightData: number;
}

export interface DeltaOptions extends ReadOptions {
  /** Device ids. */
  readonly left: number;
  readonly right: number;
}

/**
 * Visits in ascending order runs that are as long as can be with consecutive data blocks. Throws
 * "device-missing", and "corrupt" at the first damage.
 */
export function deltaDevices(options: DeltaOptions, visit: (run: DeltaRun) => void): void {
  const pool = new PoolReader(options);
  const left = pool.runs(pool.device(options.left));
  const right = pool.runs(pool.device(options.right));
  left.next();
  right.next();
  let pending: DeltaRun | undefined;
  while (left.length > 0 || right.length > 0) {
    const run = takeRun(left, right);
    const joined: DeltaRun | undefined = pending && join(pending, run);
    if (pending && !joined) visit(pending);
    pending = joined ?? run;
  }
  if (pending) visit(pending);
}

/** The longest run of one kind at the front of both. */
function takeRun(left: MappingRuns, right: MappingRuns): DeltaRun {
  if (right.length === 0 || (left.length > 0 && left.begin < right.begin)) {
    const length = alone(left, right);
    const run: DeltaRun =
      { kind: "left_only", begin: left.begin, length, leftData: left.dataBegin, rightData: -1 };
    take(left, length);
    return run;
  }
  if (left.length === 0 || right.begin < left.begin) {
    const length = alone(right, left);
    const run: DeltaRun =
      { kind: "right_only", begin: right.begin, length, leftData: -1, rightData: right.dataBegin };
    take(right, length);
    return run;
  }
  const length = Math.min(left.length, right.length);
  const run: DeltaRun = {
    kind: left.dataBegin === right.dataBegin ? "same" : "different",
    begin: left.begin,
    length,
    leftData: left.dataBegin,
    rightData: right.dataBegin,
  };
  take(left, length);
  take(right, length);
  return run;
}

function alone(runs: MappingRuns, other: MappingRuns): number {
  return other.length === 0 ? runs.length : Math.min(runs.length, other.begin - runs.begin);
}

function take(runs: MappingRuns, count: number): void {
  if (count === runs.length) runs.next();
  else runs.skip(count);
}

function join(first: DeltaRun, second: DeltaRun): DeltaRun | undefined {
  const follows = (before: number, after: number): boolean =>
    before < 0 ? after < 0 : after === before + first.length;
  const joins =
    first.kind === second.kind && first.begin + first.length === second.begin &&
    follows(first.leftData, second.leftData) && follows(first.rightData, second.rightData);
  return joins ? { ...first, length: first.length + second.length } : undefined;
}
