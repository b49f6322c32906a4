/**
 * Snapshots that come from elsewhere: what a stream says of itself, and what a receiver keeps.
 *
 * A snapshot's *point* is its uuid and its *state*: how often it was activated. Activating mounts
 * its file systems, which replay their logs into its LVs, so only while a snapshot is not activated
 * and its state is the same are its bytes the same.
 *
 * The receiver's LVs that were written from a stream are never mounted: snapshot and volume are thin
 * snapshots of them. So what the next difference is laid upon is, bit for bit, what was sent.
 */
import type { BrickDocument, SCHEMA, VolumeKind } from "../state.ts";

export interface SnapshotPoint {
  readonly name: string;
  /** A uuid with dashes. */
  readonly id: string;
  readonly state: number;
}

export interface SentBrick {
  /** The brick's id in its volume: the same in all snapshots of it. */
  readonly id: string;
  readonly sizeBytes: number;
  readonly kind: "full" | "delta";
  readonly fsType: string;
  readonly mountOptions: string;
  /** The brick directory below its mount point: empty, or with a slash in front. */
  readonly below: string;
}

export interface SentVolume {
  readonly name: string;
  readonly id: string;
  readonly kind: VolumeKind;
  readonly replicaCount: number;
  readonly arbiterCount: number;
  readonly disperseCount: number;
  readonly redundancyCount: number;
  readonly options: { readonly name: string; readonly value: string }[];
}

/** Everything before it is there. */
export interface StreamPlace {
  readonly brick: number;
  readonly offset: number;
}

export interface SendHeader {
  readonly snapshot: SnapshotPoint;
  readonly description?: string;
  readonly createdAtMs: number;
  /** What the receiver must have; absent: nothing. */
  readonly base?: SnapshotPoint;
  /** It has to be in this very state. */
  readonly isBaseExact?: boolean;
  readonly volume: SentVolume;
  readonly bricks: SentBrick[];
  readonly resume?: StreamPlace;
}

/** A snapshot that is here, whole. */
export interface ReceivedSnapshot {
  readonly point: SnapshotPoint;
  readonly sent: readonly SentBrick[];
  /** In their order; of a volume that nobody mounts. */
  readonly bricks: readonly BrickDocument[];
}

/** One that is on its way. */
export interface IncomingSnapshot {
  /** A uuid: other attempts are not its. */
  readonly id: string;
  /** What it will be called here. */
  readonly name: string;
  readonly header: SendHeader;
  readonly bricks: readonly BrickDocument[];
  readonly place: StreamPlace;
}

/** By the volume's name. */
export interface ReceiveDocument {
  readonly schema: typeof SCHEMA;
  readonly volume: string;
  /** Of the volume that was made of `held`. */
  readonly volumeId?: string;
  readonly held?: ReceivedSnapshot;
  readonly incoming?: IncomingSnapshot;
}
