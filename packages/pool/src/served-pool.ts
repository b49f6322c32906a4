/** What a worker serves, seen from the requests: a pool engine over its devices, or linear LVs. */
import type { MappingJournal } from "@mortar/thin";
import { DeviceTable } from "./device-table.ts";
import type { FlushFailure } from "./device-table.ts";
import { poolErrorOf } from "./errno-table.ts";
import type { PoolProtection } from "./protection.ts";
import type { ServedFiles } from "./served-files.ts";
import { ServedLinear } from "./served-linear.ts";
import { ServedThinPool } from "./served-thin-pool.ts";
import type { LinearVolumeSpec, PoolMessage, PoolSpec, VolumeSpec } from "./spec.ts";
import type { EngineStatus, VolumeStatus } from "./status.ts";
import type { VolumeBody } from "./volume.ts";
import type { PinnedState } from "./worker-messages.ts";

export interface ServedPool {
  body(spec: VolumeSpec | LinearVolumeSpec): VolumeBody;
  /** Everything acknowledged so far is durable when it returns. */
  commit(): void;
  /**
   * What to flush where a commit is no more than that; undefined when mappings changed, or a flush
   * has failed.
   */
  descriptorsToFlush(): readonly number[] | undefined;
  /** Commit if mappings changed since the last time. */
  commitIfDirty(): void;
  message(
    messages: readonly PoolMessage[],
    transactionId: number,
    files: ServedFiles,
  ): "done" | "unchanged";
  /**
   * Grow, take over settings, perform pending messages, and bring the served LVs to what the spec
   * says.
   */
  reload(spec: PoolSpec, files: ServedFiles): void;
  status(): EngineStatus | undefined;
  /** `zeroNewBlocks`: what is unmapped reads as zeros. `errorWhenFull`: writes do not wait for room. */
  settings(): {
    readonly zeroNewBlocks: boolean;
    readonly errorWhenFull: boolean;
    readonly protection?: PoolProtection | undefined;
  };
  /** The metadata snapshot of dm-thin: `unchanged` when it is, or is not, there already. */
  holdMetadata(hold: boolean): "done" | "unchanged";
  mapped(deviceId: number): Partial<VolumeStatus>;
  /** See ThinPool.follow; the changes are written into `log`, see SpaceLogWriter. */
  follow(log: SharedArrayBuffer): Uint8Array;
  scanned(): void;
  unfollow(): void;
  /** See ThinPool.pinCommitted. */
  pin(): PinnedState;
  unpin(): boolean;
  close(): void;
}

/**
 * Open devices and engine. `onTouch` is called before mappings may change. `failure` is where
 * flushes that somebody else did on these devices are noted, when they failed. Throws PoolError;
 * nothing stays open then.
 */
export function openServedPool(
  spec: PoolSpec,
  journal: () => MappingJournal,
  onTouch: () => void,
  failure?: FlushFailure,
): ServedPool {
  const devices = new DeviceTable(failure);
  const subject = `${spec.vgName}/${spec.poolName}`;
  try {
    devices.open(spec.devices);
    return spec.kind === "linear"
      ? new ServedLinear(spec.uuid, devices)
      : new ServedThinPool(subject, spec, devices, journal(), onTouch);
  } catch (error) {
    devices.close();
    throw poolErrorOf(error, subject);
  }
}
