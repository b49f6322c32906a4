/** What removing logical volumes gives back: asked of the nodes' pools, which keep exact books. */
import { onThinLvs } from "./brick.ts";
import type { Step } from "../command.ts";
import type { LvSpace, PoolReclaim } from "./storage-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { detailOf } from "../failure.ts";
import type { BrickDocument } from "../state.ts";
import { attemptAll, type CommandContext, errorsOf } from "../steps.ts";

/** A pool of a node. */
export interface PoolGain {
  host: string;
  vg: string;
  pool: string;
  lvs: LvSpace[];
  /** By removing all of `lvs` and nothing else. */
  freedBytes: number;
}

/**
 * Of the LVs of these bricks, all removed together. A node that does not tell is in the details,
 * and its pools are missing.
 */
export function* reclaimOf(
  context: CommandContext,
  bricks: readonly BrickDocument[],
): Step<PoolGain[]> {
  const byNode = new Map<string, { host: string; lvs: Map<string, { vg: string; lv: string }> }>();
  for (const { brick, thin } of onThinLvs(bricks)) {
    const node = byNode.get(brick.node) ?? { host: brick.host, lvs: new Map() };
    node.lvs.set(`${thin.vg}/${thin.lv}`, { vg: thin.vg, lv: thin.lv });
    byNode.set(brick.node, node);
  }
  const asked = [...byNode];
  const outcomes = yield* attemptAll(
    asked.map(([node, { lvs }]): NodeEffect<"reclaimable"> => ({
      kind: "reclaimable", node, lvs: [...lvs.values()],
    })),
  );
  context.details.push(...errorsOf(outcomes).map(detailOf));
  return asked.flatMap(([, { host }], index) => {
    const outcome = outcomes[index];
    const pools = outcome?.ok === true ? (outcome.value as readonly PoolReclaim[]) : [];
    return pools.map(({ vg, pool, lvs, freedBytes }) => ({
      host, vg, pool, lvs: lvs.map((it) => ({ ...it })), freedBytes,
    }));
  });
}

export function sumOfFreed(pools: readonly PoolGain[]): number {
  return pools.reduce((sum, it) => sum + it.freedBytes, 0);
}
