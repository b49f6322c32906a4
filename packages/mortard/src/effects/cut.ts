/** The cut of a snapshot on this node: its parts one after the other, side by side within a part. */
import { type CutTimes, type NodeEffect, partsOfCut } from "@mortar/cluster";

/** Rejects with the first failure of a part, when all of that part has been tried. */
export async function cutHere(
  cut: NodeEffect<"cut">, perform: (effect: NodeEffect) => Promise<unknown>,
): Promise<CutTimes> {
  const [barriers = [], freezes = [], snapshots = []] = partsOfCut(cut);
  const timed = async (part: readonly NodeEffect[]): Promise<number> => {
    const startMs = performance.now();
    const outcomes = await Promise.allSettled(part.map(perform));
    for (const it of outcomes) if (it.status === "rejected") throw it.reason;
    return performance.now() - startMs;
  };
  return {
    barrierMs: rounded(await timed(barriers)),
    freezeMs: rounded(await timed(freezes)),
    takeMs: rounded(await timed(snapshots)),
  };
}

const rounded = (ms: number) => Math.round(10 * ms) / 10;
