/**
 * `snapshot send`: what is sent of a snapshot, and where it is read. The data is read afterwards, by
 * whoever asked: it asks again when it is through, and what it is told must be the same.
 *
 * Of a brick that both snapshots have in one pool, at one size, only what differs is sent. "The same"
 * is what has the same data block in both, as long as both are there: a block that two LVs have is
 * never written in place, so it holds what it held when the earlier snapshot was sent, whatever was
 * written into that one since. All the rest of the LV is sent, holes too; see
 * docs/formats/snapshot-stream.md.
 */
import { belowMountPoint, brickName, requireThin } from "../bricks/brick.ts";
import type { Detail, Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno } from "../failure.ts";
import { findSnapshot, isActivated, refuseSafety, snapVolumeOf } from "../snapshots/snapshot-find.ts";
import type { BrickDocument, ClusterState, SnapshotDocument, SnapVolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext, errorsOf } from "../steps.ts";
import type { BookmarkDocument } from "./bookmark-document.ts";
import { findBookmark } from "./bookmark-find.ts";
import type { SendPlan, SendSource } from "./transfer-command.ts";
import type { SendHeader, SentBrick, SentVolume, SnapshotPoint } from "./transfer-document.ts";

interface SendArgs {
  readonly snapshot: string;
  readonly from?: string;
  readonly volume?: string;
}

export function* snapshotSend(context: CommandContext, args: SendArgs): Step<SendPlan> {
  const { state } = context;
  const snapshot = sendable(state, args.snapshot);
  const of = snapVolumeOf(snapshot, args.volume);
  const mark = args.from === undefined ? undefined : markOf(state, args.from, snapshot, of);
  const isOfMark = args.from === undefined || mark !== undefined;
  const base = isOfMark ? undefined : baseOf(state, args.from, snapshot, of);
  const sizes = yield* sizesOf(of.bricks);
  const former = new Map(base?.of.bricks.map((it) => [it.id, it]) ?? []);
  const formerSizes = yield* sizesOf([...former.values()]);
  const formerSize = new Map([...former.keys()].map((id, index) => [id, formerSizes[index]!]));
  const pairs = of.bricks.map((brick, index) => {
    const earlier = former.get(brick.id);
    const isSame = earlier !== undefined && isInOnePool(earlier, brick) &&
      formerSize.get(brick.id) === sizes[index];
    const marked = mark?.bricks.findIndex((it) =>
      it.id === brick.id && it.node === brick.node && it.sizeBytes === sizes[index]) ?? -1;
    const bookmark = marked < 0 ? undefined : { id: mark!.id, brick: marked };
    return { brick, sizeBytes: sizes[index]!, earlier: isSame ? earlier : undefined, bookmark };
  });
  const header: SendHeader = {
    snapshot: pointOf(snapshot),
    ...(snapshot.description === undefined ? {} : { description: snapshot.description }),
    createdAtMs: snapshot.createdAtMs,
    ...(base === undefined ? {} : { base: pointOf(base.snapshot) }),
    // The digests are of the snapshot in that state, and of no other.
    ...(mark === undefined ? {} : { base: mark.point, isBaseExact: true }),
    volume: sentVolumeOf(of),
    bricks: pairs.map(({ brick, sizeBytes, earlier, bookmark }): SentBrick => ({
      id: brick.id,
      sizeBytes,
      kind: earlier === undefined && bookmark === undefined ? "full" : "delta",
      fsType: brick.fsType,
      mountOptions: brick.mountOptions,
      below: belowMountPoint(brick.mountPoint, brick.path),
    })),
  };
  return { header, sources: pairs.map((it) => sourceOf(it.brick, it.earlier, it.bookmark)) };
}

/** A snapshot comes before a bookmark of the same name: telling by it costs no reading. */
function markOf(
  state: ClusterState, word: string, snapshot: SnapshotDocument, of: SnapVolumeDocument,
): BookmarkDocument | undefined {
  const isSnapshot = state.snapshots.has(word) ||
    [...state.snapshots.values()].some(({ document }) => document.id === word);
  const mark = isSnapshot ? undefined : findBookmark(state, word);
  if (mark === undefined) return undefined;
  const bad = (sentence: string): CommandFailure =>
    new CommandFailure("bad-argument", errno.EINVAL, sentence);
  if (mark.volumeId !== of.originId) {
    throw bad(`Bookmark ${mark.name} and snapshot ${snapshot.name} are not of the same volume`);
  }
  if (mark.point.id === snapshot.id) throw bad(`Bookmark ${mark.name} is of snapshot ${snapshot.name}`);
  return mark;
}

export function sendable(state: ClusterState, word: string): SnapshotDocument {
  const snapshot = findByWord(state, word);
  refuseSafety(snapshot);
  refuseDoomed(snapshot);
  if (!isActivated(snapshot)) return snapshot;
  const { name } = snapshot;
  const sentence =
    `Snapshot ${name} is activated: its file systems are mounted, and may be written while it is sent`;
  throw new CommandFailure("snapshot-active", errno.EINVAL, sentence, [
    { object: name, detail: `${sentence}.`, nextStep: `gluster snapshot deactivate ${name}` },
  ]);
}

/** It may be activated: see above. */
function baseOf(
  state: ClusterState,
  word: string,
  snapshot: SnapshotDocument,
  of: SnapVolumeDocument,
): { readonly snapshot: SnapshotDocument; readonly of: SnapVolumeDocument } {
  const base = findByWord(state, word);
  refuseDoomed(base);
  const bad = (sentence: string): CommandFailure =>
    new CommandFailure("bad-argument", errno.EINVAL, sentence);
  const baseVolume = base.volumes.find((it) => it.originId === of.originId);
  if (baseVolume === undefined) {
    throw bad(`Snapshots ${base.name} and ${snapshot.name} are not of the same volume`);
  }
  if (base.id === snapshot.id) throw bad(`Snapshot ${base.name} does not differ from itself`);
  return { snapshot: base, of: baseVolume };
}

/** A uuid is what tokens have: names can be given again. */
function findByWord(state: ClusterState, word: string): SnapshotDocument {
  const byId = [...state.snapshots.values()].find(({ document }) => document.id === word);
  return byId?.document ?? findSnapshot(state, word);
}

function refuseDoomed({ name, deletingSinceMs }: SnapshotDocument): void {
  if (deletingSinceMs === undefined) return;
  throw new CommandFailure("busy", errno.EG_ANOTRANS, `Snapshot ${name} is being deleted`);
}

export function pointOf({ name, id, activations = 0 }: SnapshotDocument): SnapshotPoint {
  return { name, id, state: activations };
}

function sentVolumeOf({ volume, origin }: SnapVolumeDocument): SentVolume {
  const {
    id, kind, replicaCount, arbiterCount, disperseCount, redundancyCount, options,
  } = volume;
  return {
    name: origin, id, kind, replicaCount, arbiterCount, disperseCount, redundancyCount,
    options: options.map(({ name, value }) => ({ name, value })),
  };
}

function isInOnePool(a: BrickDocument, b: BrickDocument): boolean {
  const [one, other] = [requireThin(a), requireThin(b)];
  return a.node === b.node && one.vg === other.vg && one.pool === other.pool;
}

function sourceOf(
  brick: BrickDocument, earlier: BrickDocument | undefined, bookmark: SendSource["bookmark"],
): SendSource {
  const { vg, pool, lv } = requireThin(brick);
  return {
    node: brick.node, host: brick.host, vg, pool, lv,
    ...(earlier === undefined ? {} : { baseLv: requireThin(earlier).lv }),
    ...(bookmark === undefined ? {} : { bookmark }),
  };
}

/** Throws when one cannot be asked: a part of a volume is of no use to a receiver. */
export function* sizesOf(bricks: readonly BrickDocument[]): Step<number[]> {
  const outcomes = yield* attemptAll(bricks.map((brick): NodeEffect<"lvStatus"> => {
    const { vg, lv } = requireThin(brick);
    return { kind: "lvStatus", node: brick.node, vg, lv };
  }));
  const details: Detail[] = errorsOf(outcomes).map(detailOf);
  const sizes = bricks.map((brick, index) => {
    const outcome = outcomes[index];
    if (outcome?.ok !== true) return 0;
    const { sizeBytes } = outcome.value as { readonly sizeBytes?: number };
    if (sizeBytes !== undefined) return sizeBytes;
    const { vg, lv } = requireThin(brick);
    const detail = `The logical volume ${vg}/${lv} of ${brickName(brick)} is not there.`;
    details.push({ node: brick.host, object: `${vg}/${lv}`, detail });
    return 0;
  });
  if (details.length === 0) return sizes;
  const sentence = "Not all logical volumes of the snapshot can be read";
  throw new CommandFailure("effect-failed", errno.EG_INTRNL, sentence, details);
}
