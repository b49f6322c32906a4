/** Where a pool's metadata is read: a file, a disk, or the extents of VG/POOL on given disks. */
import { existsSync } from "node:fs";
import {
  byteSegments,
  type ByteSegment,
  lvSectors,
  type MetadataText,
  readPhysicalVolume,
  requireThinPool,
  thinVolumesOf,
  type VolumeGroup,
} from "@mortar/lvm2";
import type { BlockDevice, GeometryOverrides } from "@mortar/thin";
import { FileDevice } from "./file-device.ts";
import { isLive, requireFileNotLive, requireNotLive } from "./live-pool.ts";
import { type PoolWords, UsageError } from "./pool-words.ts";

export interface MetadataSource {
  readonly name: string;
  readonly metadata: BlockDevice;
  /** What it lies on: none of these may be a target. */
  readonly files: readonly FileDevice[];
  /** What LVM's text says of the pool; empty for a plain file. */
  readonly geometry: GeometryOverrides;
  /** Names of LVs by device id; empty for a plain file. */
  readonly names: ReadonlyMap<number, string>;
  /** The words that name it in a further command. */
  readonly words: string;
  /** The pool is active: what its metadata snapshot holds stays, and nothing else. */
  readonly isHeld: boolean;
}

/**
 * Opens the source, calls `use`, and closes it again. A pool that is active is read through a
 * metadata snapshot, which its server takes and lets go of. Throws `UsageError`.
 */
export async function withSource<T>(
  words: PoolWords,
  root: string,
  use: (source: MetadataSource) => T,
): Promise<T> {
  const [name = ""] = words.positionals;
  const pool = poolNamed(words);
  if (pool === undefined) return withFile(name, root, use);
  const { vgName, poolName } = pool;
  const pvs = words.all("--pv");
  if (pvs.length > 0 && !isLive(root, vgName, poolName)) return onDisks(pvs, pool, use);
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    requireNotLive(root, vgName, poolName);
    throw new UsageError(
      `Only root on Linux can look for ${name}, which is no file. Name its disks with --pv FILE.`,
    );
  }
  // These have the parts that need Linux, and are loaded only where a pool may be active.
  const { openGroups } = await import("./live-groups.ts");
  const groups = await openGroups(root);
  const disks = await groups.disksOf(vgName);
  if (disks === undefined) {
    requireNotLive(root, vgName, poolName);
    throw new UsageError(
      `There is no file ${name}, and no volume group ${vgName} on the disks that are scanned. ` +
        "Name its disks with --pv FILE.",
    );
  }
  return await groups.withHeldMetadata({ vg: vgName, pool: poolName }, async (isHeld) => {
    if (!isHeld) requireNotLive(root, vgName, poolName);
    return await Promise.resolve(
      onDisks(pvs.length > 0 ? pvs : disks, pool, (source) => use({ ...source, isHeld })),
    );
  });
}

/** The same for a tool that wants all of it, so that the pool must not be active. */
export async function withSourceAtRest<T>(
  words: PoolWords,
  root: string,
  use: (source: MetadataSource) => T,
): Promise<T> {
  const pool = poolNamed(words);
  if (pool !== undefined) requireNotLive(root, pool.vgName, pool.poolName);
  return await withSource(words, root, use);
}

/** An active pool is always read through its snapshot. */
export function readsSnapshot(words: PoolWords, source: MetadataSource): boolean {
  return source.isHeld || words.has("--metadata-snap");
}

interface PoolName {
  readonly vgName: string;
  readonly poolName: string;
}

/** Undefined for a file or a device. */
function poolNamed(words: PoolWords): PoolName | undefined {
  const [name = ""] = words.positionals;
  const hasPvs = words.all("--pv").length > 0;
  const [, vgName, poolName] = /^(?:\/dev\/)?([^/]+)\/([^/]+)$/.exec(name) ?? [];
  if (vgName !== undefined && poolName !== undefined && (hasPvs || !existsSync(name))) {
    return { vgName, poolName };
  }
  if (hasPvs) throw new UsageError(`With --pv the pool is named VG/POOL, not ${name}.`);
  return undefined;
}

function withFile<T>(name: string, root: string, use: (source: MetadataSource) => T): T {
  const file = new FileDevice(name, "r");
  try {
    requireFileNotLive(root, file);
    return use({
      name,
      metadata: file,
      files: [file],
      geometry: {},
      names: new Map(),
      words: name,
      isHeld: false,
    });
  } finally {
    file.close();
  }
}

function onDisks<T>(
  paths: readonly string[],
  pool: PoolName,
  use: (source: MetadataSource) => T,
): T {
  const files: FileDevice[] = [];
  try {
    for (const path of paths) files.push(new FileDevice(path, "r"));
    return use(poolOnDisks(pool, files));
  } finally {
    for (const file of files) file.close();
  }
}

function poolOnDisks(
  { vgName, poolName }: PoolName,
  files: readonly FileDevice[],
): MetadataSource {
  const byId = new Map<string, FileDevice>();
  const texts: MetadataText[] = [];
  for (const file of files) {
    const contents = readPhysicalVolume(file);
    if (contents === undefined) throw new UsageError(`${file.name} is no physical volume.`);
    byId.set(contents.label.id, file);
    if (contents.metadata?.vg.name === vgName) texts.push(contents.metadata);
  }
  const newest = texts.toSorted((a, b) => b.vg.seqno - a.vg.seqno)[0];
  if (newest === undefined) {
    throw new UsageError(`None of the disks given knows a volume group ${vgName}.`);
  }
  return sourceInGroup(newest.vg, poolName, byId, files);
}

function sourceInGroup(
  vg: VolumeGroup,
  poolName: string,
  byId: ReadonlyMap<string, FileDevice>,
  files: readonly FileDevice[],
): MetadataSource {
  const pool = requireThinPool(vg, poolName);
  const { metadataLv, dataLv, chunkSectors, transactionId } = pool.segment;
  const data = vg.logicalVolumes.find((lv) => lv.name === dataLv);
  if (data === undefined) throw new UsageError(`${vg.name}/${poolName} has no data in its text.`);
  const dataBlockCount = Math.floor(lvSectors(vg, data) / chunkSectors);
  const names = new Map(
    thinVolumesOf(vg, poolName).map(({ lv, segment }) => [segment.deviceId, lv.name]),
  );
  return {
    name: `${vg.name}/${poolName}`,
    metadata: new SegmentDevice(byteSegments(vg, metadataLv), byId),
    files,
    geometry: { transactionId, dataBlockSectors: chunkSectors, dataBlockCount },
    names,
    isHeld: false,
    words: `${vg.name}/${poolName} ${files.map((file) => `--pv ${file.name}`).join(" ")}`,
  };
}

/** An LV made of runs of disks, to be read only. */
class SegmentDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly #runs: readonly (ByteSegment & { readonly file: FileDevice })[];

  constructor(segments: readonly ByteSegment[], byId: ReadonlyMap<string, FileDevice>) {
    this.#runs = segments.map((segment) => {
      const file = byId.get(segment.pvId);
      if (file === undefined) {
        throw new UsageError(
          `The metadata also lies on the physical volume ${segment.pvId}, last seen as ` +
            `${segment.device}. Give it with --pv.`,
        );
      }
      if (segment.pvOffsetBytes + segment.lengthBytes > file.sizeBytes) {
        throw new UsageError(`${file.name} is smaller than its volume group says.`);
      }
      return { ...segment, file };
    });
    const last = this.#runs.at(-1);
    this.sizeBytes = last === undefined ? 0 : last.lvOffsetBytes + last.lengthBytes;
  }

  /** Extents are multiples of a sector and metadata blocks are read whole, so runs may cut them. */
  read(offset: number, target: Uint8Array): void {
    let done = 0;
    for (const { file, lvOffsetBytes, lengthBytes, pvOffsetBytes } of this.#runs) {
      const at = offset + done - lvOffsetBytes;
      if (at < 0 || at >= lengthBytes || done === target.length) continue;
      const part = target.subarray(done, done + Math.min(target.length - done, lengthBytes - at));
      file.read(pvOffsetBytes + at, part);
      done += part.length;
    }
    if (done < target.length) throw new UsageError(`The metadata ends at byte ${offset + done}.`);
  }

  write(): never {
    throw new UsageError("The metadata in a volume group is only read.");
  }

  discard(): void {}
  flush(): void {}
}

/** The device that a word means: its number, or the name of its LV. */
export function deviceIdOf(word: string, source: MetadataSource): number {
  for (const [id, name] of source.names) if (name === word) return id;
  if (/^\d{1,8}$/.test(word)) return Number(word);
  throw new UsageError(`${source.name} has no device ${word}.`, `mortar pool ls ${source.words}`);
}

