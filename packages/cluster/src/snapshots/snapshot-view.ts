/**
 * `.snaps`: the snapshot daemons of the nodes open snapshots when somebody looks into them. One that
 * is not activated is activated for that, and deactivated when no daemon has it open any more. Who
 * activates or deactivates it by name takes it over from the daemons.
 */
import { parseBoolean } from "@mortar/gluster";
import type { Step } from "../command.ts";
import { CommandFailure, errno } from "../failure.ts";
import { changeOf } from "../key-space.ts";
import { activateSnapshot, deactivateSnapshot } from "./snapshot-activation.ts";
import type { SnapshotChanged } from "./snapshot-command.ts";
import { isActivated, openSnapshot, refuseSafety } from "./snapshot-find.ts";
import { performReadable } from "./snapshot-readable.ts";
import type { SnapshotDocument, VolumeDocument } from "../state.ts";
import { commit, type CommandContext } from "../steps.ts";

/** Between a node and what of it looks. */
const OF_NODE = "#";

/** Whether every node runs a snapshot daemon for it. */
export function hasSnapshotView({ status, options }: VolumeDocument): boolean {
  const set = options.find(({ name }) => name === "features.uss");
  return status === "Started" && set !== undefined && parseBoolean(set.value) === true;
}

/**
 * `open`: the daemon of this node has it open from now on; else it has not. The node's reader of
 * files is a viewer of its own.
 */
export function* snapshotView(
  context: CommandContext,
  args: { readonly snapshot: string; readonly open: boolean; readonly reader?: "files" },
): Step<SnapshotChanged> {
  const snapshot = yield* openSnapshot(context, args.snapshot);
  refuseSafety(snapshot);
  const { self } = context.state;
  const viewer = args.reader === undefined ? self : `${self}${OF_NODE}${args.reader}`;
  if (args.open) yield* open(context, snapshot, viewer);
  else yield* close(context, snapshot, viewer);
  return { name: snapshot.name, uuid: snapshot.id };
}

function* open(
  context: CommandContext, snapshot: SnapshotDocument, viewer: string,
): Step<void> {
  const { nodes } = context.state;
  if (isActivated(snapshot)) {
    const { viewers } = snapshot;
    if (viewers === undefined || viewers.includes(viewer)) return;
    yield* commit(context, [
      changeOf.snapshot(context.state, { ...snapshot, viewers: [...viewers, viewer] }),
    ]);
    return;
  }
  const missing = snapshot.volumes.flatMap((it) => it.bricks).find((it) => !nodes.has(it.node));
  if (missing !== undefined) {
    const message = `The node ${missing.host} of the snapshot ${snapshot.name} is not in the pool.`;
    throw new CommandFailure("host-unknown", errno.EINVAL, message);
  }
  yield* activateSnapshot(context, { ...snapshot, viewers: [viewer] }, (groups) =>
    performReadable(context, snapshot, groups));
}

function* close(
  context: CommandContext, snapshot: SnapshotDocument, viewer: string,
): Step<void> {
  const { nodes } = context.state;
  const { viewers } = snapshot;
  if (viewers === undefined || !isActivated(snapshot)) return;
  // A node that left the pool looks at nothing any more.
  const others = viewers.filter((it) => it !== viewer && nodes.has(it.split(OF_NODE)[0]!));
  if (others.length === 0) {
    yield* deactivateSnapshot(context, snapshot);
  } else if (others.length !== viewers.length) {
    yield* commit(context, [changeOf.snapshot(context.state, { ...snapshot, viewers: others })]);
  }
}
