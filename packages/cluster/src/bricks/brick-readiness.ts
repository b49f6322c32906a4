/** Why each brick could not be part of a snapshot now, and what to type: a question to all nodes. */
import { brickName, volumeBrickRef } from "./brick.ts";
import type { CommandArgs, Step } from "../command.ts";
import type { BrickFacts, BrickProcessStatus } from "./brick-effects.ts";
import type { PoolFacts } from "./storage-effects.ts";
import type { NodeEffect, Outcome } from "../effect.ts";
import { claimsOn } from "./lv-claim.ts";
import { notThin, unfit, WARN_PERCENT } from "../snapshots/snapshot-check.ts";
import type { BrickDocument, ClusterState, VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext } from "../steps.ts";
import type { BrickObstacle, BrickReadiness } from "./storage-command.ts";
import { findVolume } from "../volumes/volume-run.ts";

interface Asked {
  readonly volume: VolumeDocument;
  readonly brick: BrickDocument;
  readonly facts: BrickFacts | undefined;
  readonly report: BrickReadiness;
}

export function* brickReadiness(
  context: CommandContext,
  args: CommandArgs<"brickReadiness">,
): Step<BrickReadiness[]> {
  const volumes =
    args.volume === undefined
      ? [...context.state.volumes.values()].map((it) => it.document)
      : [findVolume(context, args.volume)];
  const bricks = volumes.flatMap((volume) => volume.bricks.map((brick) => ({ volume, brick })));
  const found = yield* attemptAll(
    bricks.map(({ brick: { node, path } }) => ({ kind: "inspectBrick", node, path })),
  );
  const running = yield* attemptAll(
    bricks.map(({ volume, brick }) => ({
      kind: "brickStatus", node: brick.node, brick: volumeBrickRef(volume, brick), detail: false,
    })),
  );
  const asked = bricks.map(({ volume, brick }, index): Asked => {
    const report: BrickReadiness = {
      volume: volume.name, brick: brickName(brick), node: brick.host, obstacles: [], notes: [],
    };
    const facts = valueOf(found[index], report) as BrickFacts | undefined;
    if (facts !== undefined) tellOfPlace(context.state, { volume, brick, facts, report });
    const status = facts && valueOf(running[index], report);
    if ((status as BrickProcessStatus | undefined)?.running === false) report.obstacles.push(notRunning(volume, brick));
    return { volume, brick, facts, report };
  });
  yield* tellOfPools(asked);
  return asked.map((it) => it.report);
}

/** An effect that failed is an obstacle itself. */
function valueOf(outcome: Outcome | undefined, report: BrickReadiness): unknown {
  if (outcome === undefined) return undefined;
  if (outcome.ok) return outcome.value;
  const { message, node, nextStep } = outcome.error;
  report.obstacles.push({
    detail: `${node} does not say how it is: ${message}`,
    nextStep: nextStep ?? `mortar up, on ${node}`,
  });
  return undefined;
}

function tellOfPlace(state: ClusterState, { volume, brick, facts, report }: Required<Asked>): void {
  if (facts === undefined) return;
  const reason = notThin(volume, facts);
  if (reason !== undefined) {
    const nextStep = facts.isDirectory && facts.volumeId === volume.id
      ? `mortar brick create ${brick.host}:/bricks/NAME/brick --size SIZE, then ` +
        `mortar volume replace-brick ${volume.name} ${brickName(brick)} NEW-BRICK commit force`
      : `mount its file system at ${brick.mountPoint}: mortar up, on ${brick.host}`;
    report.obstacles.push({ detail: `not on a thin logical volume: ${reason}`, nextStep });
  }
  if (!facts.lv.thin) return;
  const place = { node: brick.node, vg: facts.lv.vg, lv: facts.lv.lv };
  const sharers = claimsOn(state, place)
    .filter((it) => it.owner !== `volume ${volume.name}` || it.brick !== brickName(brick))
    .map((it) => `${it.brick ?? "its removal"} of ${it.owner}`);
  if (sharers.length > 0) {
    report.obstacles.push({
      detail: `it shares ${place.vg}/${place.lv} with ${sharers.join(", ")}`,
      nextStep: "give every brick a logical volume of its own: mortar brick create",
    });
  }
  if (facts.foreignEntries.length > 0) {
    const names = facts.foreignEntries.join(", ");
    report.notes.push(`${brick.mountPoint} holds more than the brick: ${names}`);
  }
}

function notRunning(volume: VolumeDocument, brick: BrickDocument): BrickObstacle {
  if (volume.status !== "Started") {
    return { detail: "the volume is not started", nextStep: `mortar volume start ${volume.name}` };
  }
  return {
    detail: `the process of ${brickName(brick)} is not running`,
    nextStep: `mortar volume start ${volume.name} force`,
  };
}

/** Each pool is asked once. */
function* tellOfPools(asked: readonly Asked[]): Step<void> {
  const pools = new Map<string, { effect: NodeEffect<"poolStatus">; reports: BrickReadiness[] }>();
  for (const { brick, facts, report } of asked) {
    if (facts?.lv.thin !== true) continue;
    const { vg, pool } = facts.lv;
    const key = `${brick.node} ${vg}/${pool}`;
    const entry = pools.get(key) ?? {
      effect: { kind: "poolStatus", node: brick.node, vg, pool }, reports: [],
    };
    entry.reports.push(report);
    pools.set(key, entry);
  }
  const entries = [...pools.values()];
  const outcomes = yield* attemptAll(entries.map((it) => it.effect));
  entries.forEach(({ effect: { vg, pool }, reports }, index) => {
    for (const report of reports) {
      const facts = valueOf(outcomes[index], report) as PoolFacts | undefined;
      if (facts !== undefined) tellOfPool(`${vg}/${pool}`, vg, facts, report);
    }
  });
}

const remedies: Readonly<Record<PoolFacts["state"], (name: string, vg: string) => string>> = {
  ok: (name) => `lvextend --poolmetadatasize +128M ${name}`,
  inactive: (_, vg) => `vgchange -ay ${vg}`,
  "out-of-data": (name) => `lvextend -L +SIZE ${name}, or delete snapshots`,
  "read-only": (name, vg) =>
    `vgchange -an ${vg}; mortar pool repair ${name}; vgchange -ay ${vg}`,
  "needs-check": (name, vg) =>
    `vgchange -an ${vg}; mortar pool repair ${name}; vgchange -ay ${vg}`,
  failed: (name, vg) => `look at its disks; then vgchange -an ${vg}; mortar pool repair ${name}`,
};

function tellOfPool(name: string, vg: string, facts: PoolFacts, report: BrickReadiness): void {
  const reason = unfit(facts);
  if (reason !== undefined) {
    const nextStep = remedies[facts.state](name, vg);
    report.obstacles.push({ detail: `the thin pool ${name} takes no snapshot: ${reason}`, nextStep });
  }
  const { dataPercent, metadataPercent } = facts;
  if (Math.max(dataPercent, metadataPercent) >= WARN_PERCENT) {
    report.notes.push(
      `the thin pool ${name} is filling up: data ${dataPercent.toFixed(2)} %, metadata ` +
        `${metadataPercent.toFixed(2)} %; extend it with lvextend`,
    );
  }
}
