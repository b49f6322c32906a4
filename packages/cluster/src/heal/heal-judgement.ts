/**
 * What the indices of a set's bricks say of each object, taken together.
 *
 * A brick of a replica set counts what each sibling has missed. A brick that nobody blames is a
 * source; where each is blamed by another, in one of the three kinds, nobody is: a split-brain. An
 * object that is only dirty is being changed or healed, or its client died in between: which of
 * these only somebody who takes its locks could tell.
 *
 * A brick of a disperse set notes what is being changed, and keeps the note when a sibling was not
 * there. Noted by all of a set, with the same version: somebody is at work on it.
 */
import type { BrickHealIndex, HealIndexEntry } from "./heal-effects.ts";

export type HealState = "pending" | "split-brain" | "healing";

export interface JudgedSet {
  readonly kind: "replicate" | "disperse";
  /** Brick ids, in order. */
  readonly ids: readonly string[];
  /** By place; undefined: the brick's node does not answer. */
  readonly indices: readonly (BrickHealIndex | undefined)[];
}

/** By gfid; what is in an index without any need to be healed is left out. */
export function judgeSet(set: JudgedSet): Map<string, HealState> {
  const found = new Map<string, (HealIndexEntry | undefined)[]>();
  for (const [place, index] of set.indices.entries()) {
    if (index?.online !== true) continue;
    for (const entry of index.entries) {
      const row = found.get(entry.gfid) ?? set.ids.map(() => undefined);
      row[place] = entry;
      found.set(entry.gfid, row);
    }
  }
  const states = new Map<string, HealState>();
  const isThere = set.ids.map((_, place) => set.indices[place]?.online === true);
  for (const [gfid, row] of found) {
    const state =
      set.kind === "replicate" ? ofReplicas(set.ids, row, isThere) : ofFragments(row);
    if (state !== undefined) states.set(gfid, state);
  }
  return states;
}

type Row = readonly (HealIndexEntry | undefined)[];

function ofReplicas(
  ids: readonly string[],
  row: Row,
  isThere: readonly boolean[],
): HealState | undefined {
  let isPending = false;
  for (const kind of [0, 1, 2] as const) {
    const blamed = ids.map((id, place) =>
      row.some((entry, by) => by !== place && (entry?.missed[id]?.[kind] ?? 0) > 0));
    // One that is away cannot be a source now.
    if (blamed.every((it, place) => it || !isThere[place])) return "split-brain";
    isPending ||= blamed.some(Boolean);
  }
  if (isPending) return "pending";
  return row.some((entry) => entry?.dirty) ? "healing" : undefined;
}

function ofFragments(row: Row): HealState | undefined {
  if (!row.some((entry) => entry?.dirty)) return undefined;
  const [first] = row;
  const isAlike = row.every((entry) =>
    entry !== undefined && entry.dirty && entry.version === first?.version);
  return isAlike ? "healing" : "pending";
}
