/**
 * The end of a receive: one transaction makes the volume, or gives it other bricks, and the snapshot.
 *
 *     LVs that were written ─ thin snapshots ─→ bricks of the snapshot, not mounted
 *       (kept, never mounted)                └→ bricks of the volume, mounted
 *
 * What the volume and the receiver had before is removed afterwards.
 */
import { GlusterError, requireOption, validateOption } from "@mortar/gluster";
import {
  bricksOnNewLvs, mountGroups, removeLvEffects, setVolumeIdEffects, unmountEffects,
} from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import { CommandFailure, errno } from "../failure.ts";
import { begin, draftIntent, groupsOf, pendingDetail, settle, settleHolding, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { performGroups } from "../snapshots/snapshot-activation.ts";
import { lvEffects } from "../snapshots/snapshot-create.ts";
import { optionsFromSnapshot } from "../snapshots/snapshot-restore.ts";
import { endOfStream, incomingOf, isLater, refuseUsed } from "./snapshot-receive.ts";
import {
  type BrickDocument, type OptionSetting, SCHEMA, type SnapshotDocument, type VolumeDocument,
} from "../state.ts";
import { commit, type CommandContext, event, newUuids } from "../steps.ts";
import { text } from "../stock-text.ts";
import type { ReceiveDone, TransferCommands } from "./transfer-command.ts";
import type { IncomingSnapshot, ReceiveDocument, SentVolume } from "./transfer-document.ts";
import { volumeNameTaken } from "../volumes/volume-create.ts";
import { withoutTask } from "../volumes/volume-task.ts";

export function* receiveFinish(
  context: CommandContext, args: TransferCommands["receiveFinish"]["args"],
): Step<ReceiveDone> {
  const keys = [keyOf.volume(args.volume), keyOf.receive(args.volume)];
  yield* settleHolding(context, args.volume, keys);
  const { document, incoming } = incomingOf(context, args);
  if (isLater(endOfStream(incoming.header), incoming.place)) {
    const sentence = `Snapshot "${incoming.name}" has not come to its end`;
    throw new CommandFailure("bad-argument", errno.EINVAL, sentence);
  }
  const present = context.state.volumes.get(args.volume)?.document;
  refuseStranger(context, document, incoming, present);
  const made = yield* documentsOf(context, document, incoming, present);
  yield* make(context, { document, incoming, present, ...made });
  const { volume, snapshot } = made;
  yield* event("SNAPSHOT_RECEIVED", { snapshot: snapshot.name, volume: volume.name });
  return { volume: volume.name, volumeId: volume.id, snapshot: snapshot.name, uuid: snapshot.id };
}

/** As it was when the receive began. */
function refuseStranger(
  { state }: CommandContext,
  { volume, volumeId }: ReceiveDocument,
  { name, header }: IncomingSnapshot,
  present: VolumeDocument | undefined,
): void {
  if (state.snapshots.has(name)) {
    throw new CommandFailure("snapshot-exists", errno.EG_SNAPEXST, text.snapExists(name));
  }
  const isExpected = header.base === undefined
    ? !volumeNameTaken(state, volume)
    : present !== undefined && present.id === volumeId;
  if (!isExpected) {
    const sentence = `Volume ${volume} is another one than when its snapshot began to be received`;
    throw new CommandFailure("volume-exists", errno.EG_VOLEXST, sentence);
  }
  // Whoever wanted its changes lost has said so at the beginning.
  if (present !== undefined) refuseUsed(present, true);
}

interface Made {
  readonly volume: VolumeDocument;
  readonly snapshot: SnapshotDocument;
}

function* documentsOf(
  context: CommandContext,
  { volume: name }: ReceiveDocument,
  incoming: IncomingSnapshot,
  present: VolumeDocument | undefined,
): Step<Made> {
  const { header, bricks } = incoming;
  const uuids = yield* newUuids(6);
  const [id = "", snapVolumeId = "", newId = "", lvId = "", username = "", password = ""] = uuids;
  const { id: _id, name: _name, options, ...layout } = header.volume;
  const idOf = (index: number): string => `${name}-client-${index}`;
  const lvName = lvId.replaceAll("-", "");
  const volume: VolumeDocument = {
    ...(present === undefined
      ? { schema: SCHEMA, name, id: newId, transport: "tcp", username, password, generation: 0 }
      : withoutTask(present)),
    ...layout,
    status: "Created",
    bricks: bricksOnNewLvs(context.state, lvName, bricks, idOf),
    options: optionsFromSnapshot(receivedOptions(context, options)),
    generation: (present?.generation ?? 0) + 1,
  };
  const snapName = snapVolumeId.replaceAll("-", "");
  const snapshot: SnapshotDocument = {
    schema: SCHEMA,
    name: incoming.name,
    id,
    ...(header.description === undefined ? {} : { description: header.description }),
    createdAtMs: header.createdAtMs,
    kind: "user",
    consistency: "crash",
    received: header.snapshot,
    volumes: [{
      name: snapName,
      volumeId: snapVolumeId,
      origin: name,
      originId: volume.id,
      status: "Stopped",
      bricks: bricksOnNewLvs(context.state, snapName, bricks, idOf),
      volume,
    }],
  };
  return { volume, snapshot };
}

/** What this version does not know, or would refuse, is left out, and said. */
function receivedOptions(
  context: CommandContext, options: SentVolume["options"],
): OptionSetting[] {
  return options.filter(({ name, value }) => {
    try {
      const found = requireOption(name);
      if (found.kind === "known") validateOption(found.option, value);
      return true;
    } catch (error) {
      if (!(error instanceof GlusterError)) throw error;
      context.warnings.push(`The option ${name} of the volume is left out: ${error.message}`);
      return false;
    }
  });
}

interface Making extends Made {
  readonly document: ReceiveDocument;
  readonly incoming: IncomingSnapshot;
  readonly present: VolumeDocument | undefined;
}

function* make(context: CommandContext, it: Making): Step<void> {
  const { document, incoming, present, volume, snapshot } = it;
  const kept = snapshot.volumes.flatMap(({ bricks }) => bricks);
  const intent = yield* begin(context, {
    command: "snapshot receive",
    holds: [keyOf.volume(volume.name), keyOf.receive(volume.name), keyOf.snapshot(snapshot.name)],
    direction: "undo",
    groups: groupsOf(
      unmountEffects(volume.bricks), removeLvEffects([...volume.bricks, ...kept]),
    ),
    afterwards: [],
  });
  const { activate, mount } = mountGroups(volume.bricks);
  try {
    yield* performGroups(groupsOf(
      lvEffects(incoming.bricks, kept), lvEffects(incoming.bricks, volume.bricks),
      activate, mount, setVolumeIdEffects(volume.bricks, volume.id),
    ));
  } catch (error) {
    yield* undo(context, intent);
    throw error;
  }
  const { incoming: _done, ...rest } = document;
  const { header: { snapshot: point, bricks: sent }, bricks } = incoming;
  const held = { point, sent, bricks };
  const former = [...(present?.bricks ?? []), ...(document.held?.bricks ?? [])];
  const after = yield* formerIntent(volume, former);
  yield* commit(context, [
    changeOf.volume(context.state, volume),
    changeOf.snapshot(context.state, snapshot),
    changeOf.receive(context.state, { ...rest, volumeId: volume.id, held }),
    changeOf.intentGone(context.state, intent.id),
    ...(former.length === 0 ? [] : [changeOf.intent(context.state, after)]),
  ]);
  if (former.length === 0) return;
  context.details.push(...(yield* settle(context, after)).map(pendingDetail));
}

function* formerIntent({ name }: VolumeDocument, former: readonly BrickDocument[]) {
  return yield* draftIntent({
    command: "snapshot receive",
    holds: [keyOf.receive(name)],
    direction: "finish",
    groups: groupsOf(unmountEffects(former), removeLvEffects(former)),
    afterwards: [],
  });
}
