/**
 * Sets of bricks: a volume's bricks in their order, cut into sets of one size. The bricks of a set
 * have the same files (replicate; the last one of an arbiter set their names alone), or the
 * fragments of them (disperse).
 */
import { CommandFailure, errno } from "../failure.ts";
import type { VolumeDocument } from "../state.ts";
import { text } from "../stock-text.ts";

export type BrickLayout = Pick<
  VolumeDocument,
  "kind" | "replicaCount" | "arbiterCount" | "disperseCount" | "redundancyCount"
>;

export interface LayoutCounts {
  readonly replica?: number;
  readonly arbiter?: number;
  /** Bricks of a set, data and redundancy together. */
  readonly disperse?: number;
  readonly disperseData?: number;
  readonly redundancy?: number;
}

/** Bricks of one set; 1 when the volume only distributes. */
export function setSizeOf(layout: BrickLayout): number {
  return layout.kind === "disperse" ? layout.disperseCount : layout.replicaCount;
}

/** Throws `CommandFailure` for counts that do not go together, or with so many bricks. */
export function layoutOf(counts: LayoutCounts, brickCount: number): BrickLayout {
  const { replica, arbiter = 0, disperse, disperseData, redundancy } = counts;
  const isDispersed = [disperse, disperseData, redundancy].some((it) => it !== undefined);
  if (isDispersed && (replica !== undefined || arbiter > 0)) {
    throw badArgument("replicated-dispersed volume is not supported");
  }
  return isDispersed
    ? disperseLayout(counts, brickCount)
    : replicaLayout(replica, arbiter, brickCount);
}

function replicaLayout(
  replica: number | undefined,
  arbiter: number,
  brickCount: number,
): BrickLayout {
  const plain = { arbiterCount: arbiter, disperseCount: 0, redundancyCount: 0 };
  if (arbiter > 0 && (arbiter !== 1 || (replica !== 2 && replica !== 3))) {
    throw badArgument(text.arbiterCounts());
  }
  // `replica 2 arbiter 1` and `replica 3 arbiter 1` are the same: two copies and a witness.
  const size = arbiter === 1 ? 3 : (replica ?? 1);
  if (replica !== undefined && replica < 2) {
    throw badArgument("replica count should be greater than 1");
  }
  if (brickCount % size !== 0) {
    throw badArgument("number of bricks is not a multiple of replica count");
  }
  return { kind: size === 1 ? "distribute" : "replicate", replicaCount: size, ...plain };
}

function disperseLayout(counts: LayoutCounts, brickCount: number): BrickLayout {
  const { disperse, disperseData, redundancy } = counts;
  const sum =
    disperseData === undefined || redundancy === undefined ? undefined : disperseData + redundancy;
  const size = disperse ?? sum ?? brickCount;
  if (sum !== undefined && sum !== size) {
    throw badArgument("disperse count must be the sum of disperse-data and redundancy");
  }
  if (size < 3) throw badArgument("disperse count must be greater than 2");
  if (brickCount % size !== 0) {
    throw badArgument("number of bricks is not a multiple of disperse count");
  }
  const parity =
    redundancy ?? (disperseData === undefined ? optimalRedundancy(size) : size - disperseData);
  const limit = Math.ceil(size / 2);
  if (parity < 1 || parity >= limit) {
    throw badArgument(
      "redundancy must be greater than or equal to 1 and less than " +
        `${limit} for a disperse ${size} volume`,
    );
  }
  return {
    kind: "disperse", replicaCount: 1, arbiterCount: 0, disperseCount: size,
    redundancyCount: parity,
  };
}

/** So that a power of two of bricks has data: reads and writes of usual sizes are whole stripes. */
function optimalRedundancy(size: number): number {
  const data = 2 ** Math.floor(Math.log2(size - 1));
  const redundancy = size - data;
  return redundancy < Math.ceil(size / 2) ? redundancy : 1;
}

/** Throws when two bricks of a set are on one node: its loss would take more than one. */
export function refuseSameNode(
  layout: BrickLayout,
  places: readonly { readonly node: string }[],
): void {
  const size = setSizeOf(layout);
  for (let first = 0; first < places.length; first += size) {
    const nodes = places.slice(first, first + size).map((it) => it.node);
    if (new Set(nodes).size === nodes.length) continue;
    throw new CommandFailure("brick-refused", errno.EG_INTRNL, text.bricksOfOneServer(layout.kind));
  }
}

function badArgument(message: string): CommandFailure {
  return new CommandFailure("bad-argument", errno.EINVAL, message);
}
