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
  StripePlace,
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
export { parseAddress } from "./nbd-listener.ts";
export type { NbdAddress, NbdListener, NbdStatus } from "./nbd-listener.ts";
export type { DeviceSpace, SpaceReport } from "./space.ts";
export type { PoolClient } from "./client.ts";
export { connectPool, holdPoolMetadata } from "./client.ts";
export { startPool } from "./start.ts";
export { replaceProcesses } from "./upgrade.ts";
export type { ReplacedProcesses, RunningProcesses } from "./upgrade.ts";
export { poolRunDirectory } from "./run-directory.ts";
export type { MetadataBackups, PoolProtection } from "./protection.ts";
export { DEFAULT_PROTECTION } from "./protection.ts";
export type { EventSeverity, PoolEvent, PoolEventKind } from "./pool-events.ts";
export { appendPoolEvent, readPoolEvents } from "./pool-events.ts";
export { lockForLife, pidOfLocker } from "./life-lock.ts";
export { outsideGuard } from "./outside-guard.ts";
export { flattened, stripeLengthOf, stripesOf } from "./segment-stripes.ts";
