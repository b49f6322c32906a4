/**
 * A bookmark: what a difference from a snapshot is told by when the snapshot is gone. The store has
 * this document; digests of the snapshot's content lie on the nodes that its bricks are on, one file a
 * brick, named after the bookmark's id: docs/formats/bookmark.md. A file whose bookmark is not in the
 * store is removed by its node (`mortard/src/transfer/bookmark-files.ts`), so deleting one is one
 * transaction, whatever is away.
 */
import type { SCHEMA } from "../state.ts";
import type { SnapshotPoint } from "./transfer-document.ts";

export interface BookmarkBrick {
  /** The brick's id in its volume. */
  readonly id: string;
  /** Where its digests are. */
  readonly node: string;
  readonly host: string;
  readonly sizeBytes: number;
}

export interface BookmarkDocument {
  readonly schema: typeof SCHEMA;
  readonly name: string;
  /** A uuid: of this attempt, had there been others of this name. */
  readonly id: string;
  readonly createdAtMs: number;
  /** The snapshot as it was. */
  readonly point: SnapshotPoint;
  readonly volume: string;
  readonly volumeId: string;
  readonly bricks: readonly BookmarkBrick[];
  /** False while the digests are made, and after that was interrupted. */
  readonly isComplete: boolean;
}
