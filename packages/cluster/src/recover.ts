/** What a node does when its daemon starts: clean up, bring up what is started. */
import { mountGroups, servedBricks, startEffects, volumeBrickRef } from "./bricks/brick.ts";
import type { Step } from "./command.ts";
import type { RecoveryReport } from "./nodes/node-command.ts";
import type { NodeEffect } from "./effect.ts";
import { detailOf } from "./failure.ts";
import { groupsOf, pendingDetail, settle } from "./intent.ts";
import { keyOf } from "./key-space.ts";
import { upGroups } from "./snapshots/snapshot-activation.ts";
import { isActivated } from "./snapshots/snapshot-find.ts";
import { attemptAll, type CommandContext, errorsOf } from "./steps.ts";

/** Finishes or undoes every interrupted command, oldest first; one that cannot be stays. */
export function* recover(context: CommandContext, _args: object): Step<RecoveryReport> {
  const report: RecoveryReport = { settled: [], pending: [] };
  const intents = [...context.state.intents.values()]
    .map((it) => it.document)
    .sort((a, b) => a.startedAtMs - b.startedAtMs);
  for (const intent of intents) {
    const { id, command, direction } = intent;
    const errors = yield* settle(context, intent);
    if (errors.length === 0) {
      report.settled.push({ id, command, direction });
    } else {
      report.pending.push({ id, command, direction });
      context.details.push(...errors.map(pendingDetail));
    }
  }
  return report;
}

/** Starts what the state says is started. One that fails does not keep the others from it. */
export function* bringUp(context: CommandContext, _args: object): Step<{ bricksStarted: number }> {
  const ladders: NodeEffect[][][] = [];
  const intents = [...context.state.intents.values()].map((it) => it.document);
  // What could not be settled is on its way out, or half there: it is left to its intent.
  const held = new Set(intents.flatMap((it) => it.holds));
  for (const { document: volume } of context.state.volumes.values()) {
    if (volume.status !== "Started" || held.has(keyOf.volume(volume.name))) continue;
    const { activate, mount } = mountGroups(volume.bricks.filter((it) => it.managed));
    const start = startEffects(servedBricks(volume), (brick) => volumeBrickRef(volume, brick));
    const missing = start.map((it): NodeEffect<"startBrick"> => ({ ...it, unlessEnded: true }));
    ladders.push(groupsOf(activate, mount, missing));
  }
  for (const { document: snapshot } of context.state.snapshots.values()) {
    if (!isActivated(snapshot) || held.has(keyOf.snapshot(snapshot.name))) continue;
    ladders.push(upGroups(snapshot));
  }
  let bricksStarted = 0;
  for (const groups of ladders) bricksStarted += yield* climb(context, groups);
  return { bricksStarted };
}

/** Stops at the first group in which something failed, except at the last, the starting. */
function* climb(context: CommandContext, groups: readonly NodeEffect[][]): Step<number> {
  const { self } = context.state;
  let started = 0;
  for (const group of groups) {
    const own = group.filter((it) => it.node === self);
    const outcomes = yield* attemptAll(own);
    const errors = errorsOf(outcomes);
    context.details.push(...errors.map(detailOf));
    context.warnings.push(...errors.map((it) => `${it.object} on ${it.node}: ${it.message}`));
    started += own.filter((it, index) => it.kind === "startBrick" && outcomes[index]?.ok).length;
    if (errors.length > 0) return started;
  }
  return started;
}
