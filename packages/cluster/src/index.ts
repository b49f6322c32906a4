export * from "./command.ts";
export { type Command, commands } from "./commands.ts";
export { type CommitResult, Coordinator, type Host, type Turn } from "./drive.ts";
export * from "./effect.ts";
export { CommandFailure, errno, failureTitles } from "./failure.ts";
export {
  applyChanges,
  emptyState,
  keyOf,
  StateError,
  type StateErrorCode,
  stateOf,
  type StoredEntry,
  type ToldChange,
} from "./key-space.ts";
export * from "./plan-command.ts";
export * from "./state.ts";

export { servedBricks } from "./bricks/brick.ts";
export type * from "./bricks/brick-effects.ts";
export * from "./bricks/brick-storage.ts";
export type * from "./bricks/brick-top.ts";
export { claimsOn } from "./bricks/lv-claim.ts";
export type { PoolReport } from "./bricks/pool-list.ts";
export type { PoolGain } from "./bricks/reclaim.ts";
export * from "./bricks/storage-command.ts";
export type * from "./bricks/storage-effects.ts";

export * from "./heal/heal-command.ts";
export type * from "./heal/heal-effects.ts";
export type { HealState } from "./heal/heal-judgement.ts";
export { healingNodes, selfHealDaemonName } from "./heal/self-heal.ts";

export { type Entry, Fence, type Stamp, Stamps } from "./nodes/fence.ts";
export { nodeOfHost, nodesInOrder } from "./nodes/membership.ts";
export * from "./nodes/node-command.ts";
export {
  isInServerQuorum, serverQuorumChange, takesPartInServerQuorum,
} from "./nodes/server-quorum.ts";

export * from "./schedules/schedule-command.ts";
export type { ScheduleDocument } from "./schedules/schedule-document.ts";
export { isTickDue } from "./schedules/schedule-run.ts";

export type * from "./snapshots/hold-effects.ts";
export { partsOfCut } from "./snapshots/snapshot-cut.ts";
export * from "./snapshots/snapshot-command.ts";
export { hasSnapshotView } from "./snapshots/snapshot-view.ts";

export * from "./transfer/transfer-command.ts";
export * from "./transfer/transfer-document.ts";

export type * from "./volumes/rebalance-effects.ts";
export {
  type BrickEngine,
  brickEngineOf,
  describeSnapVolume,
  describeVolume,
  type VolfileAnswer,
  volfileFor,
  type VolfileRequest,
} from "./volumes/volfile-request.ts";
export * from "./volumes/volume-change-command.ts";
export * from "./volumes/volume-command.ts";
