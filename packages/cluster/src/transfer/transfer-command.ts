/** Sending and receiving snapshots: arguments and payloads, as the HTTP routes have them. */
import type { SendHeader, SentVolume, SnapshotPoint, StreamPlace } from "./transfer-document.ts";

/** Where the data of a brick is read. */
export interface SendSource {
  /** Uuid. */
  node: string;
  host: string;
  vg: string;
  pool: string;
  lv: string;
  /** Of the snapshot that the difference is to. */
  baseLv?: string;
  /** Or the bookmark of it, and which of its bricks this is. */
  bookmark?: { id: string; brick: number };
}

export interface SendPlan {
  header: SendHeader;
  /** In the order of the header's bricks. */
  sources: SendSource[];
}

/** Where it is written. */
export interface ReceiveTarget {
  node: string;
  host: string;
  vg: string;
  lv: string;
}

export interface ReceiveBegun {
  /** Of this attempt. */
  id: string;
  /** What it will be called. */
  name: string;
  targets: ReceiveTarget[];
  /** Everything before it is there. */
  place: StreamPlace;
}

export interface ReceiveDone {
  volume: string;
  volumeId: string;
  snapshot: string;
  uuid: string;
}

export interface ReceiveState {
  volume: string;
  /** The newest that is whole. */
  held?: SnapshotPoint;
  incoming?: { name: string; snapshot: SnapshotPoint; base?: SnapshotPoint; place: StreamPlace };
}

export interface BookmarkBegun {
  /** Of this attempt. */
  id: string;
  /** In the order of the bookmark's bricks. */
  bricks: {
    node: string; host: string; name: string; vg: string; pool: string; lv: string; sizeBytes: number;
  }[];
}

export interface BookmarkSummary {
  name: string;
  id: string;
  createdAtMs: number;
  snapshot: SnapshotPoint;
  volume: string;
  /** False: its digests are being made, or that was interrupted. */
  isComplete: boolean;
}

export interface TransferCommands {
  bookmarkBegin: {
    args: {
      /** Name, or uuid. */
      readonly snapshot: string;
      readonly name: string;
      readonly volume?: string;
    };
    payload: BookmarkBegun;
  };
  bookmarkFinish: { args: { readonly name: string; readonly id: string }; payload: BookmarkSummary };
  bookmarkDelete: { args: { readonly name: string }; payload: BookmarkSummary };
  bookmarkList: { args: { readonly volume?: string }; payload: BookmarkSummary[] };
  /** Nothing is changed by it. */
  snapshotSend: {
    args: {
      /** Name, or uuid. */
      readonly snapshot: string;
      /** A snapshot, or a bookmark of one. */
      readonly from?: string;
      /** Of a snapshot of several volumes: which one. */
      readonly volume?: string;
    };
    payload: SendPlan;
  };
  receiveBegin: {
    args: {
      readonly volume: string;
      readonly header: SendHeader;
      /** What the snapshot is called here; absent: as there. */
      readonly name?: string;
      /** Volume group on every node; absent: the one with the most room. */
      readonly vg?: string;
      /**
       * Although the volume was started since, whose changes are lost then; and although replicas
       * would be on one node.
       */
      readonly force?: boolean;
    };
    payload: ReceiveBegun;
  };
  receiveProgress: {
    args: { readonly volume: string; readonly id: string; readonly place: StreamPlace };
    payload: StreamPlace;
  };
  /** All of it came, and is on the disks. */
  receiveFinish: {
    args: { readonly volume: string; readonly id: string };
    payload: ReceiveDone;
  };
  /** What has come is removed; of a volume that is gone, also what was kept for the next one. */
  receiveAbandon: { args: { readonly volume: string }; payload: ReceiveState };
  receiveList: { args: { readonly volume?: string }; payload: ReceiveState[] };
}

export type { SentVolume };
