/** The mappings of a pool as XML, in the very words of thin_dump, which thin_restore reads. */
import { readU64le } from "@mortar/binary";
import { BlockCache, guardIo } from "./block-cache.ts";
import type { BlockDevice } from "./block-device.ts";
import { BTree } from "./btree.ts";
import type { ValueLayout } from "./btree.ts";
import { entryCount, keyAt, valueAt } from "./btree-node.ts";
import { firstKeyFrom } from "./btree-walk.ts";
import { deviceDetails, MAPPING_BYTES, mappingDataBlock, mappingTime } from "./mapping.ts";
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import { METADATA_BLOCKS_MAX, MetadataSpaceMap } from "./metadata-space-map.ts";
import { decodeSuperblock, newBlock } from "./superblock.ts";
import type { Superblock } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";
import { Transaction } from "./transaction.ts";

const CACHE_BYTES = 16 * 2 ** 20;
const detailsLayout: ValueLayout = { name: "device details", size: deviceDetails.size };
const devicesLayout: ValueLayout = { name: "devices", size: MAPPING_BYTES };
const mappingLayout: ValueLayout = { name: "mappings", size: MAPPING_BYTES };

export interface DumpOptions {
  readonly metadata: BlockDevice;
  /** Takes the text piece by piece. */
  readonly write: (text: string) => void;
  /** Dump the metadata snapshot, which can be read while the pool is in use. */
  readonly fromSnapshot?: boolean;
}

/** Needs little memory whatever the size. Throws "corrupt" at the first damage. */
export function dumpXml({ metadata, write, fromSnapshot = false }: DumpOptions): void {
  const live = readSuperblock(metadata, 0);
  if (fromSnapshot && live.heldRoot === 0) {
    throw new ThinError("snapshot-missing", "the pool has no metadata snapshot");
  }
  const superblock = fromSnapshot ? readSuperblock(metadata, live.heldRoot) : live;
  const deviceBlocks = Math.floor(metadata.sizeBytes / METADATA_BLOCK_BYTES);
  const cache = new BlockCache(metadata, Math.min(deviceBlocks, METADATA_BLOCKS_MAX), CACHE_BYTES);
  const transaction = new Transaction(cache, new MetadataSpaceMap(0));
  write(
    `<superblock uuid="" time="${superblock.time}" transaction="${superblock.transactionId}" ` +
      `flags="${superblock.flags}" version="${superblock.version}" ` +
      `data_block_size="${superblock.dataBlockSectors}" ` +
      `nr_data_blocks="${superblock.dataSpaceMap.blockCount}">\n`,
  );
  const devices = new BTree(transaction, devicesLayout, superblock.mappingRoot);
  const details = new BTree(transaction, detailsLayout, superblock.detailsRoot);
  for (let id = firstKeyFrom(details, 0); id >= 0; id = firstKeyFrom(details, id + 1)) {
    details.find(id);
    const device = deviceDetails.decode(details.view, details.at);
    if (!devices.find(id)) {
      throw new ThinError("corrupt", `device ${id} has details but no mappings; check the pool`);
    }
    write(
      `  <device dev_id="${id}" mapped_blocks="${device.mappedBlocks}" ` +
        `transaction="${device.transactionId}" creation_time="${device.creationTime}" ` +
        `snap_time="${device.snapshottedTime}">\n`,
    );
    const root = readU64le(devices.view, devices.at);
    dumpMappings(new BTree(transaction, mappingLayout, root), write);
    write("  </device>\n");
  }
  write("</superblock>\n");
}

function readSuperblock(metadata: BlockDevice, block: number): Superblock {
  const bytes = newBlock();
  guardIo(`reading metadata block ${block}`, () => metadata.read(block * METADATA_BLOCK_BYTES, bytes));
  return decodeSuperblock(bytes, block);
}

/** Mappings as runs: consecutive in the device and in the pool, and of one time. */
function dumpMappings(tree: BTree, write: (text: string) => void): void {
  const { cache } = tree.transaction;
  let origin = 0;
  let data = 0;
  let time = 0;
  let length = 0;
  const finish = (): void => {
    if (length === 1) {
      write(`    <single_mapping origin_block="${origin}" data_block="${data}" time="${time}"/>\n`);
    } else if (length > 1) {
      write(
        `    <range_mapping origin_begin="${origin}" data_begin="${data}" length="${length}" ` +
          `time="${time}"/>\n`,
      );
    }
  };
  for (let next = firstKeyFrom(tree, 0); next >= 0; next = firstKeyFrom(tree, next)) {
    const { view } = tree.leafFor(next);
    const count = entryCount(view);
    for (let index = 0; index < count; index++) {
      const key = keyAt(view, index);
      const at = valueAt(view, index);
      const block = mappingDataBlock(view, at);
      const mapped = mappingTime(view, at);
      if (key === origin + length && block === data + length && mapped === time && length > 0) {
        length += 1;
        continue;
      }
      finish();
      origin = key;
      data = block;
      time = mapped;
      length = 1;
    }
    next = keyAt(view, count - 1) + 1;
    cache.trim();
  }
  finish();
}
