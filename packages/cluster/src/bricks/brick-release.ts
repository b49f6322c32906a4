/**
 * Bricks that a volume lets go keep what is on them. Where Mortar made the LV for the volume (of a
 * clone, of a restored volume), it would belong to nobody then: it is kept as a safety snapshot, of
 * these bricks alone.
 */
import { brickName } from "./brick.ts";
import type { Step } from "../command.ts";
import { changeOf } from "../key-space.ts";
import { keepAsSafety } from "../snapshots/safety.ts";
import type { BrickDocument, Change, VolumeDocument } from "../state.ts";
import type { CommandContext } from "../steps.ts";

/** What is to be committed with the volume that has them no more; says where they are. */
export function* keepReleased(
  context: CommandContext,
  volume: VolumeDocument,
  released: readonly BrickDocument[],
): Step<Change[]> {
  tellOfMade(context, released);
  const managed = released.filter((it) => it.managed && it.thin !== undefined);
  if (managed.length === 0) return [];
  const safety = yield* keepAsSafety(context, volume, { bricks: managed, expires: true });
  const names = managed.map(({ thin }) => `${thin!.vg}/${thin!.lv}`).join(", ");
  context.warnings.push(
    `${names} (former bricks of ${volume.name}) are kept for a week as the safety snapshot ` +
      `${safety.name}. It is not of the whole volume, and cannot be restored.`,
  );
  return [changeOf.snapshot(context.state, safety)];
}

/** Bricks that `brick create` or `volume create --size` made stay in its list. */
function tellOfMade(context: CommandContext, released: readonly BrickDocument[]): void {
  for (const brick of released) {
    const made = context.state.nodes.get(brick.node)?.document.madeBricks ?? [];
    const found = made.find((it) => it.path === brick.path);
    if (found === undefined) continue;
    context.details.push({
      node: brick.host,
      object: brickName(brick),
      detail: `${found.vg}/${found.lv} was made for this brick, and is used by no volume now.`,
      nextStep: `mortar brick delete ${brickName({ host: found.host, path: found.path })}`,
    });
  }
}
