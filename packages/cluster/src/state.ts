/**
 * The documents of the cluster: what is kept in the store, one document a key.
 *
 * Every document carries `schema`, the version of its shape; a reader refuses one it does not
 * know. The version of a document's *content* (its revision in the store) is kept beside it,
 * in `Versioned`, and every change names the revision that it was decided upon.
 *
 * | key                | document           |
 * |--------------------|--------------------|
 * | `node/UUID`        | NodeDocument       |
 * | `volume/NAME`      | VolumeDocument     |
 * | `snapshot/NAME`    | SnapshotDocument   |
 * | `config/snapshot`  | SnapshotConfigDocument |
 * | `config/cluster`   | ClusterConfigDocument  |
 * | `intent/UUID`      | IntentDocument     |
 * | `schedule/NAME`    | ScheduleDocument   |
 * | `config/clock`     | ClusterClockDocument |
 * | `receive/VOLUME`   | ReceiveDocument    |
 * | `bookmark/NAME`    | BookmarkDocument   |
 */
import type { BrickStorage } from "./bricks/brick-storage.ts";
import type { NodeEffect } from "./effect.ts";
import type { ClusterClockDocument } from "./nodes/cluster-clock.ts";
import type { ScheduleDocument } from "./schedules/schedule-document.ts";
import type { SnapshotHold, SnapshotLock } from "./snapshots/snapshot-keep.ts";
import type { BookmarkDocument } from "./transfer/bookmark-document.ts";
import type { ReceiveDocument, SnapshotPoint } from "./transfer/transfer-document.ts";

export const SCHEMA = 1;

export interface NodeDocument {
  readonly schema: typeof SCHEMA;
  readonly uuid: string;
  readonly hostname: string;
  /** Where the node listens for GlusterFS clients, for instance `127.1.1.1` or `0.0.0.0`. */
  readonly address: string;
  /** Directory that snapshot bricks are mounted below; stock's is `/run/gluster/snaps`. */
  readonly snapMountRoot: string;
  /** What the others connect to and print; of a node that was probed, the words of its probe. */
  readonly contact?: string;
  /** Further names and addresses of it. */
  readonly names?: readonly string[];
  /** Where it listens for the other nodes. */
  readonly peerPort?: number;
  /** When it was let in; the order in which it is listed. */
  readonly joinedAtMs?: number;
  /** Its failure domain; absent: the node is one by itself. */
  readonly zone?: string;
  /** It was given up by `peer recover` then; absent again when it is let in. */
  readonly goneSinceMs?: number;
  /** Bricks that Mortar made there, in use or not. */
  readonly madeBricks?: readonly MadeBrick[];
}

export interface MadeBrick extends BrickStorage {
  /** The name its node was given by. */
  readonly host: string;
}

/** A thin LV and the pool it is in, all of one volume group. */
export interface ThinLv {
  readonly vg: string;
  readonly lv: string;
  readonly pool: string;
}

/** A brick of a volume or of a snap volume. */
export interface BrickDocument {
  /** Uuid of the node that has it. */
  readonly node: string;
  /** The name its node was given by, printed and put into volfiles. */
  readonly host: string;
  /** Brick directory: `mountPoint`, or a directory below it. */
  readonly path: string;
  /** GlusterFS's brick id, `VOLUME-client-N`; the bricks of a snapshot keep the origin's. */
  readonly id: string;
  readonly mountPoint: string;
  /** Device as mounted, for people; `thin` is what commands rely on. */
  readonly device: string;
  readonly fsType: string;
  readonly mountOptions: string;
  /** Present when the file system is on a thin LV of its own, as far as known. */
  readonly thin?: ThinLv;
  /** True: Mortar mounts it (bricks of snapshots, clones, restored volumes); false: the user. */
  readonly managed: boolean;
  /** Being emptied by `remove-brick`: clients put no new files there. */
  readonly decommissioned?: boolean;
  /** Ended by `reset-brick start`: nobody starts it before its `commit`, or `volume start`. */
  readonly resetting?: boolean;
}

export type VolumeKind = "distribute" | "replicate" | "disperse";
export type VolumeStatus = "Created" | "Started" | "Stopped";

export interface OptionSetting {
  readonly name: string;
  readonly value: string;
}

export interface VolumeDocument {
  readonly schema: typeof SCHEMA;
  readonly name: string;
  /** Volume id, a uuid with dashes. */
  readonly id: string;
  readonly kind: VolumeKind;
  /** Bricks of one replica set, arbiter included; 1 when not replicated. */
  readonly replicaCount: number;
  readonly arbiterCount: number;
  /** Bricks of one disperse set; 0 when not dispersed. */
  readonly disperseCount: number;
  readonly redundancyCount: number;
  readonly status: VolumeStatus;
  readonly transport: "tcp";
  readonly bricks: readonly BrickDocument[];
  /** In the order of `Options Reconfigured`: the newest first, as stock's dictionary gives them. */
  readonly options: readonly OptionSetting[];
  /** Credentials of trusted clients, two uuids. */
  readonly username: string;
  readonly password: string;
  /** Counts the changes of this volume; stock's `version`. */
  readonly generation: number;
  /** Snapshots at most, of this volume; absent: the default, 256. */
  readonly snapMaxHardLimit?: number;
  /** Id of the snapshot that it was last restored from. */
  readonly restoredFromSnap?: string;
  /** What its rebalance processes do, or did last. */
  readonly task?: VolumeTaskDocument;
  /**
   * It as it will be, while its new bricks are started: they get their volfiles from it, and
   * clients do not know of them yet. Only beside an intent.
   */
  readonly next?: VolumeDocument;
}

/** One run of the rebalance processes, one process a node that has bricks of the volume. */
export interface VolumeTaskDocument {
  /** Uuid: processes of other runs are not its. */
  readonly id: string;
  readonly kind: "rebalance" | "remove-brick";
  readonly command: "start" | "force" | "fix-layout";
  /** Of `remove-brick`: the bricks that are emptied, `HOST:/path`. */
  readonly bricks: readonly string[];
  /** Uuids. */
  readonly nodes: readonly string[];
}

/** How consistent a snapshot is, from weak to strong. */
export type Consistency = "crash" | "file-system-frozen" | "application";

export interface SnapVolumeDocument {
  /** 32 hex digits: the volume id without its dashes. */
  readonly name: string;
  readonly volumeId: string;
  /** Name and id of the volume that it is of. */
  readonly origin: string;
  readonly originId: string;
  /** Started: activated. */
  readonly status: "Started" | "Stopped";
  /** In the order of the origin's bricks, mounted at `SNAPROOT/NAME/brickN`, N from 1. */
  readonly bricks: readonly BrickDocument[];
  /** The origin as it was when the snapshot was taken. */
  readonly volume: VolumeDocument;
}

export interface SnapshotDocument {
  readonly schema: typeof SCHEMA;
  readonly name: string;
  /** Snapshot id, a uuid with dashes. */
  readonly id: string;
  readonly description?: string;
  readonly createdAtMs: number;
  /** `safety`: what a restore or a delete replaced; neither counted nor shown by stock's verbs. */
  readonly kind: "user" | "safety";
  readonly volumes: readonly SnapVolumeDocument[];
  /** How long writes were held, from the first brick that drained to the last release. */
  readonly pauseMs?: number;
  /** How long each part of taking it took, in milliseconds, in their order: HoldPhase. */
  readonly phases?: Readonly<Record<string, number>>;
  /** Whether the steps of clients over several bricks had come to their end; see lock-drain.ts. */
  readonly drain?: { readonly complete: boolean; readonly tookMs: number; readonly left: number };
  readonly consistency: Consistency;
  /** Of the nodes: programs and guest agents that were asked to be quiet, and how that went. */
  readonly hooks?: readonly { readonly node: string; readonly name: string; readonly error?: string }[];
  /**
   * Activated only for these nodes' snapshot daemons, by node uuid; absent: not for daemons alone.
   * See snapshot-view.ts.
   */
  readonly viewers?: readonly string[];
  /** Its deletion was decided then, and waits for what cannot be reached; see its intent. */
  readonly deletingSinceMs?: number;
  /** Of a safety snapshot: pruned after this time. */
  readonly expiresAtMs?: number;
  /** The schedule that made it, and the instant that it was due at. */
  readonly scheduled?: { readonly schedule: string; readonly dueMs: number };
  /** Who wants it kept; see snapshot-keep.ts. */
  readonly keptBy?: readonly SnapshotHold[];
  readonly lock?: SnapshotLock;
  /** How often its bricks were mounted, which writes into them; absent: never. */
  readonly activations?: number;
  /** It came from elsewhere: what it is there. */
  readonly received?: SnapshotPoint;
}

/** Absent fields were never set and have their defaults (`snapshotDefaults`). */
export interface SnapshotConfigDocument {
  readonly schema: typeof SCHEMA;
  readonly hardLimit?: number;
  readonly softLimitPercent?: number;
  readonly autoDelete?: boolean;
  readonly activateOnCreate?: boolean;
  /** As they were typed: stock shows them so. */
  readonly words?: SwitchWords;
}

export interface SwitchWords {
  readonly autoDelete?: string;
  readonly activateOnCreate?: string;
}

export const snapshotDefaults = {
  hardLimit: 256,
  softLimitPercent: 90,
  autoDelete: false,
  activateOnCreate: false,
} as const;

/** Options set for all volumes (`volume set all`). */
export interface ClusterConfigDocument {
  readonly schema: typeof SCHEMA;
  readonly options: readonly OptionSetting[];
}

/**
 * A command that has begun and not ended. Its effects, performed in order (those of one group in
 * parallel) and repeated as often as needed, bring the nodes back to a known state; then its
 * changes are committed together with its own removal. A command that undoes upon failure keeps
 * its undoing here, one that must be finished (delete) its doing.
 */
export interface IntentDocument {
  readonly schema: typeof SCHEMA;
  readonly id: string;
  /** For people: the command, `snapshot create`. */
  readonly command: string;
  readonly startedAtMs: number;
  /** Keys of the documents that no other command may change meanwhile. */
  readonly holds: readonly string[];
  readonly direction: "undo" | "finish";
  readonly groups: readonly (readonly NodeEffect[])[];
  readonly afterwards: readonly IntentChange[];
}

/** A change to commit at the end of an intent, whatever revision the document then has. */
export type IntentChange =
  | { readonly key: string; readonly put: StoredDocument }
  | { readonly key: string; readonly delete: true };

export type StoredDocument =
  | NodeDocument
  | VolumeDocument
  | SnapshotDocument
  | SnapshotConfigDocument
  | ClusterConfigDocument
  | ScheduleDocument
  | ClusterClockDocument
  | ReceiveDocument
  | BookmarkDocument
  | IntentDocument;

/** A document and the revision of its key in the store. */
export interface Versioned<Document> {
  readonly document: Document;
  readonly revision: number;
}

/** All documents, as of one revision. A value: a commit gives a new one. */
export interface ClusterState {
  /** Uuid of the node that coordinates. */
  readonly self: string;
  readonly nodes: ReadonlyMap<string, Versioned<NodeDocument>>;
  readonly volumes: ReadonlyMap<string, Versioned<VolumeDocument>>;
  readonly snapshots: ReadonlyMap<string, Versioned<SnapshotDocument>>;
  readonly intents: ReadonlyMap<string, Versioned<IntentDocument>>;
  readonly snapshotConfig?: Versioned<SnapshotConfigDocument>;
  readonly clusterConfig?: Versioned<ClusterConfigDocument>;
  readonly schedules: ReadonlyMap<string, Versioned<ScheduleDocument>>;
  readonly clusterClock?: Versioned<ClusterClockDocument>;
  /** By volume name. */
  readonly receives: ReadonlyMap<string, Versioned<ReceiveDocument>>;
  readonly bookmarks: ReadonlyMap<string, Versioned<BookmarkDocument>>;
}

/** One change of a transaction; `expected` is the revision that the key must still have. */
export type Change =
  | { readonly key: string; readonly expected: number | "absent"; readonly put: StoredDocument }
  | { readonly key: string; readonly expected: number | "absent"; readonly delete: true };
