/** Routes of schedules, and of what keeps a snapshot from being removed. */
import { Type } from "./schema/schema.ts";
import { name, noBody, none, route, snapshot } from "./route.ts";
import {
  Schedule, ScheduleAddBody, ScheduleEditBody, SchedulePreview, SchedulePrunePlan, ScheduleRun, SnapshotHoldBody,
  SnapshotLockBody, SnapshotReleaseBody, SnapshotUnlockBody, SnapshotUnlocked,
} from "./schedule.ts";
import { SnapshotChanged } from "./snapshot.ts";

const schedule = Type.Object({ schedule: name });
const one = { name: Type.Optional(name) };

export const scheduleRoutes = {
  scheduleList: route({
    method: "GET", path: "/v1/schedules", tag: "snapshot", summary: "One schedule, or all",
    params: none, query: Type.Object(one, { additionalProperties: false }),
    body: noBody, result: Type.Array(Schedule),
  }),
  scheduleAdd: route({
    method: "POST", path: "/v1/schedules", tag: "snapshot",
    summary: "Have snapshots made and pruned by the clock",
    params: none, query: none, body: ScheduleAddBody, result: Schedule,
  }),
  scheduleEdit: route({
    method: "PATCH", path: "/v1/schedules/:schedule", tag: "snapshot",
    summary: "Change a schedule; what is not given stays",
    params: schedule, query: none, body: ScheduleEditBody, result: Schedule,
  }),
  schedulePreview: route({
    method: "POST", path: "/v1/schedule-preview/:schedule", tag: "snapshot",
    summary: "When a schedule would run, and what it would prune, if it were set so",
    params: schedule, query: none, body: ScheduleEditBody, result: SchedulePreview,
  }),
  scheduleDelete: route({
    method: "DELETE", path: "/v1/schedules/:schedule", tag: "snapshot",
    summary: "Forget a schedule; its snapshots stay",
    params: schedule, query: none, body: noBody, result: Type.Object({ name: Type.String() }),
  }),
  scheduleRun: route({
    method: "POST", path: "/v1/schedules/:schedule/run", tag: "snapshot",
    summary: "Make a snapshot of a schedule at once, and prune",
    params: schedule, query: none, body: none, result: ScheduleRun,
  }),
  scheduleSet: route({
    method: "POST", path: "/v1/schedule-state", tag: "snapshot",
    summary: "Enable or disable one schedule, or all",
    params: none, query: none,
    body: Type.Object({ ...one, enabled: Type.Boolean() }, { additionalProperties: false }),
    result: Type.Array(Schedule),
  }),
  schedulePrune: route({
    method: "POST", path: "/v1/schedule-prune", tag: "snapshot",
    summary: "Remove what the policies of schedules do not keep",
    params: none, query: none,
    body: Type.Object(
      { ...one, dryRun: Type.Optional(Type.Boolean()) },
      { additionalProperties: false },
    ),
    result: Type.Array(SchedulePrunePlan),
  }),
  snapshotHold: route({
    method: "POST", path: "/v1/snapshots/:snapshot/hold", tag: "snapshot",
    summary: "Keep a snapshot from being removed, for a reason",
    params: snapshot, query: none, body: SnapshotHoldBody, result: SnapshotChanged,
  }),
  snapshotRelease: route({
    method: "POST", path: "/v1/snapshots/:snapshot/release", tag: "snapshot",
    summary: "End a hold",
    params: snapshot, query: none, body: SnapshotReleaseBody, result: SnapshotChanged,
  }),
  snapshotLock: route({
    method: "POST", path: "/v1/snapshots/:snapshot/lock", tag: "snapshot",
    summary: "Lock a snapshot until a time, which can be extended and not shortened",
    params: snapshot, query: none, body: SnapshotLockBody, result: SnapshotChanged,
  }),
  snapshotUnlock: route({
    method: "POST", path: "/v1/snapshots/:snapshot/unlock", tag: "snapshot",
    summary: "Ask that a lock be removed, or confirm what another operator asked",
    params: snapshot, query: none, body: SnapshotUnlockBody, result: SnapshotUnlocked,
  }),
} as const;
