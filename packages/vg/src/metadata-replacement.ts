/**
 * Other metadata for a thin pool at rest, made by the caller into the group's spare, and then put
 * in the place of the old one by one commit of the text. Until that commit the pool is as it was;
 * after it, the old metadata is in the LV `POOL_metaN`.
 */
import {
  lvSectors,
  replacePoolMetadata,
  requireLv,
  requireThinPool,
  thinVolumesOf,
  withSpareFor,
  type LogicalVolume,
} from "@mortar/lvm2";
import { flattened } from "@mortar/pool";
import type { SegmentSpec } from "@mortar/pool";
import { BlockFile } from "./block-file.ts";
import type { VgHost } from "./host.ts";
import { commitVg, type LoadedVg } from "./loaded-vg.ts";
import { findPool } from "./pool-host.ts";
import { provenance } from "./provenance.ts";
import { segmentsOf } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";

/** A BlockDevice of the thin package. */
export interface MetadataDevice {
  readonly sizeBytes: number;
  read(offset: number, target: Uint8Array): void;
  write(offset: number, source: Uint8Array): void;
  discard(offset: number, lengthBytes: number): void;
  flush(): void;
}

export interface MetadataAccess {
  /** The metadata as it is; it cannot be written. */
  readonly source: MetadataDevice;
  /** At least as large. */
  readonly target: MetadataDevice;
  /** The transaction id for a pool of which nobody knows any. */
  readonly transactionId: number;
  /** Of the text: a pool with this one, or one less, fits it. */
  readonly textTransactionId: number;
  readonly chunkSectors: number;
  readonly dataBlockCount: number;
  /** Names of the pool's LVs by device id. */
  readonly names: ReadonlyMap<number, string>;
}

export interface MetadataReplacement<T> {
  /** What `fill` returned. */
  readonly made: T;
  /** The LV that has the old metadata. */
  readonly keptAs: string;
}

export async function replaceMetadata<T>(
  host: VgHost,
  loaded: LoadedVg,
  poolName: string,
  fill: (access: MetadataAccess) => T,
  /** The new metadata goes here, and the group is only read: a dry run. */
  instead?: (sizeBytes: number) => MetadataDevice,
): Promise<MetadataReplacement<T>> {
  const { name } = loaded.vg;
  requireThinPool(loaded.vg, poolName);
  if ((await findPool(host, name, poolName)) !== undefined) {
    throw new VgError(
      "in-use",
      `Only inactive pool can be repaired. Deactivate ${name}/${poolName} first: vgchange -an ${name}`,
    );
  }
  const spared = withSpareFor(loaded.vg, poolName, provenance());
  if (instead !== undefined) {
    const made = withDevices({ ...loaded, vg: spared }, poolName, fill, instead);
    return { made, keptAs: replacePoolMetadata(spared, poolName, provenance()).kept.name };
  }
  const prepared = spared === loaded.vg ? loaded : commitVg(loaded, spared);
  const made = withDevices(prepared, poolName, fill);
  const replaced = replacePoolMetadata(prepared.vg, poolName, provenance());
  commitVg(prepared, replaced.vg);
  host.step("text-committed");
  const keptAs = replaced.kept.name;
  host.warn(
    `WARNING: LV ${name}/${keptAs} holds a backup of the unrepaired metadata. Use lvremove when ` +
      "no longer required.",
  );
  if (!replaced.hasSpare) {
    host.warn(
      `WARNING: There is no room for a new spare of the metadata in ${name}; the next repair needs ` +
        `one: vgextend ${name} DEVICE`,
    );
  }
  return { made, keptAs };
}

function withDevices<T>(
  loaded: LoadedVg,
  poolName: string,
  fill: (access: MetadataAccess) => T,
  instead?: (sizeBytes: number) => MetadataDevice,
): T {
  const { vg } = loaded;
  const { segment } = requireThinPool(vg, poolName);
  const spare = vg.logicalVolumes.find((lv) => lv.name.endsWith("_pmspare"));
  if (spare === undefined) throw new Error(`${vg.name} has no spare`);
  const source = new LvFile(loaded, requireLv(vg, segment.metadataLv), "read");
  try {
    const own = instead === undefined ? new LvFile(loaded, spare, "write") : undefined;
    const target = own ?? instead!(source.sizeBytes);
    try {
      const data = lvSectors(vg, requireLv(vg, segment.dataLv));
      const made = fill({
        source,
        target,
        // What is queued has not been performed, and will be at the next activation.
        transactionId: segment.transactionId - (segment.messages.length > 0 ? 1 : 0),
        textTransactionId: segment.transactionId,
        chunkSectors: segment.chunkSectors,
        dataBlockCount: Math.floor(data / segment.chunkSectors),
        names: new Map(
          thinVolumesOf(vg, poolName).map((thin) => [thin.segment.deviceId, thin.lv.name]),
        ),
      });
      target.flush();
      return made;
    } finally {
      own?.close();
    }
  } finally {
    source.close();
  }
}

/** A linear LV that is not active, by its places on the physical volumes. */
class LvFile implements MetadataDevice {
  readonly sizeBytes: number;
  readonly #segments: readonly SegmentSpec[];
  readonly #files = new Map<string, BlockFile>();

  constructor(loaded: LoadedVg, lv: LogicalVolume, access: "read" | "write") {
    this.#segments = flattened(segmentsOf(loaded, lv));
    this.sizeBytes = this.#segments.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    for (const { device } of this.#segments) {
      const path = loaded.devices.get(device);
      if (path === undefined) throw new VgError("pv-missing", `${lv.name} is on a missing disk.`);
      if (!this.#files.has(device)) this.#files.set(device, BlockFile.open(path, access));
    }
  }

  read(offset: number, target: Uint8Array): void {
    this.#each(offset, target, (file, position, part) => file.read(position, part));
  }

  write(offset: number, source: Uint8Array): void {
    this.#each(offset, source, (file, position, part) => file.write(position, part));
  }

  discard(): void {
    // Nothing is gained by it here.
  }

  flush(): void {
    for (const file of this.#files.values()) file.flush();
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
  }

  #each(
    offset: number,
    bytes: Uint8Array,
    work: (file: BlockFile, position: number, part: Uint8Array) => void,
  ): void {
    if (offset + bytes.length > this.sizeBytes) throw new RangeError("behind the end of the LV");
    let start = 0;
    for (const { device, deviceOffsetBytes, lengthBytes } of this.#segments) {
      const begin = Math.max(offset, start);
      const end = Math.min(offset + bytes.length, start + lengthBytes);
      const file = this.#files.get(device);
      if (begin < end && file !== undefined) {
        const part = bytes.subarray(begin - offset, end - offset);
        work(file, deviceOffsetBytes + begin - start, part);
      }
      start += lengthBytes;
    }
  }
}
