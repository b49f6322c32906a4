/**
 * Pools for tests of repair, with all that was ever committed in them: made by our engine, whose old
 * roots still lie around, or by thin_restore, where there are none.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "@mortar/sim";
import type { BlockDevice } from "./block-device.ts";
import { childAt, entryCount, isLeaf, valueAt } from "./btree-node.ts";
import { dumpXml } from "./dump-xml.ts";
import { MemoryDevice } from "./memory-device.fixture.ts";
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import { newNode, NodeReader } from "./node-reader.ts";
import { PoolReader, readSuperblock } from "./pool-reader.ts";
import type { Superblock } from "./superblock.ts";
import { ThinPool } from "./thin-pool.ts";

const CHUNK_BYTES = 65_536;
const MAPPED_BLOCKS_MAX = 20_000;
export const PATIENT_BLOCKS = 2048;
export const DATA_BLOCK_SECTORS = 128;

/** Device → virtual block → data block. */
export type Mappings = ReadonlyMap<number, ReadonlyMap<number, number>>;

export interface Patient {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of all commits, the last one last. */
  readonly commits: readonly Mappings[];
  /** The block of each earlier commit. */
  readonly oldSuperblocks: readonly Uint8Array[];
}

const nothing: BlockDevice = {
  sizeBytes: MAPPED_BLOCKS_MAX * CHUNK_BYTES,
  read: (_offset, target) => target.fill(0),
  write() {},
  discard() {},
  flush() {},
};

/** Devices that were written, snapshotted, trimmed and deleted at random, with a commit now and then. */
export function agedPool(random: Random, options: { held?: boolean; steps?: number } = {}): Patient {
  const metadata = new RecordingDevice(new Uint8Array(PATIENT_BLOCKS * METADATA_BLOCK_BYTES));
  ThinPool.format({ metadata, data: nothing, dataBlockSectors: DATA_BLOCK_SECTORS });
  const pool = ThinPool.open({ metadata, data: nothing, zeroNewBlocks: false });
  const ids = [1];
  pool.createThin(1);
  pool.setTransactionId(0, 1);
  metadata.isRecording = true;
  for (let step = 0; step < (options.steps ?? 40); step++) {
    const [id, next] = [random.pick(ids), step + 2];
    if (random.chance(0.1)) {
      pool.createSnapshot(next, id);
      ids.push(next);
    } else if (random.chance(0.06)) {
      pool.createThin(next);
      ids.push(next);
    } else if (ids.length > 2 && random.chance(0.05)) {
      pool.deleteDevice(id);
      ids.splice(ids.indexOf(id), 1);
    } else writeSome(pool, id, random);
    if (random.chance(0.3)) pool.commit();
    if (options.held === true && step === 25) pool.reserveMetadataSnapshot();
  }
  pool.close();
  const name = options.held === true ? "ours, with a metadata snapshot" : "ours";
  const { bytes, commits, superblocks } = metadata;
  return { name, bytes, commits, oldSuperblocks: superblocks.slice(0, -1) };
}

/** Keeps what every commit made of the pool, also those that the engine does by itself. */
class RecordingDevice extends MemoryDevice {
  isRecording = false;
  readonly commits: Mappings[] = [];
  readonly superblocks: Uint8Array[] = [];

  override write(offset: number, source: Uint8Array): void {
    super.write(offset, source);
    if (offset !== 0 || !this.isRecording) return;
    this.commits.push(mappingsOf(this));
    this.superblocks.push(this.bytes.slice(0, METADATA_BLOCK_BYTES));
  }
}

function writeSome(pool: ThinPool, id: number, random: Random): void {
  const device = pool.device(id);
  const page = new Uint8Array(4096);
  if (random.chance(0.2)) device.discard(random.below(8000) * CHUNK_BYTES, random.below(300) * CHUNK_BYTES);
  const scattered = random.below(150);
  for (let count = 0; count < scattered; count++) device.write(random.below(8000) * CHUNK_BYTES, page);
  const begin = random.below(8000);
  const end = begin + random.below(200);
  for (let block = begin; block < end; block++) device.write(block * CHUNK_BYTES, page);
  device.close();
}

/** As thin_restore lays it out: one device with internal nodes on two levels, and small ones. */
export function restoredPool(random: Random, directory: string): Patient {
  const lines = [
    `<superblock uuid="" time="3" transaction="9" flags="0" version="2" ` +
      `data_block_size="${DATA_BLOCK_SECTORS}" nr_data_blocks="200000">`,
  ];
  let data = 0;
  const sizes = [66_000, 700, 40, 0];
  for (const [index, count] of sizes.entries()) {
    lines.push(
      `<device dev_id="${index + 1}" mapped_blocks="${count}" transaction="${index}" ` +
        `creation_time="${index}" snap_time="${index}">`,
    );
    let block = 0;
    for (let entry = 0; entry < count; entry++) {
      lines.push(`<single_mapping origin_block="${block}" data_block="${data}" time="${index}"/>`);
      block += 1 + random.below(3);
      data += 1;
    }
    lines.push("</device>");
  }
  lines.push("</superblock>");
  const [xml, target] = [join(directory, "restored.xml"), join(directory, "restored")];
  writeFileSync(xml, lines.join("\n"));
  writeFileSync(target, new Uint8Array(PATIENT_BLOCKS * METADATA_BLOCK_BYTES));
  execFileSync("thin_restore", ["-i", xml, "-o", target], { stdio: "ignore" });
  const bytes = new Uint8Array(readFileSync(target));
  return { name: "thin_restore's", bytes, commits: [mappingsOf(new MemoryDevice(bytes))], oldSuperblocks: [] };
}

/** Throws when the metadata is not sound. */
export function mappingsOf(metadata: BlockDevice): Mappings {
  const pool = new PoolReader({ metadata });
  const all = new Map<number, Map<number, number>>();
  for (const device of pool.devices()) {
    const mappings = new Map<number, number>();
    const runs = pool.runs(device);
    while (runs.next()) {
      for (let index = 0; index < runs.length; index++) {
        mappings.set(runs.begin + index, runs.dataBegin + index);
      }
    }
    all.set(device.id, mappings);
  }
  return all;
}

export function dumpOf(metadata: BlockDevice): string {
  const parts: string[] = [];
  dumpXml({ metadata, write: (text) => parts.push(text) });
  return parts.join("");
}

/** Where everything is in sound metadata. */
export interface Anatomy {
  readonly superblock: Superblock;
  readonly devices: readonly Tree[];
  readonly roots: Tree;
  readonly details: Tree;
  readonly dataBitmaps: Tree;
}

export interface Tree {
  readonly root: number;
  readonly leaves: readonly number[];
  /** Without the root. */
  readonly internals: readonly number[];
}

export function anatomyOf(bytes: Uint8Array): Anatomy {
  const metadata = new MemoryDevice(bytes);
  const superblock = readSuperblock(metadata, 0);
  const nodes = new NodeReader(metadata);
  const devices = new PoolReader({ metadata }).devices().map(({ root }) => treeOf(nodes, root, 8));
  return {
    superblock,
    devices,
    roots: treeOf(nodes, superblock.mappingRoot, 8),
    details: treeOf(nodes, superblock.detailsRoot, 24),
    dataBitmaps: treeOf(nodes, superblock.dataSpaceMap.bitmapRoot, 16),
  };
}

/** Blocks that the leaves of a tree name. */
export function leafValues(bytes: Uint8Array, tree: Tree): number[] {
  const nodes = new NodeReader(new MemoryDevice(bytes));
  const node = newNode();
  return tree.leaves.flatMap((leaf) => {
    nodes.read(leaf, node, 16);
    return Array.from({ length: entryCount(node.view) }, (_, index) =>
      node.view.getUint32(valueAt(node.view, index), true));
  });
}

function treeOf(nodes: NodeReader, root: number, valueSize: number): Tree {
  const [leaves, internals]: [number[], number[]] = [[], []];
  const visit = (block: number): void => {
    const node = newNode();
    const defect = nodes.read(block, node, valueSize);
    if (defect !== undefined) throw new Error(defect);
    if (isLeaf(node.view)) {
      leaves.push(block);
      return;
    }
    if (block !== root) internals.push(block);
    for (let index = 0; index < entryCount(node.view); index++) visit(childAt(node.view, index));
  };
  visit(root);
  return { root, leaves, internals };
}
