/** Schemas of schedules, holds and locks. Times are UTC milliseconds. */
import { type Static, Type } from "./schema/schema.ts";
import { SnapshotRemoval } from "./snapshot.ts";

const scheduleName = Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_-]+$" });
const words = Type.String({ minLength: 1, maxLength: 1024 });
const count = Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 }));

export const Retention = Type.Object(
  {
    last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count,
  },
  { additionalProperties: false, description: "how many of each stay; empty: all" },
);
export type Retention = Static<typeof Retention>;

const volumes = Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
  minItems: 1, maxItems: 1024, description: "of one moment, when they are several",
});
const settings = {
  cron: Type.Optional(
    Type.String({
      minLength: 1, maxLength: 256,
      description: "five fields, or six with seconds first; default: what `keep` implies",
    }),
  ),
  timeZone: Type.Optional(Type.String({ maxLength: 64, description: "IANA name; default UTC" })),
  jitterMs: Type.Optional(
    Type.Integer({ minimum: 0, description: "runs are delayed by less than this" }),
  ),
  keep: Type.Optional(Retention),
  missed: Type.Optional(
    Type.Union([Type.Literal("once"), Type.Literal("skip")], {
      description: "a run that nobody could make in time",
    }),
  ),
};

export const ScheduleAddBody = Type.Object(
  { name: scheduleName, volumes, ...settings },
  { additionalProperties: false },
);
export type ScheduleAddBody = Static<typeof ScheduleAddBody>;

export const ScheduleEditBody = Type.Object(
  { volumes: Type.Optional(volumes), ...settings },
  { additionalProperties: false },
);
export type ScheduleEditBody = Static<typeof ScheduleEditBody>;

export const Schedule = Type.Object({
  name: Type.String(),
  volumes: Type.Array(Type.String()),
  cron: Type.String(),
  timeZone: Type.String(),
  jitterMs: Type.Integer(),
  keep: Retention,
  missed: Type.Union([Type.Literal("once"), Type.Literal("skip")]),
  enabled: Type.Boolean(),
  nextMs: Type.Array(Type.Integer(), { description: "the next runs, without jitter" }),
  snapshots: Type.Integer({ minimum: 0, description: "of it, that there are" }),
  lastRun: Type.Optional(
    Type.Object({
      dueMs: Type.Integer(),
      snapshot: Type.Optional(Type.String()),
      error: Type.Optional(Type.String()),
    }),
  ),
  interrupted: Type.Boolean({ description: "a run was begun and has no outcome yet" }),
  retryAtMs: Type.Optional(Type.Integer({ description: "when a failed run is begun again" })),
});
export type Schedule = Static<typeof Schedule>;

export const ScheduleRun = Type.Object({
  schedule: Type.String(),
  dueMs: Type.Integer(),
  snapshot: Type.Optional(Type.String()),
  error: Type.Optional(Type.String()),
  removals: Type.Array(SnapshotRemoval, { description: "what was pruned" }),
});
export type ScheduleRun = Static<typeof ScheduleRun>;

export const SchedulePrunePlan = Type.Object({
  schedule: Type.String(),
  decisions: Type.Array(
    Type.Object({
      name: Type.String(),
      keep: Type.Boolean(),
      reasons: Type.Array(Type.String(), { description: "why it stays" }),
    }),
  ),
  removals: Type.Array(SnapshotRemoval, { description: "empty of a dry run" }),
});
export type SchedulePrunePlan = Static<typeof SchedulePrunePlan>;

export const SchedulePreview = Type.Object({
  cron: Type.String({ description: "what `keep` implies, when none was given" }),
  nextMs: Type.Array(Type.Integer(), { description: "without jitter" }),
  decisions: Type.Array(
    Type.Object({
      name: Type.String(),
      keep: Type.Boolean(),
      reasons: Type.Array(Type.String(), { description: "why it stays" }),
    }),
    { description: "of the snapshots that there are" },
  ),
});
export type SchedulePreview = Static<typeof SchedulePreview>;

const operator = Type.Optional(
  Type.String({
    minLength: 1, maxLength: 1024,
    description: "who asks; refused when the login of the caller says something else",
  }),
);
const untilMs = Type.Integer({ minimum: 0 });

export const SnapshotHoldBody = Type.Object(
  {
    owner: Type.Optional(words), reason: words, untilMs: Type.Optional(untilMs),
  },
  { additionalProperties: false, description: "owner: default is who asks" },
);
export type SnapshotHoldBody = Static<typeof SnapshotHoldBody>;

export const SnapshotReleaseBody = Type.Object(
  { owner: Type.Optional(words) },
  { additionalProperties: false },
);
export const SnapshotLockBody = Type.Object({ untilMs }, { additionalProperties: false });
export const SnapshotUnlockBody = Type.Object({ operator }, { additionalProperties: false });

export const SnapshotUnlocked = Type.Object({
  name: Type.String(),
  uuid: Type.String(),
  pending: Type.Optional(Type.Boolean()),
  unlocked: Type.Boolean({ description: "false: recorded, to be confirmed by another operator" }),
  confirmAfterMs: Type.Integer({ description: "by the cluster's clock" }),
});
export type SnapshotUnlocked = Static<typeof SnapshotUnlocked>;
