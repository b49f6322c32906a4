import type { DeviceTable } from "./device-table.ts";
import { AddressBook } from "./memory-address.ts";
import { PoolError } from "./pool-error.ts";
import { SegmentedDevice } from "./segmented-device.ts";
import type { ServedFiles } from "./served-files.ts";
import type { ServedPool } from "./served-pool.ts";
import type { LinearVolumeSpec, PoolSpec, VolumeSpec } from "./spec.ts";
import type { VolumeStatus } from "./status.ts";
import { LinearVolume } from "./volume.ts";
import type { VolumeBody } from "./volume.ts";
import { planVolumes } from "./volume-plan.ts";

/** Linear LVs without a pool: no engine, no mappings, no journal. */
export class ServedLinear implements ServedPool {
  readonly #uuid: string;
  readonly #devices: DeviceTable;
  readonly #addresses = new AddressBook();
  readonly #open = new Set<SegmentedDevice>();

  constructor(uuid: string, devices: DeviceTable) {
    this.#uuid = uuid;
    this.#devices = devices;
  }

  body(spec: VolumeSpec | LinearVolumeSpec): VolumeBody {
    if (!("segments" in spec))
      throw new PoolError("bad-request", `${spec.name}: a linear volume has segments`);
    const device = new SegmentedDevice(spec.name, spec.segments, this.#devices, this.#addresses);
    if (device.sizeBytes < spec.sizeBytes) {
      const { name, sizeBytes } = spec;
      const message = `${name} is ${sizeBytes} bytes, its segments are ${device.sizeBytes}`;
      throw new PoolError("bad-request", message);
    }
    this.#open.add(device);
    return new LinearVolume(device);
  }

  holdMetadata(): never {
    throw new PoolError("bad-request", "linear volumes have no metadata");
  }

  commit(): void {
    for (const device of this.#open) device.flush();
  }

  descriptorsToFlush(): readonly number[] | undefined {
    if (this.#devices.failure.flushError !== 0) return undefined;
    return [...new Set([...this.#open].flatMap((device) => device.descriptors()))];
  }

  commitIfDirty(): void {
    // There are no mappings.
  }

  message(): never {
    throw new PoolError("bad-request", "linear volumes take no thin pool messages");
  }

  reload(spec: PoolSpec, files: ServedFiles): void {
    if (spec.kind !== "linear" || spec.uuid !== this.#uuid) {
      throw new PoolError(
        "bad-request",
        `${spec.vgName}/${spec.poolName}: the spec is of another server`,
      );
    }
    const changes = planVolumes(spec.volumes, files);
    this.#devices.open(spec.devices);
    changes.apply((volume) => this.body(volume));
    for (const volume of spec.volumes) files.update(volume.name, volume, this.body(volume));
  }

  settings(): { zeroNewBlocks: boolean; errorWhenFull: boolean } {
    return { zeroNewBlocks: false, errorWhenFull: true };
  }

  status(): undefined {
    return undefined;
  }

  mapped(): Partial<VolumeStatus> {
    return {};
  }

  follow(): never {
    throw new PoolError("bad-request", "linear volumes share nothing");
  }

  scanned(): void {
    // Nobody follows.
  }

  unfollow(): void {
    // Nobody follows.
  }

  pin(): never {
    throw new PoolError("bad-request", "linear volumes have no metadata of their own");
  }

  unpin(): boolean {
    return false;
  }

  /** What cannot be made durable was refused to whoever asked for it; it can still be stopped. */
  close(): void {
    if (this.#devices.failure.flushError === 0) this.commit();
    this.#devices.close();
  }
}
