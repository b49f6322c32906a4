export * from "./access.ts";
export { type Answer, Detail, Problem, successOf } from "./answer.ts";
export * from "./brick-report.ts";
export { type EtcdClusterSettings, type NodeConfig, NodeConfigSchema } from "./config.ts";
export {
  ClusterEvent, type EventKind, eventKindOf, eventKinds, EventQuestion, EVENTS_ASKED_MAX,
  type EventSeverity, EventsTold,
} from "./events.ts";
export { followEvents, type FollowOptions } from "./event-stream.ts";
export { conforms, firstMismatch } from "./check.ts";
export {
  type CallInput, MortarClient, type MortarClientOptions, type PagedRoute, PageRefused, type Result,
} from "./client.ts";
export { ApiError, type ApiErrorCode, type MortarPlace } from "./http-exchange.ts";
export * from "./node.ts";
export type { Method, Route } from "./route.ts";
export { IDEMPOTENCY_HEADER, IdempotencyHeaders, takesIdempotencyKey } from "./idempotency.ts";
export { requestHeadersOf } from "./request-headers.ts";
export { isEnough, Role, roleOf } from "./roles.ts";
export { type RouteName, routes } from "./routes.ts";
export { PoolUse } from "./pool.ts";
export * from "./schedule.ts";
export { fromText } from "./schema/from-text.ts";
export * from "./snapshot.ts";
export {
  FileRestored, FileRestoreBody, SnapshotContentQuery, SnapshotFile, SnapshotFiles,
} from "./snapshot-files.ts";
export { type ContentAnswer, type ContentOf, snapshotContent } from "./snapshot-content.ts";
export { SnapshotDiff } from "./snapshot-diff.ts";
export * from "./file-diff.ts";
export type { SnapshotKept } from "./snapshot-kept.ts";
export * from "./space.ts";
export * from "./storage.ts";
export * from "./transfer.ts";
export {
  BookmarkBegun, BookmarkSummary, ReceiveBegun, ReceiveDone, ReceiveState, SendPlan,
} from "./transfer-routes.ts";
export * from "./volume-change.ts";
export * from "./heal.ts";
export * from "./volume.ts";
export { WebhookCreated, WebhookInfo, WebhookTried } from "./webhooks.ts";
export { LockChoice, VolumeTop } from "./volume-top.ts";
export {
  isTaskOver, mayBeTask, PREFER_HEADER, prefersAsync, RESPOND_ASYNC, Task, TaskCount, TaskState,
} from "./task.ts";
export { followTask, type FollowTaskOptions, type TaskSource } from "./task-follow.ts";
export { cursorAt, type Page, pageOf, PageQuery, placeIn } from "./page.ts";
export {
  LOG_LINES_MAX, LogLevel, LogLine, LogQuery, LogsTold, LogUnit,
} from "./logs.ts";
export { StreamError, type StreamErrorCode } from "./stream/stream-error.ts";
export {
  DATA_BYTES_MAX, dataOf, encodeData, encodeFrame, type Frame, FrameReader,
} from "./stream/stream-frame.ts";
export { KeptStream } from "./stream/kept-stream.ts";
export * from "./stream/stream-header.ts";
export { BrickOrder, StreamOrder, type StreamTotals, StreamWriter } from "./stream/stream-order.ts";
export { encodeToken, ResumeToken, tokenOf } from "./stream/stream-token.ts";
