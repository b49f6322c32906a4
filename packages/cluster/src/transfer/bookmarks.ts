/**
 * `snapshot bookmark`. The document comes first, so that no file is without one; then whoever called
 * has the nodes make the digests; the commit point is the transaction that calls it complete. What was
 * interrupted before is listed as such, and is replaced by the next one of its name.
 */
import { brickName, requireThin } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import { CommandFailure, errno } from "../failure.ts";
import { changeOf } from "../key-space.ts";
import { snapVolumeOf } from "../snapshots/snapshot-find.ts";
import { checkSnapshotName } from "../snapshots/snapshot-name.ts";
import { SCHEMA, type SnapVolumeDocument } from "../state.ts";
import { commit, type CommandContext, event, newUuids, performLocal } from "../steps.ts";
import type { BookmarkDocument } from "./bookmark-document.ts";
import { pointOf, sendable, sizesOf } from "./snapshot-send.ts";
import type { BookmarkBegun, BookmarkSummary, TransferCommands } from "./transfer-command.ts";

type Args<Name extends keyof TransferCommands> = TransferCommands[Name]["args"];

export function* bookmarkBegin(
  context: CommandContext, { snapshot: word, name, volume }: Args<"bookmarkBegin">,
): Step<BookmarkBegun> {
  checkSnapshotName(name);
  const { state } = context;
  const isTaken = state.snapshots.has(name) ||
    state.bookmarks.get(name)?.document.isComplete === true;
  if (isTaken) throw refused(`There is a snapshot or a bookmark ${name} already`);
  const snapshot = sendable(state, word);
  const of = snapVolumeOf(snapshot, volume);
  const sizes = yield* sizesOf(of.bricks);
  const [id = ""] = yield* newUuids(1);
  const { nowMs } = yield* performLocal("clock", {});
  const document: BookmarkDocument = {
    schema: SCHEMA, name, id, createdAtMs: nowMs, point: pointOf(snapshot),
    volume: of.origin, volumeId: of.originId, isComplete: false,
    bricks: of.bricks.map((brick, index) => ({
      id: brick.id, node: brick.node, host: brick.host, sizeBytes: sizes[index]!,
    })),
  };
  yield* commit(context, [changeOf.bookmark(state, document)]);
  return { id, bricks: sourcesOf(of, sizes) };
}

function sourcesOf({ bricks }: SnapVolumeDocument, sizes: readonly number[]): BookmarkBegun["bricks"] {
  return bricks.map((brick, index) => {
    const { vg, pool, lv } = requireThin(brick);
    const { node, host } = brick;
    return { node, host, name: brickName(brick), vg, pool, lv, sizeBytes: sizes[index]! };
  });
}

/** All digests are on the disks. */
export function* bookmarkFinish(
  context: CommandContext, { name, id }: Args<"bookmarkFinish">,
): Step<BookmarkSummary> {
  const document = context.state.bookmarks.get(name)?.document;
  if (document?.id !== id) throw refused(`Bookmark ${name} was given up meanwhile`);
  const { point } = document;
  const now = pointOf(sendable(context.state, point.id));
  if (now.state !== point.state) {
    throw refused(`Snapshot ${point.name} was activated while it was read: bookmark it again`);
  }
  const complete = { ...document, isComplete: true };
  yield* commit(context, [changeOf.bookmark(context.state, complete)]);
  yield* event("BOOKMARK_CREATED", { bookmark: name, snapshot: point.name, volume: document.volume });
  return summaryOf(complete);
}

/** The nodes remove what they have of it; one that is away, when it is back. */
export function* bookmarkDelete(
  context: CommandContext, { name }: Args<"bookmarkDelete">,
): Step<BookmarkSummary> {
  const document = context.state.bookmarks.get(name)?.document;
  if (document === undefined) throw refused(`There is no bookmark ${name}`);
  yield* commit(context, [changeOf.bookmarkGone(context.state, name)]);
  const { point, volume } = document;
  yield* event("BOOKMARK_DELETED", { bookmark: name, snapshot: point.name, volume });
  return summaryOf(document);
}

export function* bookmarkList(
  context: CommandContext, { volume }: Args<"bookmarkList">,
): Step<BookmarkSummary[]> {
  yield* [];
  return [...context.state.bookmarks.values()]
    .map((it) => it.document)
    .filter((it) => volume === undefined || it.volume === volume)
    .sort((a, b) => a.createdAtMs - b.createdAtMs)
    .map(summaryOf);
}

function summaryOf({ name, id, createdAtMs, point, volume, isComplete }: BookmarkDocument): BookmarkSummary {
  return { name, id, createdAtMs, snapshot: point, volume, isComplete };
}

function refused(sentence: string): CommandFailure {
  return new CommandFailure("bad-argument", errno.EINVAL, sentence);
}
