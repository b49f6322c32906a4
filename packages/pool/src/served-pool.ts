/** What a worker serves, seen from the requests: a pool engine over its devices, or linear LVs. */
import type { MappingJournal } from "@mortar/thin";
import { DeviceTable } from "./device-table.ts";
import { poolErrorOf } from "./errno-table.ts";
import type { ServedFiles } from "./served-files.ts";
import { ServedLinear } from "./served-linear.ts";
import { ServedThinPool } from "./served-thin-pool.ts";
import type { LinearVolumeSpec, PoolMessage, PoolSpec, VolumeSpec } from "./spec.ts";
import type { EngineStatus, VolumeStatus } from "./status.ts";
import type { VolumeBody } from "./volume.ts";

export interface ServedPool {
  body(spec: VolumeSpec | LinearVolumeSpec): VolumeBody;
  /** Everything acknowledged so far is durable when it returns. */
  commit(): void;
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
  mapped(deviceId: number): Partial<VolumeStatus>;
  close(): void;
}

/**
 * Open devices and engine. `onTouch` is called whenever mappings may have changed. Throws
 * PoolError; nothing stays open then.
 */
export function openServedPool(
  spec: PoolSpec,
  journal: () => MappingJournal,
  onTouch: () => void,
): ServedPool {
  const devices = new DeviceTable();
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
