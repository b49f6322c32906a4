/**
 * Another number of copies: which counts go together, and where bricks stand in their sets.
 *
 *     replica 2 → 3, added N1 N2:   A1 B1 | A2 B2   becomes   A1 B1 N1 | A2 B2 N2
 *
 * Bricks keep their ids, by which replicas note what each has missed.
 */
import type { BrickLayout } from "../bricks/brick-sets.ts";
import type { Detail } from "../command.ts";
import { CommandFailure, errno, NO_ERRNO } from "../failure.ts";
import type { BrickDocument, OptionSetting, VolumeDocument } from "../state.ts";
import { text } from "../stock-text.ts";

export interface CopyCounts {
  readonly replica: number;
  readonly arbiter?: number;
}

/** The layout with more copies; undefined: the count stays, and whole sets are added. */
export function grownLayout(
  volume: VolumeDocument,
  { replica, arbiter = 0 }: CopyCounts,
  added: number,
): BrickLayout | undefined {
  const { kind, replicaCount, arbiterCount, bricks, name } = volume;
  if (kind === "disperse") throw refused(text.replicaOfDisperse(name));
  if (replica < 2) throw refused("replica count should be greater than 1");
  if (arbiter > 0 && (arbiter !== 1 || replica !== 3)) throw refused(text.arbiterCountsOfChange());
  if (replica < replicaCount) throw refused(text.replicaIncorrect(replica, replicaCount));
  const needed = (bricks.length / replicaCount) * (replica - replicaCount);
  if (replica === replicaCount) {
    if (arbiter > 0 && arbiterCount === 0) throw refused(text.arbiterOfReplica());
    if (added % replica === 0) return undefined;
    throw refused(text.changeFailed(), [countDetail(added, `a multiple of ${replica}`)]);
  }
  if (added !== needed && kind === "distribute") {
    throw refused(text.replicaBricksIncorrect(added, replica));
  }
  if (added !== needed) throw refused(text.changeFailed(), [countDetail(added, String(needed))]);
  if (mayHoldFiles(volume)) throw refusedLater(text.replicaStopped());
  if (arbiterCount > 0) throw refusedLater(text.arbiterGrows());
  return {
    kind: "replicate", replicaCount: replica, arbiterCount: arbiter,
    disperseCount: 0, redundancyCount: 0,
  };
}

/** Its bricks do not run, so that nobody could note what the new ones miss. */
function mayHoldFiles({ status, bricks }: VolumeDocument): boolean {
  return status === "Stopped" || (status === "Created" && bricks.some((it) => it.managed));
}

function countDetail(given: number, needed: string): Detail {
  return { detail: `${given} bricks were given; this number of copies needs ${needed}.` };
}

/** Each set with its part of the new bricks behind it, in their order. */
export function intoSets(
  volume: Pick<VolumeDocument, "bricks" | "replicaCount">,
  added: readonly BrickDocument[],
  replica: number,
): BrickDocument[] {
  const { bricks, replicaCount } = volume;
  const more = replica - replicaCount;
  return Array.from({ length: bricks.length / replicaCount }, (_, set) => [
    ...bricks.slice(set * replicaCount, (set + 1) * replicaCount),
    ...added.slice(set * more, (set + 1) * more),
  ]).flat();
}

/** The layout with fewer copies; undefined: the count stays, and whole sets go. */
export function shrunkLayout(
  volume: VolumeDocument,
  replica: number,
  removed: readonly BrickDocument[],
): BrickLayout | undefined {
  const { kind, replicaCount, arbiterCount, bricks, name } = volume;
  if (kind !== "replicate") throw refused(text.replicaOfOther(replica, name));
  if (replica > replicaCount) throw refused(text.replicaGivenMore(replica, name, replicaCount));
  if (replica < 1) {
    throw refused("replica count should be greater than 0 in case of remove-brick");
  }
  if (replica === replicaCount) {
    if (removed.length % replica === 0) return undefined;
    throw refused(text.replicaSame(removed.length, replica));
  }
  const fewer = replicaCount - replica;
  const sets = bricks.length / replicaCount;
  if (removed.length % (sets * fewer) !== 0) {
    throw refused(text.replicaNeeds(sets * fewer, replicaCount, replica));
  }
  for (let set = 0; set < sets; set++) {
    refuseUneven(bricks.slice(set * replicaCount, (set + 1) * replicaCount), removed, {
      fewer, replica, hasArbiter: arbiterCount > 0,
    });
  }
  return {
    kind: replica === 1 ? "distribute" : "replicate", replicaCount: replica, arbiterCount: 0,
    disperseCount: 0, redundancyCount: 0,
  };
}

/** Of each set the same number goes, its arbiter first. */
function refuseUneven(
  set: readonly BrickDocument[],
  removed: readonly BrickDocument[],
  { fewer, replica, hasArbiter }: {
    readonly fewer: number;
    readonly replica: number;
    readonly hasArbiter: boolean;
  },
): void {
  const going = set.filter((it) => removed.includes(it));
  if (going.length !== fewer) throw refused(text.replicaExactly(fewer));
  if (!hasArbiter || going.includes(set.at(-1)!)) return;
  throw refused(replica === 1 ? text.arbiterToo() : text.arbiterFirst());
}

/** Threads in the client are no good to replicas: switched with the kind, as stock does. */
export function optionsOfKind(
  volume: Pick<VolumeDocument, "kind" | "options">,
  kind: BrickLayout["kind"],
): readonly OptionSetting[] {
  const { options } = volume;
  if (volume.kind === kind) return options;
  const name = "performance.client-io-threads";
  const setting = { name, value: kind === "replicate" ? "off" : "on" };
  if (!options.some((it) => it.name === name)) return [setting, ...options];
  return options.map((it) => (it.name === name ? setting : it));
}

/** What stock sees at once has no number there. */
function refused(message: string, details: readonly Detail[] = []): CommandFailure {
  return new CommandFailure("brick-refused", NO_ERRNO, message, details);
}

function refusedLater(message: string): CommandFailure {
  return new CommandFailure("brick-refused", errno.EG_INTRNL, message);
}
