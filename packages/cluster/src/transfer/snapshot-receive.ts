/**
 * `snapshot receive`: the LVs that a stream is written into are made, what has come is noted, and at
 * the end one transaction makes the volume and its snapshot of it (receive-finish.ts). Until then
 * nothing of it is to be seen but in the list of what is being received; an interrupted one is gone
 * on with, or given up by name. The LVs of the receiver are written by whoever called, brick by brick.
 */
import { removeLvEffects, requireThin } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno } from "../failure.ts";
import { begin, draftIntent, groupsOf, pendingDetail, settle, settleHolding, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { placeReceived } from "./receive-placement.ts";
import { performGroups } from "../snapshots/snapshot-activation.ts";
import { countUserSnapshots, limitsOf } from "../snapshots/snapshot-find.ts";
import { checkSnapshotName } from "../snapshots/snapshot-name.ts";
import { type BrickDocument, SCHEMA, type VolumeDocument } from "../state.ts";
import { commit, type CommandContext, newUuids } from "../steps.ts";
import { text } from "../stock-text.ts";
import type { ReceiveBegun, ReceiveState, TransferCommands } from "./transfer-command.ts";
import type {
  IncomingSnapshot, ReceiveDocument, ReceivedSnapshot, SendHeader, SentBrick, SnapshotPoint,
  StreamPlace,
} from "./transfer-document.ts";
import { checkVolumeName, volumeNameTaken } from "../volumes/volume-create.ts";

type Args<Name extends keyof TransferCommands> = TransferCommands[Name]["args"];

export function* receiveBegin(
  context: CommandContext, args: Args<"receiveBegin">,
): Step<ReceiveBegun> {
  const { volume, header } = args;
  checkVolumeName(volume);
  yield* settleHolding(context, volume, [keyOf.volume(volume), keyOf.receive(volume)]);
  const document = context.state.receives.get(volume)?.document;
  const begun = document?.incoming;
  if (begun !== undefined) return begunOf(goOn(volume, begun, header));
  if (isLater(header.resume ?? START, START)) {
    throw refused(`Nothing of snapshot "${header.snapshot.name}" has come to volume ${volume}, and ` +
      "the stream begins in its middle", "Send it from its beginning: without --resume.");
  }
  const name = args.name ?? header.snapshot.name;
  checkSnapshotName(name);
  if (context.state.snapshots.has(name)) {
    throw new CommandFailure("snapshot-exists", errno.EG_SNAPEXST, text.snapExists(name), [
      { object: name, detail: "The name is taken here.", nextStep: "--as NAME" },
    ]);
  }
  const force = args.force === true;
  const held = header.base === undefined
    ? refuseTaken(context, volume)
    : heldFor(context, document, { volume, header, base: header.base, force });
  const [id = ""] = yield* newUuids(1);
  const wanted = { name: id.replaceAll("-", ""), vg: args.vg, force };
  const bricks = yield* placeBricks(context, header, held, wanted);
  const incoming: IncomingSnapshot = { id, name, header: plain(header), bricks, place: START };
  yield* makeLvs(context, volume, incoming, held);
  return begunOf(incoming);
}

const START: StreamPlace = { brick: 0, offset: 0 };

export function isLater(a: StreamPlace, b: StreamPlace): boolean {
  return a.brick === b.brick ? a.offset > b.offset : a.brick > b.brick;
}

/** Where a stream that has come as a whole would go on. */
export function endOfStream({ bricks }: Pick<SendHeader, "bricks">): StreamPlace {
  const last = bricks.length - 1;
  return { brick: last, offset: bricks[last]?.sizeBytes ?? 0 };
}

function plain({ resume: _resume, ...header }: SendHeader): SendHeader {
  return header;
}

function begunOf({ id, name, bricks, place }: IncomingSnapshot): ReceiveBegun {
  const targets = bricks.map((brick) => {
    const { vg, lv } = requireThin(brick);
    return { node: brick.node, host: brick.host, vg, lv };
  });
  return { id, name, targets, place };
}

/** The stream has to be the one that was begun, from a place on that was reached. */
function goOn(volume: string, begun: IncomingSnapshot, header: SendHeader): IncomingSnapshot {
  const { snapshot, base } = begun.header;
  if (!isSamePoint(snapshot, header.snapshot) || !isSamePoint(base, header.base)) {
    throw refused(
      `Volume ${volume} has a part of snapshot ${pointText(snapshot)}, and the stream is of ` +
        pointText(header.snapshot),
      `Go on with that one, or give it up: mortar snapshot receive --abandon ${volume}`,
    );
  }
  const isSameShape = JSON.stringify(begun.header.bricks) === JSON.stringify(header.bricks);
  if (!isSameShape || isLater(header.resume ?? START, begun.place)) {
    throw refused(`The stream goes on at a place that volume ${volume} has not come to`,
      `Ask for the token: mortar snapshot receive --token ${volume}`);
  }
  return begun;
}

function isSamePoint(a: SnapshotPoint | undefined, b: SnapshotPoint | undefined): boolean {
  return a?.id === b?.id && a?.state === b?.state;
}

export function pointText({ name, id }: SnapshotPoint): string {
  return `"${name}" (${id})`;
}

function refuseTaken(context: CommandContext, volume: string): undefined {
  if (!volumeNameTaken(context.state, volume)) return undefined;
  const nextStep = "Receive into another volume, or send what differs from what it has: -i";
  throw new CommandFailure("volume-exists", errno.EG_VOLEXST, text.volumeExists(volume),
    [{ object: volume, detail: "The stream holds a whole volume.", nextStep }]);
}

interface Continuation {
  readonly volume: string;
  readonly header: SendHeader;
  readonly base: SnapshotPoint;
  readonly force: boolean;
}

/** What the stream is laid upon. Throws the refusal of a wrong base, naming both. */
function heldFor(
  context: CommandContext, document: ReceiveDocument | undefined,
  { volume, header, base, force }: Continuation,
): ReceivedSnapshot {
  const held = document?.held;
  const present = context.state.volumes.get(volume)?.document;
  if (held === undefined || present === undefined || present.id !== document?.volumeId) {
    throw refused(
      `The stream continues snapshot ${pointText(base)}, and volume ${volume} was not received here`,
      "Send a whole snapshot first: without -i",
    );
  }
  const isState = header.isBaseExact !== true || held.point.state === base.state;
  if (held.point.id !== base.id || !isState) {
    const which = held.point.id === base.id ? " as it was at another moment" : "";
    throw refused(
      `The stream continues snapshot ${pointText(base)}, and volume ${volume} has ` +
        `${pointText(held.point)}${which}`,
      `Send what differs from that one: mortar snapshot send -i ${held.point.name} ` +
        header.snapshot.name,
    );
  }
  const isHeld = ({ id, sizeBytes }: SentBrick): boolean =>
    held.sent.some((it) => it.id === id && it.sizeBytes === sizeBytes);
  const strange = header.bricks.find((it) => it.kind === "delta" && !isHeld(it));
  if (strange !== undefined) throw refused(`The brick ${strange.id} is not in ${pointText(base)}`, "");
  refuseUsed(present, force);
  if (countUserSnapshots(context.state, present) >= limitsOf(context.state, present).effectiveHard) {
    const message = text.snapHardLimit(limitsOf(context.state, present).effectiveHard, volume);
    throw new CommandFailure("limit-reached", errno.EG_HRDLMT, message);
  }
  return held;
}

/** The content of the volume is going to be another one. */
export function refuseUsed({ name, status, bricks }: VolumeDocument, force: boolean): void {
  if (status === "Started") {
    const sentence = `Volume ${name} is started: its content would change under its clients`;
    throw new CommandFailure("volume-started", errno.EG_VOLRUN, sentence,
      [{ object: name, detail: `${sentence}.`, nextStep: `gluster volume stop ${name}` }]);
  }
  if (bricks.some((it) => !it.managed || it.thin === undefined)) {
    throw refused(`Volume ${name} has bricks that were not received`, "Receive into another volume.");
  }
  if (status === "Created" || force) return;
  throw refused(
    `Volume ${name} was started since it was received: what was written into it would be lost`,
    `Take a snapshot of it, or receive with --force. The received snapshots of it stay.`,
  );
}

function* placeBricks(
  context: CommandContext,
  header: SendHeader,
  held: ReceivedSnapshot | undefined,
  wanted: { readonly name: string; readonly vg: string | undefined; readonly force: boolean },
): Step<BrickDocument[]> {
  const isAllHeld = header.bricks.every((it) => it.kind === "delta");
  const fresh = isAllHeld ? [] : yield* placeReceived(context, header, wanted);
  return header.bricks.map((sent, index) => {
    if (sent.kind === "full") return fresh[index]!;
    const former = formerOf(held!, sent.id);
    const thin = { ...requireThin(former), lv: `${wanted.name}_${index}` };
    const device = `/dev/${thin.vg}/${thin.lv}`;
    return { ...former, thin, device, mountPoint: device, path: device + sent.below };
  });
}

function formerOf({ sent, bricks }: ReceivedSnapshot, id: string): BrickDocument {
  return bricks[sent.findIndex((it) => it.id === id)]!;
}

function* makeLvs(
  context: CommandContext, volume: string, incoming: IncomingSnapshot,
  held: ReceivedSnapshot | undefined,
): Step<void> {
  const { id, header, bricks } = incoming;
  const intent = yield* begin(context, {
    command: "snapshot receive",
    holds: [keyOf.volume(volume), keyOf.receive(volume)],
    direction: "undo",
    groups: groupsOf(removeLvEffects(bricks)),
    afterwards: [],
  });
  const made = bricks.map((brick, index): NodeEffect => {
    const { node } = brick;
    const { vg, pool, lv } = requireThin(brick);
    const sent = header.bricks[index]!;
    if (sent.kind === "full") {
      return { kind: "makeBareLv", node, vg, pool, lv, sizeBytes: sent.sizeBytes, id };
    }
    const origin = requireThin(formerOf(held!, sent.id)).lv;
    return { kind: "createSnapshotLv", node, vg, origin, name: lv };
  });
  try {
    yield* performGroups(groupsOf(made));
  } catch (error) {
    yield* undo(context, intent);
    throw error;
  }
  const former = context.state.receives.get(volume)?.document;
  const kept = held === undefined ? { schema: SCHEMA, volume } as const : former!;
  yield* commit(context, [
    changeOf.receive(context.state, { ...kept, incoming }),
    changeOf.intentGone(context.state, intent.id),
  ]);
  if (held === undefined && former?.held !== undefined) {
    // Its volume is gone, and nothing continues it any more.
    yield* drop(context, volume, former.held.bricks);
  }
}

/** They are no part of any document any more. */
export function* drop(
  context: CommandContext, volume: string, bricks: readonly BrickDocument[],
): Step<void> {
  const draft = yield* draftIntent({
    command: "snapshot receive",
    holds: [keyOf.receive(volume)],
    direction: "finish",
    groups: groupsOf(removeLvEffects(bricks)),
    afterwards: [],
  });
  yield* commit(context, [changeOf.intent(context.state, draft)]);
  context.details.push(...(yield* settle(context, draft)).map(pendingDetail));
}

export function* receiveProgress(
  context: CommandContext, args: Args<"receiveProgress">,
): Step<StreamPlace> {
  const { document, incoming } = incomingOf(context, args);
  const { place } = args;
  if (!isLater(place, incoming.place)) return incoming.place;
  if (isLater(place, endOfStream(incoming.header))) {
    throw refused("That place is beyond the end of the stream", "");
  }
  yield* commit(context, [
    changeOf.receive(context.state, { ...document, incoming: { ...incoming, place } }),
  ]);
  return place;
}

export function incomingOf(
  context: CommandContext, { volume, id }: { readonly volume: string; readonly id: string },
): { readonly document: ReceiveDocument; readonly incoming: IncomingSnapshot } {
  const document = context.state.receives.get(volume)?.document;
  if (document?.incoming?.id === id) return { document, incoming: document.incoming };
  throw refused(`What was received into volume ${volume} was given up meanwhile`, "Begin again.");
}

export function* receiveAbandon(
  context: CommandContext, { volume }: Args<"receiveAbandon">,
): Step<ReceiveState> {
  yield* settleHolding(context, volume, [keyOf.volume(volume), keyOf.receive(volume)]);
  const document = context.state.receives.get(volume)?.document;
  if (document === undefined) throw refused(`Nothing was received into volume ${volume}`, "");
  const { incoming, ...rest } = document;
  const isOrphan = context.state.volumes.get(volume)?.document.id !== document.volumeId;
  const orphans = isOrphan ? (rest.held?.bricks ?? []) : [];
  if (incoming === undefined && orphans.length === 0) {
    throw refused(`Nothing is being received into volume ${volume}`, "");
  }
  const doomed = [...(incoming?.bricks ?? []), ...orphans];
  const draft = yield* draftIntent({
    command: "snapshot receive",
    holds: [keyOf.volume(volume), keyOf.receive(volume)],
    direction: "finish",
    groups: groupsOf(removeLvEffects(doomed)),
    afterwards: [],
  });
  const left = isOrphan || rest.held === undefined ? undefined : rest;
  yield* commit(context, [
    left === undefined
      ? changeOf.receiveGone(context.state, volume)
      : changeOf.receive(context.state, left),
    changeOf.intent(context.state, draft),
  ]);
  context.details.push(...(yield* settle(context, draft)).map(pendingDetail));
  return stateOf(left ?? { schema: SCHEMA, volume });
}

export function* receiveList(
  context: CommandContext, { volume }: Args<"receiveList">,
): Step<ReceiveState[]> {
  yield* [];
  return [...context.state.receives.values()]
    .map((it) => it.document)
    .filter((it) => volume === undefined || it.volume === volume)
    .map(stateOf);
}

function stateOf({ volume, held, incoming }: ReceiveDocument): ReceiveState {
  return {
    volume,
    ...(held === undefined ? {} : { held: held.point }),
    ...(incoming === undefined
      ? {}
      : {
          incoming: {
            name: incoming.name,
            snapshot: incoming.header.snapshot,
            ...(incoming.header.base === undefined ? {} : { base: incoming.header.base }),
            place: incoming.place,
          },
        }),
  };
}

function refused(sentence: string, nextStep: string): CommandFailure {
  const detail = { detail: `${sentence}.`, ...(nextStep === "" ? {} : { nextStep }) };
  return new CommandFailure("bad-argument", errno.EINVAL, sentence, [detail]);
}
