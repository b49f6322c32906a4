/** Routes of snapshots. */
import { Type } from "./schema/schema.ts";
import { pageQuery } from "./page.ts";
import { name, noBody, none, oneOrVolume, force, route, snapshot } from "./route.ts";
import {
  SnapshotChanged,
  SnapshotCloned,
  SnapshotConfig,
  SnapshotConfigBody,
  SnapshotCreateBody,
  SnapshotCreated,
  SnapshotInfoList,
  SnapshotRef,
  SnapshotRemoval,
  SnapshotRestored,
  SnapshotStatus,
} from "./snapshot.ts";
import { SnapshotDiff, SnapshotDiffBody } from "./snapshot-diff.ts";
import { SnapshotReclaim, SnapshotSpace } from "./space.ts";

export const snapshotRoutes = {
  snapshotList: route({
    method: "GET", path: "/v1/snapshots", tag: "snapshot",
    summary: "Snapshots in the order of their creation",
    params: none,
    query: Type.Object(
      {
        ...pageQuery,
        volume: Type.Optional(name),
        safety: Type.Optional(Type.Boolean({ description: "only safety snapshots" })),
      },
      { additionalProperties: false },
    ),
    body: noBody, result: Type.Array(SnapshotRef),
  }),
  snapshotCreate: route({
    method: "POST", path: "/v1/snapshots", tag: "snapshot", summary: "Take a snapshot of a volume",
    params: none, query: none, body: SnapshotCreateBody, result: SnapshotCreated,
  }),
  snapshotDeleteMany: route({
    method: "DELETE", path: "/v1/snapshots", tag: "snapshot",
    summary: "Delete all snapshots, or all of one volume",
    params: none,
    query: Type.Object(
      { all: Type.Optional(Type.Boolean()), volume: Type.Optional(name) },
      { additionalProperties: false, description: "exactly one of the two" },
    ),
    body: noBody, result: Type.Array(SnapshotRemoval),
  }),
  snapshotDelete: route({
    method: "DELETE", path: "/v1/snapshots/:snapshot", tag: "snapshot",
    summary: "Delete one snapshot",
    params: snapshot, query: none, body: noBody, result: SnapshotChanged,
  }),
  snapshotInfo: route({
    method: "GET", path: "/v1/snapshot-info", tag: "snapshot",
    summary: "All snapshots, one, or those of a volume",
    params: none, query: oneOrVolume, body: noBody, result: SnapshotInfoList,
  }),
  snapshotStatus: route({
    method: "GET", path: "/v1/snapshot-status", tag: "snapshot",
    summary: "Bricks of all snapshots, of one, or of those of a volume",
    params: none, query: oneOrVolume, body: noBody, result: Type.Array(SnapshotStatus),
  }),
  snapshotReclaim: route({
    method: "POST", path: "/v1/snapshot-reclaim", tag: "snapshot",
    summary: "What deleting these snapshots, all together, gives back",
    params: none, query: none,
    body: Type.Object(
      { snapshots: Type.Array(name, { minItems: 1, maxItems: 10_000 }) },
      { additionalProperties: false },
    ),
    result: SnapshotReclaim,
  }),
  snapshotSpace: route({
    method: "GET", path: "/v1/snapshot-space", tag: "snapshot",
    summary: "Referenced, exclusive and shared bytes of one snapshot, of a volume's, or of all",
    params: none,
    query: Type.Object(
      {
        snapshot: Type.Optional(name),
        volume: Type.Optional(name),
        safety: Type.Optional(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
    body: noBody, result: Type.Array(SnapshotSpace),
  }),
  snapshotDiff: route({
    method: "POST", path: "/v1/snapshot-diff", tag: "snapshot",
    summary: "In which chunks the bricks of two snapshots differ, or of one and the present",
    params: none, query: none, body: SnapshotDiffBody, result: SnapshotDiff,
  }),
  snapshotActivate: route({
    method: "POST", path: "/v1/snapshots/:snapshot/activate", tag: "snapshot",
    summary: "Mount and serve a snapshot",
    params: snapshot, query: none, body: force, result: SnapshotChanged,
  }),
  snapshotView: route({
    method: "POST", path: "/v1/snapshots/:snapshot/view", tag: "snapshot",
    summary: "For this node's snapshot daemon: activate a snapshot while it is looked into",
    params: snapshot, query: none,
    body: Type.Object(
      {
        open: Type.Boolean(),
        reader: Type.Optional(
          Type.Literal("files", { description: "the reader of files; absent: that daemon" }),
        ),
      },
      { additionalProperties: false },
    ),
    result: SnapshotChanged,
  }),
  snapshotDeactivate: route({
    method: "POST", path: "/v1/snapshots/:snapshot/deactivate", tag: "snapshot",
    summary: "Stop serving a snapshot",
    params: snapshot, query: none, body: none, result: SnapshotChanged,
  }),
  snapshotRestore: route({
    method: "POST", path: "/v1/snapshots/:snapshot/restore", tag: "snapshot",
    summary: "Put volumes back to a snapshot; started ones only with `online`",
    params: snapshot, query: none,
    body: Type.Object(
      {
        volume: Type.Optional(name),
        safety: Type.Optional(
          Type.Boolean({ description: "keep the present as a safety snapshot; default true" }),
        ),
        online: Type.Optional(Type.Boolean({ description: "also of a started volume" })),
      },
      { additionalProperties: false },
    ),
    result: SnapshotRestored,
  }),
  snapshotClone: route({
    method: "POST", path: "/v1/snapshots/:snapshot/clone", tag: "snapshot",
    summary: "Make a volume of an activated snapshot",
    params: snapshot, query: none,
    body: Type.Object(
      { name, volume: Type.Optional(name) },
      { additionalProperties: false, description: "volume: of a snapshot of several, which one" },
    ),
    result: SnapshotCloned,
  }),
  snapshotConfigGet: route({
    method: "GET", path: "/v1/snapshot-config", tag: "snapshot",
    summary: "Limits and defaults of the system and of volumes",
    params: none,
    query: Type.Object({ volume: Type.Optional(name) }, { additionalProperties: false }),
    body: noBody, result: SnapshotConfig,
  }),
  snapshotConfigSet: route({
    method: "PATCH", path: "/v1/snapshot-config", tag: "snapshot",
    summary: "Change limits and defaults of the system or of a volume",
    params: none, query: none, body: SnapshotConfigBody, result: SnapshotConfig,
  }),
} as const;
