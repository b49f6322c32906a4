/**
 * What must hold before a snapshot: every brick runs, is the brick it should be, and is on a thin
 * LV that no other brick is on; the pools are fit. All of it is found out before anything changes.
 */
import { brickName, volumeBrickRef } from "../bricks/brick.ts";
import type { Detail, Step } from "../command.ts";
import type { BrickFacts } from "../bricks/brick-effects.ts";
import type { PoolFacts } from "../bricks/storage-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno } from "../failure.ts";
import { claimsOn } from "../bricks/lv-claim.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { type CommandContext, performAll } from "../steps.ts";
import { text } from "../stock-text.ts";

/** A pool beyond these is not made worse; metadata is what a snapshot itself needs. */
const METADATA_PERCENT_MAX = 95;
export const WARN_PERCENT = 80;

/** The volume's bricks as they are now, each with its LV. */
export function* checkBricks(
  context: CommandContext,
  volume: VolumeDocument,
): Step<BrickDocument[]> {
  const facts = yield* performAll(
    volume.bricks.map(
      ({ node, path }): NodeEffect<"inspectBrick"> => ({ kind: "inspectBrick", node, path }),
    ),
  );
  const bricks = thinBricks(volume, facts);
  refuseSharing(context, volume, bricks);
  yield* refuseStopped(volume);
  yield* refuseUnfitPools(context, volume, bricks);
  warnOfForeignData(context, bricks, facts);
  return bricks;
}

function thinBricks(volume: VolumeDocument, facts: readonly BrickFacts[]): BrickDocument[] {
  const details: Detail[] = [];
  const bricks = volume.bricks.map((brick, index) => {
    const fact = facts[index]!;
    const reason = notThin(volume, fact);
    if (reason !== undefined) details.push(notThinDetail(brick, fact, reason));
    return withFacts(brick, fact);
  });
  if (details.length === 0) return bricks;
  throw new CommandFailure("not-thin", errno.EG_NOTTHINP, text.snapNotThin(volume.name), details);
}

/** Why the brick is no directory of a thin LV of its own volume; undefined when it is. */
export function notThin(volume: VolumeDocument, facts: BrickFacts): string | undefined {
  if (!facts.isDirectory) return "the brick directory does not exist (is it mounted?)";
  if (facts.volumeId !== volume.id) return "the brick directory is not this volume's";
  return facts.lv.thin ? undefined : facts.lv.reason;
}

function notThinDetail(brick: BrickDocument, facts: BrickFacts, reason: string): Detail {
  return {
    node: brick.host,
    object: brickName(brick),
    detail: `${brickName(brick)} is on ${facts.device}, mounted at ${facts.mountPoint}: ${reason}`,
    nextStep:
      "A brick must be a directory of a file system on a thin logical volume of its own: " +
      "lvcreate -V SIZE -T VG/POOL -n LV, mkfs.xfs, mount, then use a directory in it.",
  };
}

/** A brick with what was found out about it just now. */
export function withFacts(brick: BrickDocument, facts: BrickFacts): BrickDocument {
  const { thin: _former, ...rest } = brick;
  const { mountPoint, device, fsType, mountOptions, lv } = facts;
  const now = { ...rest, mountPoint, device, fsType, mountOptions };
  return lv.thin ? { ...now, thin: { vg: lv.vg, lv: lv.lv, pool: lv.pool } } : now;
}

function refuseSharing(
  context: CommandContext,
  volume: VolumeDocument,
  bricks: readonly BrickDocument[],
): void {
  const details: Detail[] = [];
  for (const brick of bricks) {
    const thin = brick.thin!;
    const place = { node: brick.node, vg: thin.vg, lv: thin.lv };
    const own = bricks
      .filter((it) => it !== brick && it.node === brick.node)
      .filter((it) => it.thin!.vg === thin.vg && it.thin!.lv === thin.lv)
      .map((it) => `${brickName(it)} of the same volume`);
    const others = claimsOn(context.state, place)
      .filter((it) => it.owner !== `volume ${volume.name}`)
      .map((it) => `${it.brick ?? "its removal"} of ${it.owner}`);
    const sharers = [...own, ...others];
    if (sharers.length === 0) continue;
    details.push({
      node: brick.host,
      object: brickName(brick),
      detail: `${brickName(brick)} is on ${thin.vg}/${thin.lv}, as is ${sharers.join(", ")}.`,
      nextStep: "Give every brick a thin logical volume of its own.",
    });
  }
  if (details.length === 0) return;
  throw new CommandFailure("not-thin", errno.EG_NOTTHINP, text.snapSharedLv(volume.name), details);
}

function* refuseStopped(volume: VolumeDocument): Step<void> {
  const states = yield* performAll(
    volume.bricks.map(
      (brick): NodeEffect<"brickStatus"> => ({
        kind: "brickStatus",
        node: brick.node,
        brick: volumeBrickRef(volume, brick),
        detail: false,
      }),
    ),
  );
  const down = volume.bricks.filter((_, index) => states[index]?.running !== true);
  if (down.length === 0) return;
  throw new CommandFailure(
    "bricks-down",
    errno.EG_BRCKDWN,
    text.snapBricksDown(),
    down.map((brick) => ({
      node: brick.host,
      object: brickName(brick),
      detail: `The process of the brick ${brickName(brick)} is not running.`,
      nextStep: `volume start ${volume.name} force`,
    })),
  );
}

function* refuseUnfitPools(
  context: CommandContext,
  volume: VolumeDocument,
  bricks: readonly BrickDocument[],
): Step<void> {
  const pools = new Map<string, NodeEffect<"poolStatus">>();
  for (const { node, thin } of bricks) {
    const { vg, pool } = thin!;
    pools.set(`${node} ${vg}/${pool}`, { kind: "poolStatus", node, vg, pool });
  }
  const asked = [...pools.values()];
  const facts = yield* performAll(asked);
  const details: Detail[] = [];
  asked.forEach((effect, index) => {
    const name = `${effect.vg}/${effect.pool}`;
    const refusal = unfit(facts[index]!);
    if (refusal !== undefined) details.push(poolDetail(context, effect, name, refusal));
    const { dataPercent, metadataPercent } = facts[index]!;
    if (Math.max(dataPercent, metadataPercent) >= WARN_PERCENT) {
      context.warnings.push(
        `The thin pool ${name} is filling up: data ${dataPercent.toFixed(2)} %, ` +
          `metadata ${metadataPercent.toFixed(2)} %. Extend it (lvextend) or delete snapshots.`,
      );
    }
  });
  if (details.length === 0) return;
  const message = text.snapPoolUnfit(volume.name);
  throw new CommandFailure("pool-unfit", errno.EG_INTRNL, message, details);
}

/** Why a pool takes no snapshot; undefined when it does. */
export function unfit(facts: PoolFacts): string | undefined {
  if (facts.state !== "ok") return `its state is ${facts.state}`;
  if (facts.metadataPercent < METADATA_PERCENT_MAX) return undefined;
  return `its metadata is ${facts.metadataPercent.toFixed(2)} % full`;
}

function poolDetail(
  context: CommandContext,
  effect: NodeEffect<"poolStatus">,
  name: string,
  refusal: string,
): Detail {
  return {
    node: context.state.nodes.get(effect.node)?.document.hostname ?? effect.node,
    object: name,
    detail: `The thin pool ${name} takes no snapshot: ${refusal}.`,
    nextStep: `Look at it with "lvs -a ${effect.vg}"; extend it with "lvextend".`,
  };
}

function warnOfForeignData(
  context: CommandContext,
  bricks: readonly BrickDocument[],
  facts: readonly BrickFacts[],
): void {
  bricks.forEach((brick, index) => {
    const names = facts[index]!.foreignEntries;
    if (names.length === 0) return;
    context.warnings.push(
      `${brick.mountPoint} on ${brick.host} holds more than the brick ${brickName(brick)}: ` +
        `${names.join(", ")}. It is part of the snapshot, and a restore replaces it too.`,
    );
  });
}
