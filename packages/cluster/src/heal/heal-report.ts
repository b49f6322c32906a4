/** `volume heal info`, `statistics`: what has to be healed, and what was. */
import { brickName, volumeBrickRef } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { NodeEffect, NodeEffectResult, Outcome } from "../effect.ts";
import { CommandFailure, detailOf, errno } from "../failure.ts";
import type {
  HealBrick, HealCommands, HealCounts, HealEntry, HealReport, HealStatistics, HealView,
} from "./heal-command.ts";
import type { BrickHealIndex } from "./heal-effects.ts";
import { type HealState, judgeSet } from "./heal-judgement.ts";
import { brickSetsOf, healingNodes, refuseUnhealed, setsAt } from "./self-heal.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext, errorsOf, perform } from "../steps.ts";
import { text } from "../stock-text.ts";
import { findVolume } from "../volumes/volume-run.ts";

/** Objects of one brick that are told of; the others are counted, as those of which nothing is known. */
const ENTRIES_MAX = 2_000;
const ENOTCONN = 107;

const wordsOf: Readonly<Record<HealView, readonly string[]>> = {
  info: [],
  summary: ["info-summary"],
  "split-brain": ["split-brain-info"],
};

export function* volumeHealInfo(
  context: CommandContext,
  { volume: name, view = "info", tool }: HealCommands["volumeHealInfo"]["args"],
): Step<HealReport> {
  const volume = healedVolume(context, name, view === "split-brain");
  const ref = { name: volume.name, id: volume.id };
  if (tool !== undefined) {
    const words = [...wordsOf[view], ...(tool === "xml" ? ["--xml"] : [])];
    const node = context.state.self;
    const run = yield* perform({ kind: "runHealTool", node, volume: name, words });
    const { exitCode, output } = run;
    if (run.installed) return { ...ref, tool: { exitCode, output }, bricks: [] };
  }
  return { ...ref, bricks: yield* judgedBricks(context, volume, view) };
}

/** Throws stock's refusals of its program, with their errno. */
export function healedVolume(
  context: CommandContext,
  name: string,
  isReplicateOnly: boolean,
): VolumeDocument {
  const volume = context.state.volumes.get(name)?.document;
  if (volume === undefined) {
    throw new CommandFailure("volume-missing", errno.ENOENT, text.volumeMissing(name));
  }
  const isFit = isReplicateOnly ? volume.kind === "replicate" : volume.kind !== "distribute";
  if (!isFit) {
    const kind = isReplicateOnly ? "replicate" : "replicate/disperse";
    throw new CommandFailure("unsupported", errno.EINVAL, text.healOnlyVolumes(name, kind));
  }
  if (volume.status === "Started") return volume;
  throw new CommandFailure("volume-not-started", ENOTCONN, text.healNoBricks(name));
}

/** What is not in the state of `view` is counted, and not listed. */
export function* judgedBricks(
  context: CommandContext,
  volume: VolumeDocument,
  view: HealView,
): Step<HealBrick[]> {
  const outcomes = yield* indicesOf(volume, volume.bricks, ENTRIES_MAX);
  context.details.push(...errorsOf(outcomes).map(detailOf));
  const indices = outcomes.map(indexIn);
  const bricks: HealBrick[] = [];
  for (const set of brickSetsOf(volume)) {
    const start = bricks.length;
    const own = indices.slice(start, start + set.length);
    const kind = volume.kind === "disperse" ? "disperse" : "replicate";
    const states = judgeSet({ kind, ids: set.map((it) => it.id), indices: own });
    bricks.push(...set.map((brick, place) => healBrick(brick, own[place], states, view)));
  }
  const unlisted = indices.reduce((sum, it) => sum + (it?.unlisted ?? 0), 0);
  if (unlisted > 0) {
    context.warnings.push(
      `Bricks have ${unlisted} more objects than were looked at: they are counted as pending.`,
    );
  }
  return bricks;
}

function healBrick(
  { host, path, node }: BrickDocument,
  index: BrickHealIndex | undefined,
  states: ReadonlyMap<string, HealState>,
  view: HealView,
): HealBrick {
  const online = index?.online === true;
  const entries = !online ? [] : index.entries.flatMap((entry): HealEntry[] => {
    const state = states.get(entry.gfid);
    if (state === undefined) return [];
    return [{ gfid: entry.gfid, ...(entry.path === undefined ? {} : { path: entry.path }), state }];
  });
  const count = (state: HealState) => entries.filter((it) => it.state === state).length;
  const shown = view === "summary" ? [] : entries;
  return {
    host, path, hostUuid: node, online,
    pending: count("pending") + (online ? index.unlisted : 0),
    splitBrain: count("split-brain"),
    healing: count("healing"),
    entries: view === "split-brain" ? shown.filter((it) => it.state === "split-brain") : shown,
  };
}

function* indicesOf(
  volume: VolumeDocument,
  bricks: readonly BrickDocument[],
  entriesMax: number,
): Step<readonly Outcome[]> {
  return yield* attemptAll(bricks.map((brick): NodeEffect<"healIndex"> => ({
    kind: "healIndex", node: brick.node, brick: volumeBrickRef(volume, brick), entriesMax,
  })));
}

function indexIn(outcome: Outcome): BrickHealIndex | undefined {
  return outcome.ok ? (outcome.value as BrickHealIndex) : undefined;
}

export function* volumeHealCount(
  context: CommandContext,
  { volume: name, brick }: HealCommands["volumeHealCount"]["args"],
): Step<HealCounts> {
  const volume = findVolume(context, name);
  refuseUncounted(volume);
  const asked = brickSetsOf(volume)
    .filter((set) => brick === undefined || set.some((it) => brickName(it) === brick))
    .flat();
  const outcomes = yield* indicesOf(volume, asked, 0);
  context.details.push(...errorsOf(outcomes).map(detailOf));
  return {
    name: volume.name,
    id: volume.id,
    bricks: volume.bricks.map((it) => {
      const outcome = outcomes[asked.indexOf(it)];
      const index = outcome === undefined ? undefined : indexIn(outcome);
      const count = index?.online === true ? { count: index.count } : {};
      return { host: it.host, path: it.path, ...count };
    }),
  };
}

export function* volumeHealStatistics(
  context: CommandContext,
  { volume: name }: HealCommands["volumeHealStatistics"]["args"],
): Step<HealStatistics> {
  const volume = findVolume(context, name);
  refuseUncounted(volume);
  const nodes = healingNodes(volume);
  const outcomes = yield* attemptAll(nodes.map((node): NodeEffect<"healStatistics"> => ({
    kind: "healStatistics", node, volume: name, sets: setsAt(volume, node),
  })));
  const errors = errorsOf(outcomes).map(detailOf);
  if (errors.length === nodes.length) {
    throw new CommandFailure("effect-failed", errno.EG_INTRNL, text.healRefused(), errors);
  }
  context.details.push(...errors);
  const told = outcomes.map((it) =>
    it.ok ? (it.value as NodeEffectResult<"healStatistics">) : []);
  const size = volume.replicaCount;
  return {
    name: volume.name,
    id: volume.id,
    bricks: volume.bricks.map(({ host, path, node }, index) => {
      // Nodes on one machine take each other's bricks for their own.
      const own = told[nodes.indexOf(node)]
        ?.find(({ set, place }) => set * size + place === index);
      return { host, path, ...(own === undefined ? {} : { crawls: [...own.crawls] }) };
    }),
  };
}

function refuseUncounted(volume: VolumeDocument): void {
  refuseUnhealed(volume);
  if (volume.kind === "replicate") return;
  const message = text.healOnlyReplicated(volume.name);
  throw new CommandFailure("unsupported", errno.EG_INTRNL, message);
}
