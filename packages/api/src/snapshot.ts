/** Schemas of snapshots, in the words of `snapshot info`, `status` and `config`. */
import { type Static, Type } from "./schema/schema.ts";
import { keptFields } from "./snapshot-kept.ts";

export const SnapshotCreateBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 1024 }),
    volume: Type.String({ minLength: 1, maxLength: 1024 }),
    volumes: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
        maxItems: 1024, description: "further volumes, of the same moment",
      }),
    ),
    timestamp: Type.Optional(
      Type.Boolean({ description: "append _GMT-YYYY.MM.DD-HH.MM.SS; default true" }),
    ),
    description: Type.Optional(Type.String({ maxLength: 65_536 })),
  },
  { additionalProperties: false },
);
export type SnapshotCreateBody = Static<typeof SnapshotCreateBody>;

export const Consistency = Type.Union(
  [Type.Literal("crash"), Type.Literal("file-system-frozen"), Type.Literal("application")],
  { description: "how consistent the snapshot is" },
);
export type Consistency = Static<typeof Consistency>;

export const SnapshotCreated = Type.Object({
  name: Type.String({ description: "with its timestamp" }),
  uuid: Type.String(),
  volume: Type.String(),
  pauseMs: Type.Optional(Type.Number({ description: "longest time that writes were held" })),
  softLimitReached: Type.Boolean({ description: "print the soft-limit warning of stock" }),
  autoDeleted: Type.Array(Type.String(), { description: "snapshots that auto-delete removed" }),
});
export type SnapshotCreated = Static<typeof SnapshotCreated>;

export const SnapshotDeleting = Type.Object(
  {
    since: Type.Integer({ description: "seconds since 1970, UTC" }),
    left: Type.Array(
      Type.Object({ host: Type.String(), object: Type.String() }),
      { description: "logical volumes that are not removed yet" },
    ),
  },
  { description: "present while its deletion, which is decided, is not finished" },
);
export type SnapshotDeleting = Static<typeof SnapshotDeleting>;

export const SnapshotRef = Type.Object({
  name: Type.String(),
  uuid: Type.String(),
  volume: Type.String({ description: "origin volume; the first of several" }),
  volumes: Type.Optional(Type.Array(Type.String(), { description: "when it is of several" })),
  createdAt: Type.Integer({ description: "seconds since 1970, UTC" }),
  safety: Type.Boolean({ description: "kept by a restore; not shown by stock's commands" }),
  deleting: Type.Optional(SnapshotDeleting),
  ...keptFields,
});
export type SnapshotRef = Static<typeof SnapshotRef>;

export const SnapVolume = Type.Object({
  name: Type.String({ description: "32 hex digits" }),
  status: Type.Union([Type.Literal("Started"), Type.Literal("Stopped")]),
  originVolume: Type.String(),
  snapsTaken: Type.Integer({ minimum: 0, description: "of the origin" }),
  snapsAvailable: Type.Integer({ minimum: 0, description: "of the origin" }),
});
export type SnapVolume = Static<typeof SnapVolume>;

export const SnapshotInfo = Type.Object({
  name: Type.String(),
  uuid: Type.String(),
  description: Type.Optional(Type.String()),
  createdAt: Type.Integer({ description: "seconds since 1970, UTC" }),
  safety: Type.Boolean(),
  consistency: Type.Optional(Consistency),
  pauseMs: Type.Optional(Type.Number()),
  phases: Type.Optional(
    Type.Record(Type.Number(), {
      description: "milliseconds of each part of taking it; writes are held from drain to release",
    }),
  ),
  hooks: Type.Optional(
    Type.Array(
      Type.Object({
        node: Type.String(), name: Type.String(), error: Type.Optional(Type.String()),
      }),
      { description: "what was asked to be quiet meanwhile; error: it was not, or not woken" },
    ),
  ),
  drain: Type.Optional(
    Type.Object(
      {
        complete: Type.Boolean({ description: "no client was in the middle of a step" }),
        tookMs: Type.Number(),
        left: Type.Integer({ minimum: 0, description: "owners of locks not given back in time" }),
      },
      { description: "present when steps of clients over several bricks were waited for" },
    ),
  ),
  snapVolumes: Type.Array(SnapVolume),
  deleting: Type.Optional(SnapshotDeleting),
  ...keptFields,
});
export type SnapshotInfo = Static<typeof SnapshotInfo>;

export const SnapshotInfoList = Type.Object({
  volume: Type.Optional(
    Type.Object(
      {
        name: Type.String(),
        snapsTaken: Type.Integer({ minimum: 0 }),
        snapsAvailable: Type.Integer({ minimum: 0 }),
      },
      { description: "present when the question was about one volume" },
    ),
  ),
  snapshots: Type.Array(SnapshotInfo),
});
export type SnapshotInfoList = Static<typeof SnapshotInfoList>;

export const SnapshotBrick = Type.Object({
  host: Type.String(),
  path: Type.String(),
  volumeGroup: Type.Optional(Type.String({ description: "absent: N/A" })),
  running: Type.Optional(Type.Boolean({ description: "absent: N/A" })),
  pid: Type.Optional(Type.Integer({ description: "absent: N/A" })),
  dataPercent: Type.Optional(Type.String({ description: "as lvs prints it, `9.34`" })),
  lvSize: Type.Optional(Type.String({ description: "as lvs prints it, `800.00m`" })),
});
export type SnapshotBrick = Static<typeof SnapshotBrick>;

export const SnapshotStatus = Type.Object({
  name: Type.String(),
  uuid: Type.String(),
  activated: Type.Boolean({ description: "false: the group is `N/A (Deactivated Snapshot)`" }),
  deleting: Type.Optional(SnapshotDeleting),
  bricks: Type.Array(SnapshotBrick),
});
export type SnapshotStatus = Static<typeof SnapshotStatus>;

export const SnapshotRestored = Type.Object({
  name: Type.String(),
  uuid: Type.String(),
  volume: Type.String({ description: "origin volume" }),
  volumeId: Type.String(),
  safetySnapshot: Type.Optional(Type.String({ description: "where the present was kept" })),
  others: Type.Optional(
    Type.Array(
      Type.Object({
        volume: Type.String(),
        volumeId: Type.String(),
        safetySnapshot: Type.Optional(Type.String()),
      }),
      { description: "further volumes of the snapshot" },
    ),
  ),
});
export type SnapshotRestored = Static<typeof SnapshotRestored>;

const pending = Type.Optional(
  Type.Boolean({ description: "of a deletion: recorded, finished when all can be reached" }),
);
export const SnapshotChanged = Type.Object({ name: Type.String(), uuid: Type.String(), pending });
export type SnapshotChanged = Static<typeof SnapshotChanged>;

export const SnapshotCloned = Type.Object({
  name: Type.String({ description: "the new volume" }),
  id: Type.String({ description: "volume id of the new volume" }),
});
export type SnapshotCloned = Static<typeof SnapshotCloned>;

export const SnapshotRemoval = Type.Object({
  name: Type.String(),
  uuid: Type.String(),
  removed: Type.Boolean(),
  pending,
  opErrno: Type.Optional(Type.Integer({ description: "when not removed" })),
  opErrstr: Type.Optional(Type.String({ description: "when not removed" })),
});
export type SnapshotRemoval = Static<typeof SnapshotRemoval>;

export const SnapshotConfig = Type.Object({
  system: Type.Object({
    hardLimit: Type.Integer(),
    softLimitPercent: Type.Integer(),
    autoDelete: Type.Boolean(),
    activateOnCreate: Type.Boolean(),
    words: Type.Optional(Type.Object(
      { autoDelete: Type.String(), activateOnCreate: Type.String() },
      { description: "the two as they were typed: `on`; `enable` or `disable` when nobody did" },
    )),
  }),
  volumes: Type.Array(
    Type.Object({
      name: Type.String(),
      hardLimit: Type.Integer(),
      effectiveHardLimit: Type.Integer(),
      effectiveSoftLimit: Type.Integer({ description: "a count of snapshots" }),
    }),
  ),
});
export type SnapshotConfig = Static<typeof SnapshotConfig>;

export const SnapshotConfigBody = Type.Object(
  {
    volume: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    hardLimit: Type.Optional(Type.Number()),
    softLimitPercent: Type.Optional(Type.Number()),
    autoDelete: Type.Optional(Type.String({ maxLength: 64, description: "as typed: `enable`" })),
    activateOnCreate: Type.Optional(Type.String({ maxLength: 64, description: "as typed" })),
  },
  { additionalProperties: false },
);
export type SnapshotConfigBody = Static<typeof SnapshotConfigBody>;
