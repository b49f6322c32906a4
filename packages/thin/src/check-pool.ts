/**
 * A strict check of a pool's metadata: every checksum, every tree, every reference count recomputed
 * and compared with both space maps. Reads only, works on a device as well as on a file, and needs
 * no more memory for a large pool than 58 MiB for its metadata and 64 MiB for counts of data
 * blocks.
 */
import { readU64le } from "@mortar/binary";
import type { BlockDevice } from "./block-device.ts";
import { CheckReport } from "./check-report.ts";
import type { Defect } from "./check-report.ts";
import { checkDataSpaceMap, DataReferences, readMetadataSpaceMap } from "./check-space-maps.ts";
import { eachValue, role, TreeChecker } from "./check-trees.ts";
import type { TreeKind } from "./check-trees.ts";
import { deviceDetails, mappingDataBlock, mappingTime } from "./mapping.ts";
import type { DeviceDetails } from "./mapping.ts";
import { blockKind, METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import { METADATA_BLOCKS_MAX } from "./metadata-space-map.ts";
import { PoolReader } from "./pool-reader.ts";
import { decodeSuperblock, NEEDS_CHECK, newBlock, SUPERBLOCK_VERSION } from "./superblock.ts";
import type { Superblock } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";
import { keyAt, valueAt } from "./btree-node.ts";

export interface PoolCheck {
  /** Empty when all is well. Notes do no harm, leaks cost space, errors cost data. */
  readonly defects: readonly Defect[];
  /** Defects that were found but are not listed. */
  readonly omittedCount: number;
  readonly deviceCount: number;
  readonly mappingCount: number;
}

const devicesKind: TreeKind = { name: "devices", role: role.devices, valueSize: 8 };
const detailsKind: TreeKind =
  { name: "device details", role: role.details, valueSize: deviceDetails.size };
const mappingsKind: TreeKind = { name: "mappings", role: role.mappings, valueSize: 8 };

/**
 * Check the metadata on a device that nobody changes meanwhile. Throws only what reading block 0
 * throws.
 */
export function checkPool(metadata: BlockDevice): PoolCheck {
  const report = new CheckReport();
  const result = (deviceCount: number, mappingCount: number): PoolCheck => ({
    defects: report.defects, omittedCount: report.omittedCount, deviceCount, mappingCount,
  });
  const superblock = checkSuperblock(metadata, report);
  if (!superblock) return result(0, 0);
  const { metadataSpaceMap, dataSpaceMap } = superblock;
  const trees = new TreeChecker(metadata, metadataSpaceMap.blockCount, report);
  trees.refer(0, role.superblock);
  const compareMetadata = readMetadataSpaceMap(trees, metadataSpaceMap);
  const references = new DataReferences(0, dataSpaceMap.blockCount);
  const check = new DeviceCheck(trees, superblock, references);
  check.walkLive();
  if (superblock.heldRoot !== 0) checkHeldRoot(trees, superblock.heldRoot, check);
  checkDataSpaceMap(trees, dataSpaceMap, references);
  compareMetadata();
  return result(check.deviceCount, check.mappingCount);
}

/**
 * Check the trees of the metadata snapshot alone, while the pool is at work: every checksum, node
 * and count of theirs. What the space maps say belongs to the live trees and is not compared.
 */
export function checkHeldPool(metadata: BlockDevice): PoolCheck {
  const report = new CheckReport();
  const { superblock: live } = new PoolReader({ metadata });
  const { superblock: held } = new PoolReader({ metadata, fromSnapshot: true });
  const trees = new TreeChecker(metadata, live.metadataSpaceMap.blockCount, report);
  const references = new DataReferences(0, live.dataSpaceMap.blockCount);
  // The copy of the superblock knows no space maps; how much data there is, is the live one's.
  const { dataSpaceMap } = live;
  const check = new DeviceCheck(trees, { ...held, dataSpaceMap }, references);
  check.walkLive();
  return {
    defects: report.defects,
    omittedCount: report.omittedCount,
    deviceCount: check.deviceCount,
    mappingCount: check.mappingCount,
  };
}

/** The devices and their mappings, from one pair of roots or two. */
class DeviceCheck {
  deviceCount = 0;
  mappingCount = 0;
  readonly #trees: TreeChecker;
  readonly #superblock: Superblock;
  readonly #references: DataReferences;

  constructor(trees: TreeChecker, superblock: Superblock, references: DataReferences) {
    this.#trees = trees;
    this.#superblock = superblock;
    this.#references = references;
  }

  walkLive(): void {
    const { mappingRoot, detailsRoot } = this.#superblock;
    const details = new Map<number, DeviceDetails>();
    this.#trees.walk(detailsRoot, detailsKind, undefined, eachValue((id, view, at) => {
      details.set(id, deviceDetails.decode(view, at));
    }));
    const roots = this.#walkDevices(mappingRoot);
    for (const [id, root] of roots) {
      const mapped = this.#walkMappings(id, root);
      this.deviceCount += 1;
      this.mappingCount += mapped;
      this.#compareDetails(id, details.get(id), mapped);
    }
    for (const id of details.keys()) {
      if (!roots.has(id)) this.#fail(id, "has details but no mappings");
    }
  }

  /** Trees that only the metadata snapshot has. Shared blocks are counted, not walked again. */
  walkHeld(mappingRoot: number, detailsRoot: number): void {
    this.#trees.walk(detailsRoot, detailsKind, undefined, () => {});
    for (const [id, root] of this.#walkDevices(mappingRoot)) this.#walkMappings(id, root);
  }

  /** Roots of the devices, each leaf of the top-level tree counted once. */
  #walkDevices(mappingRoot: number): Map<number, number> {
    const roots = new Map<number, number>();
    this.#trees.walk(mappingRoot, devicesKind, undefined, eachValue((id, view, at) => {
      roots.set(id, readU64le(view, at));
    }));
    return roots;
  }

  #walkMappings(id: number, root: number): number {
    return this.#trees.walk(root, mappingsKind, id, (view, count) => {
      this.#references.addLeaf(view);
      for (let index = 0; index < count; index++) this.#checkMapping(id, view, index);
    });
  }

  #checkMapping(id: number, view: DataView, index: number): void {
    const at = valueAt(view, index);
    const { dataSpaceMap, time } = this.#superblock;
    const block = mappingDataBlock(view, at);
    if (block >= dataSpaceMap.blockCount) {
      const key = keyAt(view, index);
      this.#trees.report.add({
        severity: "error",
        message: `device ${id}: block ${key} maps to data block ${block} of ${dataSpaceMap.blockCount}`,
        deviceId: id,
        lost: { begin: key, end: key + 1 },
      });
    }
    if (mappingTime(view, at) > time) {
      this.#fail(
        id, `block ${keyAt(view, index)} was mapped at ${mappingTime(view, at)}, now is ${time}`,
      );
    }
  }

  #compareDetails(id: number, details: DeviceDetails | undefined, mapped: number): void {
    if (!details) {
      this.#fail(id, "has mappings but no details");
      return;
    }
    if (details.mappedBlocks !== mapped) {
      this.#fail(id, `details say ${details.mappedBlocks} blocks are mapped, ${mapped} are`);
    }
    const { time } = this.#superblock;
    if (details.creationTime > time || details.snapshottedTime > time) {
      this.#fail(id, `created at ${details.creationTime}, snapshotted at ${details.snapshottedTime}, ` +
        `but now is ${time}`);
    }
  }

  #fail(id: number, what: string): void {
    this.#trees.report.add({ severity: "error", message: `device ${id}: ${what}`, deviceId: id });
  }
}

function checkSuperblock(metadata: BlockDevice, report: CheckReport): Superblock | undefined {
  const block = newBlock();
  metadata.read(0, block);
  const superblock = decodeOrReport(block, 0, report);
  if (!superblock) return undefined;
  const note = (message: string): void => {
    report.add({ severity: "note", message: `superblock: ${message}`, metadataBlock: 0 });
  };
  if ((superblock.flags & NEEDS_CHECK) !== 0) note("needs_check is set");
  if ((superblock.flags & ~NEEDS_CHECK) !== 0) {
    note(`unknown flags ${superblock.flags & ~NEEDS_CHECK}`);
  }
  if (superblock.version !== SUPERBLOCK_VERSION) note(`version is ${superblock.version}, not 2`);
  if (superblock.uuid.some((byte) => byte !== 0)) note("uuid is set, which nobody does");
  if (!block.subarray(SUPERBLOCK_BYTES).every((byte) => byte === 0)) {
    note("bytes behind it are not 0");
  }
  const { blockCount } = superblock.metadataSpaceMap;
  const deviceBlocks = Math.floor(metadata.sizeBytes / METADATA_BLOCK_BYTES);
  if (blockCount > 0 && blockCount <= Math.min(deviceBlocks, METADATA_BLOCKS_MAX)) {
    return superblock;
  }
  report.add({
    severity: "error",
    message: `superblock: ${blockCount} metadata blocks on a device that has ${deviceBlocks}`,
    metadataBlock: 0,
  });
  return undefined;
}

const SUPERBLOCK_BYTES = 364;

function decodeOrReport(
  block: Uint8Array, number: number, report: CheckReport,
): Superblock | undefined {
  try {
    return decodeSuperblock(block, number);
  } catch (error) {
    if (!(error instanceof ThinError)) throw error;
    report.add({ severity: "error", message: error.message, metadataBlock: number });
    return undefined;
  }
}

function checkHeldRoot(trees: TreeChecker, block: number, check: DeviceCheck): void {
  const misuse = trees.refer(block, role.superblock);
  if (misuse !== undefined) {
    trees.report.add(
      { severity: "error", message: `metadata snapshot: ${misuse}`, metadataBlock: block },
    );
    return;
  }
  const bytes = trees.readBlock(block, blockKind.superblock);
  if (typeof bytes === "string") {
    trees.report.add(
      { severity: "error", message: `metadata snapshot: ${bytes}`, metadataBlock: block },
    );
    return;
  }
  const held = decodeOrReport(bytes, block, trees.report);
  if (held) check.walkHeld(held.mappingRoot, held.detailsRoot);
}
