export { type Answer, Detail, Problem, successOf } from "./answer.ts";
export * from "./brick-report.ts";
export { type NodeConfig, NodeConfigSchema } from "./config.ts";
export { conforms, firstMismatch, fromText } from "./check.ts";
export {
  ApiError,
  type ApiErrorCode,
  MortarClient,
  type MortarClientOptions,
  type Result,
} from "./client.ts";
export * from "./node.ts";
export type { Method, Route } from "./route.ts";
export { type RouteName, routes } from "./routes.ts";
export * from "./schedule.ts";
export * from "./snapshot.ts";
export { SnapshotDiff } from "./snapshot-diff.ts";
export type { SnapshotKept } from "./snapshot-kept.ts";
export * from "./space.ts";
export * from "./storage.ts";
export * from "./volume-change.ts";
export * from "./volume.ts";
