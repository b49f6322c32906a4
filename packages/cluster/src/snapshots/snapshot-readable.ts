/**
 * A snapshot brought up to be looked into while nodes are away: those that do not answer are left out, as long as all of
 * it can be read from the others. They bring up theirs when they are back, as the state says that it is activated.
 */
import { setSizeOf } from "../bricks/brick-sets.ts";
import type { Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { detailOf, stepsFailed } from "../failure.ts";
import type { SnapshotDocument, SnapVolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext, errorsOf } from "../steps.ts";

/** Group after group; throws at the first failure that is another one, or that leaves too little. */
export function* performReadable(
  context: CommandContext, snapshot: SnapshotDocument, groups: readonly (readonly NodeEffect[])[],
): Step<void> {
  const away = new Set<string>();
  for (const group of groups) {
    const wanted = group.filter(({ node }) => !away.has(node));
    const outcomes = yield* attemptAll(wanted);
    const errors = errorsOf(outcomes);
    if (errors.length === 0) continue;
    for (const [index, { node }] of wanted.entries()) if (outcomes[index]?.ok === false) away.add(node);
    const isReadable = errors.every(({ code }) => code === "unreachable") &&
      snapshot.volumes.every((it) => canBeRead(it, away));
    if (!isReadable) throw stepsFailed(errors);
    context.details.push(...errors.map(detailOf));
  }
}

/** By clients with their default quorum: more than half of each set, or half of it with its first brick. */
export function canBeRead({ volume, bricks }: SnapVolumeDocument, away: ReadonlySet<string>): boolean {
  const size = setSizeOf(volume);
  const needed = volume.kind === "disperse" ? size - volume.redundancyCount : size / 2;
  for (let first = 0; first < bricks.length; first += size) {
    const set = bricks.slice(first, first + size);
    const here = set.filter(({ node }) => !away.has(node));
    const isHalf = volume.kind === "replicate" && here.length === needed && here[0] !== set[0];
    if (here.length < needed || isHalf) return false;
  }
  return true;
}
