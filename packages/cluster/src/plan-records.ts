/** What would go with what the store has: a node, a limit, a schedule, a bookmark. */
import { isKept } from "./snapshots/snapshot-keep.ts";
import { readClusterTime } from "./nodes/cluster-clock.ts";
import type { Step } from "./command.ts";
import { CommandFailure, errno } from "./failure.ts";
import { otherNode, refuseInUse } from "./nodes/membership.ts";
import type { PlanArgs, PlanStep } from "./plan-command.ts";
import { findSchedule, madeBy } from "./schedules/schedule-commands.ts";
import { sizeText } from "./size-text.ts";
import { configured } from "./snapshots/snapshot-config.ts";
import {
  countUserSnapshots, limitsOf, snapshotSettings, userSnapshotsOf,
} from "./snapshots/snapshot-find.ts";
import type { BrickDocument, SnapshotDocument } from "./state.ts";
import { type CommandContext, performLocal } from "./steps.ts";
import { text } from "./stock-text.ts";

/** Digests of 16 bytes for each 64 KiB that is mapped. */
const DIGESTED_BYTES = 65_536;
const DIGEST_BYTES = 16;

/** One that does not answer takes with it what waits for it. */
export function* detachment(
  context: CommandContext,
  { host = "", action }: PlanArgs,
): Step<PlanStep[]> {
  const { uuid, hostname } = yield* otherNode(context, host);
  const dead = !(yield* performLocal("connectedNodes", {})).includes(uuid);
  if (dead && action !== "force") {
    throw new CommandFailure("node-in-use", errno.EG_INTRNL, text.peerDown());
  }
  const { state } = context;
  refuseInUse(state, uuid, { host, dead });
  const isThere = (brick: BrickDocument): boolean => brick.node === uuid;
  const deleting = [...state.snapshots.values()].flatMap(({ document }) =>
    document.volumes.flatMap((it) => it.bricks.filter(isThere)).map((brick) => ({
      object: `${lvOf(brick)}, left of the deleted snapshot ${document.name}`,
    })));
  const made = (state.nodes.get(uuid)?.document.madeBricks ?? []).map(({ vg, lv, path }) => ({
    object: `logical volume ${vg}/${lv}, made for ${path}`,
  }));
  const unfinished = [...state.intents.values()].flatMap(({ document }) => {
    const waits = document.groups.some((group) => group.some((it) => it.node === uuid));
    return dead && waits ? [{ object: `what is left to do of "${document.command}"` }] : [];
  });
  const digests = [...state.bookmarks.values()].flatMap(({ document }) =>
    document.bricks.some((it) => it.node === uuid)
      ? [{ object: `its digests of bookmark ${document.name}` }]
      : []);
  const lost = [...deleting, ...made, ...unfinished, ...digests].map((it): PlanStep => ({
    host: hostname, action: "lose", ...it,
  }));
  return [...lost, { action: "remove", object: `node ${hostname} of the cluster` }];
}

/** At the next "snapshot create" of each volume, as that does it: the oldest, but for kept ones. */
export function* doomedBySettings(
  context: CommandContext,
  args: PlanArgs,
): Step<SnapshotDocument[]> {
  const { volume: name, autoDelete, hardLimit, softLimitPercent } = args;
  const state = configured(context, {
    ...(name === undefined ? {} : { volume: name }),
    ...(autoDelete === undefined ? {} : { autoDelete }),
    ...(hardLimit === undefined ? {} : { hardLimit }),
    ...(softLimitPercent === undefined ? {} : { softLimitPercent }),
  });
  if (!snapshotSettings(state).autoDelete) return [];
  const nowMs = yield* readClusterTime(context.state);
  const doomed = new Set<SnapshotDocument>();
  for (const { document: volume } of state.volumes.values()) {
    if (name !== undefined && volume.name !== name) continue;
    const { effectiveHard, effectiveSoft } = limitsOf(state, volume);
    const count = countUserSnapshots(state, volume);
    if (count >= effectiveHard) continue; // None is made any more.
    const mayGo = userSnapshotsOf(state, volume)
      .filter((it) => it.deletingSinceMs === undefined && !isKept(it, nowMs));
    for (const it of mayGo.slice(0, Math.max(0, count + 1 - effectiveSoft))) doomed.add(it);
  }
  return [...doomed];
}

export function scheduleDeletion({ state }: CommandContext, name: string): PlanStep[] {
  findSchedule(state, name);
  const keeps = madeBy(state, name).map((it): PlanStep => ({
    action: "keep", object: `snapshot ${it.name}, which nothing prunes any more`,
  }));
  return [...keeps, { action: "remove", object: `schedule ${name}` }];
}

export function bookmarkDeletion({ state }: CommandContext, name: string): PlanStep[] {
  const bookmark = state.bookmarks.get(name)?.document;
  if (bookmark === undefined) {
    throw new CommandFailure("bad-argument", errno.EINVAL, `There is no bookmark ${name}`);
  }
  const digests = bookmark.bricks.map(({ host, sizeBytes }): PlanStep => {
    const most = Math.ceil(sizeBytes / DIGESTED_BYTES) * DIGEST_BYTES;
    return { host, action: "remove", object: `digests of a brick, ${sizeText(most)} at most` };
  });
  return [...digests, { action: "remove", object: `bookmark ${name}` }];
}

function lvOf({ thin, device }: BrickDocument): string {
  return thin === undefined ? device : `logical volume ${thin.vg}/${thin.lv}`;
}
