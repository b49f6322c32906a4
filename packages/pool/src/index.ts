export { PoolError } from "./pool-error.ts";
export type { PoolErrorCode } from "./pool-error.ts";
export type {
  DeviceSpec,
  Discards,
  LinearSpec,
  LinearVolumeSpec,
  PoolMessage,
  PoolSpec,
  SegmentSpec,
  ThinPoolSpec,
  VolumeSpec,
} from "./spec.ts";
export type {
  EngineStatus,
  PoolMode,
  PoolStatus,
  RequestCounters,
  VolumeStatus,
} from "./status.ts";
export type { PoolClient } from "./client.ts";
export { connectPool } from "./client.ts";
export { startPool } from "./start.ts";
export { poolRunDirectory } from "./run-directory.ts";
