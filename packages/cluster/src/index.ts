export * from "./command.ts";
export * from "./node-command.ts";
export * from "./plan-command.ts";
export type { PoolGain } from "./reclaim.ts";
export * from "./snapshot-command.ts";
export * from "./schedule-command.ts";
export type { ScheduleDocument } from "./schedule-document.ts";
export * from "./brick-storage.ts";
export * from "./storage-command.ts";
export type { PoolReport } from "./pool-list.ts";
export * from "./transfer-command.ts";
export * from "./transfer-document.ts";
export * from "./heal-command.ts";
export * from "./heal-effect.ts";
export type { HealState } from "./heal-judgement.ts";
export * from "./volume-change-command.ts";
export type * from "./brick-top.ts";
export * from "./volume-command.ts";
export { servedBricks } from "./brick.ts";
export { type Command, commands } from "./commands.ts";
export { type CommitResult, Coordinator, type Host, type Turn } from "./drive.ts";
export * from "./effect.ts";
export { CommandFailure, errno, failureTitles } from "./failure.ts";
export { type Entry, Fence, type Stamp, Stamps } from "./fence.ts";
export { claimsOn } from "./lv-claim.ts";
export { nodeOfHost, nodesInOrder } from "./membership.ts";
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
export { isTickDue } from "./schedule-run.ts";
export { hasSnapshotView } from "./snapshot-view.ts";
export { healingNodes, selfHealDaemonName } from "./self-heal.ts";
export {
  isInServerQuorum, serverQuorumChange, takesPartInServerQuorum,
} from "./server-quorum.ts";
export * from "./state.ts";
export {
  type BrickEngine,
  brickEngineOf,
  describeSnapVolume,
  describeVolume,
  type VolfileAnswer,
  volfileFor,
  type VolfileRequest,
} from "./volfile-request.ts";
