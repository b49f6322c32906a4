/** Routes of snapshots that are sent and received; the data itself goes another way: transfer.ts. */
import { type Static, Type } from "./schema/schema.ts";
import { name, noBody, none, route, volume } from "./route.ts";
import { StreamHeader, StreamPlace, StreamPoint } from "./stream/stream-header.ts";

const closed = { additionalProperties: false } as const;

/** Digests of one brick, that a difference is told by. */
export const BookmarkPart = Type.Object({
  id: Type.String({ pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" }),
  brick: Type.Integer({ minimum: 0, maximum: 65_535 }),
});

export const SendPlan = Type.Object({
  header: StreamHeader,
  sources: Type.Array(
    Type.Object({
      node: Type.String({ description: "uuid" }),
      host: Type.String(),
      vg: Type.String(),
      pool: Type.String(),
      lv: Type.String(),
      baseLv: Type.Optional(Type.String({ description: "what the difference is to" })),
      bookmark: Type.Optional(BookmarkPart),
    }),
    { description: "in the order of the header's bricks" },
  ),
});
export type SendPlan = Static<typeof SendPlan>;

export const ReceiveBegun = Type.Object({
  id: Type.String({ description: "of this attempt" }),
  name: Type.String({ description: "of the snapshot, here" }),
  targets: Type.Array(
    Type.Object({ node: Type.String(), host: Type.String(), vg: Type.String(), lv: Type.String() }),
  ),
  place: StreamPlace,
});
export type ReceiveBegun = Static<typeof ReceiveBegun>;

export const ReceiveState = Type.Object({
  volume: Type.String(),
  held: Type.Optional(StreamPoint),
  incoming: Type.Optional(
    Type.Object({
      name: Type.String(),
      snapshot: StreamPoint,
      base: Type.Optional(StreamPoint),
      place: StreamPlace,
    }),
  ),
});
export type ReceiveState = Static<typeof ReceiveState>;

export const ReceiveDone = Type.Object({
  volume: Type.String(), volumeId: Type.String(), snapshot: Type.String(), uuid: Type.String(),
});
export type ReceiveDone = Static<typeof ReceiveDone>;

export const BookmarkBegun = Type.Object({
  id: Type.String({ description: "of this attempt" }),
  bricks: Type.Array(
    Type.Object({
      node: Type.String(), host: Type.String(), name: Type.String(), vg: Type.String(),
      pool: Type.String(), lv: Type.String(), sizeBytes: Type.Integer({ minimum: 1 }),
    }),
  ),
});
export type BookmarkBegun = Static<typeof BookmarkBegun>;

export const BookmarkSummary = Type.Object({
  name: Type.String(),
  id: Type.String(),
  createdAtMs: Type.Integer(),
  snapshot: StreamPoint,
  volume: Type.String(),
  isComplete: Type.Boolean({ description: "false: it is being made, or that was interrupted" }),
});
export type BookmarkSummary = Static<typeof BookmarkSummary>;

const bookmark = Type.Object({ bookmark: name }, closed);

export const transferRoutes = {
  bookmarkList: route({
    method: "GET", path: "/v1/bookmarks", tag: "snapshot",
    summary: "What differences can be sent from, although its snapshot is gone",
    params: none, query: Type.Object({ volume: Type.Optional(name) }, closed),
    body: noBody, result: Type.Array(BookmarkSummary),
  }),
  bookmarkBegin: route({
    method: "POST", path: "/v1/bookmarks", tag: "snapshot",
    summary: "Begin a bookmark of a snapshot; its digests are made afterwards",
    params: none, query: none,
    body: Type.Object({ snapshot: name, name, volume: Type.Optional(name) }, closed),
    result: BookmarkBegun,
  }),
  bookmarkFinish: route({
    method: "POST", path: "/v1/bookmarks/:bookmark/finish", tag: "snapshot",
    summary: "All digests of a bookmark are made",
    params: bookmark, query: none, body: Type.Object({ id: name }, closed), result: BookmarkSummary,
  }),
  bookmarkDelete: route({
    method: "DELETE", path: "/v1/bookmarks/:bookmark", tag: "snapshot",
    summary: "Forget a bookmark; each node removes its digests",
    params: bookmark, query: none, body: noBody, result: BookmarkSummary,
  }),
  snapshotSend: route({
    method: "POST", path: "/v1/snapshot-send", tag: "snapshot",
    summary: "What is to be sent of a snapshot, whole or as the difference from an earlier one",
    params: none, query: none,
    body: Type.Object(
      { snapshot: name, from: Type.Optional(name), volume: Type.Optional(name) },
      { ...closed, description: "snapshot, from: names or uuids" },
    ),
    result: SendPlan,
  }),
  receiveList: route({
    method: "GET", path: "/v1/receives", tag: "snapshot",
    summary: "What was received, and what has come of what is being received",
    params: none, query: Type.Object({ volume: Type.Optional(name) }, closed),
    body: noBody, result: Type.Array(ReceiveState),
  }),
  receiveBegin: route({
    method: "POST", path: "/v1/receives", tag: "snapshot",
    summary: "Make the logical volumes that a stream is written into, or go on with it",
    params: none, query: none,
    body: Type.Object(
      {
        volume: name,
        header: StreamHeader,
        name: Type.Optional(name),
        vg: Type.Optional(name),
        force: Type.Optional(Type.Boolean()),
      },
      closed,
    ),
    result: ReceiveBegun,
  }),
  receiveProgress: route({
    method: "PATCH", path: "/v1/receives/:volume", tag: "snapshot",
    summary: "Everything before this place is on the disks",
    params: volume, query: none,
    body: Type.Object({ id: name, place: StreamPlace }, closed), result: StreamPlace,
  }),
  receiveFinish: route({
    method: "POST", path: "/v1/receives/:volume/finish", tag: "snapshot",
    summary: "Make the volume and its snapshot of what has come as a whole",
    params: volume, query: none, body: Type.Object({ id: name }, closed), result: ReceiveDone,
  }),
  receiveAbandon: route({
    method: "DELETE", path: "/v1/receives/:volume", tag: "snapshot",
    summary: "Remove what has come of a receive that is not gone on with",
    params: volume, query: none, body: noBody, result: ReceiveState,
  }),
} as const;
