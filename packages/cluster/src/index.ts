export * from "./command.ts";
export { type Command, commands } from "./commands.ts";
export { type CommitResult, Coordinator, type Host } from "./drive.ts";
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
} from "./key-space.ts";
export * from "./state.ts";
export {
  describeSnapVolume,
  describeVolume,
  type VolfileAnswer,
  volfileFor,
  type VolfileRequest,
} from "./volfile-request.ts";
