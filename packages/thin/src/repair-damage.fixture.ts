/** Kinds of damage to a pool's metadata, each done to a copy. */
import type { Random } from "@mortar/sim";
import { bitmapCount, setBitmapCount } from "./bitmap.ts";
import { entryCount } from "./btree-node.ts";
import { INDEX_ENTRIES_AT } from "./index-entry.ts";
import { blockKind, METADATA_BLOCK_BYTES, sealBlock, SECTOR_BYTES, viewOf } from "./metadata-block.ts";
import { leafValues } from "./repair-patients.fixture.ts";
import type { Anatomy, Patient, Tree } from "./repair-patients.fixture.ts";

export interface Damage {
  readonly what: string;
  /** The pool's own superblock says nothing of the last commit any more. */
  readonly losesSuperblock?: boolean;
  /** False when this pool has nothing that could be damaged so. */
  readonly apply: (case_: DamageCase) => boolean;
}

export interface DamageCase {
  readonly bytes: Uint8Array;
  readonly anatomy: Anatomy;
  readonly patient: Patient;
  readonly random: Random;
}

function blockOf(bytes: Uint8Array, block: number): Uint8Array {
  return bytes.subarray(block * METADATA_BLOCK_BYTES, (block + 1) * METADATA_BLOCK_BYTES);
}

/** A sector of it is not what was written: zeros, noise, or one bit. */
function spoil({ bytes, random }: DamageCase, block: number): boolean {
  const target = blockOf(bytes, block);
  const at = random.below(METADATA_BLOCK_BYTES / SECTOR_BYTES) * SECTOR_BYTES;
  const how = random.below(3);
  if (how === 0) target.fill(0, 0, at + SECTOR_BYTES);
  else if (how === 1) for (let byte = 0; byte < SECTOR_BYTES; byte++) target[at + byte] = random.below(256);
  else target[random.below(METADATA_BLOCK_BYTES)]! ^= 1 << random.below(8);
  return true;
}

function largest({ anatomy }: DamageCase): Tree {
  return anatomy.devices.reduce((a, b) => (b.leaves.length > a.leaves.length ? b : a));
}

export const damages: readonly Damage[] = [
  { what: "nothing", apply: () => true },
  {
    what: "the superblock is zero",
    losesSuperblock: true,
    apply: ({ bytes }) => blockOf(bytes, 0).fill(0).length > 0,
  },
  { what: "the superblock is torn", losesSuperblock: true, apply: (it) => spoil(it, 0) },
  {
    what: "the superblock is that of an earlier commit",
    losesSuperblock: true,
    apply: ({ bytes, patient, random }) => {
      const old = patient.oldSuperblocks.slice(-6);
      if (old.length === 0) return false;
      blockOf(bytes, 0).set(random.pick(old));
      return true;
    },
  },
  { what: "a leaf of a device", apply: (it) => spoil(it, it.random.pick(largest(it).leaves)) },
  {
    what: "several leaves of a device",
    apply: (it) => {
      for (let count = 0; count < 4; count++) spoil(it, it.random.pick(largest(it).leaves));
      return true;
    },
  },
  {
    what: "an internal node",
    apply: (it) => {
      const { internals } = largest(it);
      return internals.length > 0 && spoil(it, it.random.pick(internals));
    },
  },
  { what: "the root of a device", apply: (it) => spoil(it, it.random.pick(it.anatomy.devices).root) },
  {
    what: "two devices, a leaf each",
    apply: (it) => {
      for (const { leaves } of it.anatomy.devices.slice(0, 2)) spoil(it, leaves[leaves.length >> 1]!);
      return it.anatomy.devices.length > 1;
    },
  },
  { what: "the tree of devices", apply: (it) => spoil(it, it.anatomy.roots.root) },
  { what: "the tree of details", apply: (it) => spoil(it, it.anatomy.details.root) },
  {
    what: "both top trees",
    apply: (it) => spoil(it, it.anatomy.roots.root) && spoil(it, it.anatomy.details.root),
  },
  {
    what: "the bitmaps of the data space map",
    apply: (it) => {
      for (const block of leafValues(it.bytes, it.anatomy.dataBitmaps)) spoil(it, block);
      return true;
    },
  },
  { what: "the index of the data bitmaps", apply: (it) => spoil(it, it.anatomy.dataBitmaps.root) },
  {
    what: "the overflow tree of the data space map",
    apply: (it) => spoil(it, it.anatomy.superblock.dataSpaceMap.overflowRoot),
  },
  {
    what: "the index block of the metadata space map",
    apply: (it) => spoil(it, it.anatomy.superblock.metadataSpaceMap.bitmapRoot),
  },
  {
    what: "a bitmap of the metadata space map",
    apply: (it) => {
      const index = blockOf(it.bytes, it.anatomy.superblock.metadataSpaceMap.bitmapRoot);
      return spoil(it, viewOf(index).getUint32(INDEX_ENTRIES_AT, true));
    },
  },
  { what: "reference counts that are wrong, with sound checksums", apply: miscount },
  {
    what: "a leaf and the index block",
    apply: (it) =>
      spoil(it, it.random.pick(largest(it).leaves)) &&
      spoil(it, it.anatomy.superblock.metadataSpaceMap.bitmapRoot),
  },
  {
    what: "the superblock and a leaf",
    losesSuperblock: true,
    apply: (it) => spoil(it, 0) && spoil(it, it.random.pick(largest(it).leaves)),
  },
  {
    what: "the superblock and the tree of details",
    losesSuperblock: true,
    apply: (it) => spoil(it, 0) && spoil(it, it.anatomy.details.root),
  },
  { what: "a leaf that was written to another place", apply: misdirect },
  { what: "a leaf whose keys are out of order, with a sound checksum", apply: disorder },
  {
    what: "sectors of noise all over",
    apply: (it) => {
      for (let count = 0; count < 12; count++) spoil(it, 1 + it.random.below(600));
      return true;
    },
  },
  {
    what: "a row of blocks is zero",
    apply: ({ bytes, random }) => {
      const first = 1 + random.below(400);
      bytes.fill(0, first * METADATA_BLOCK_BYTES, (first + 1 + random.below(24)) * METADATA_BLOCK_BYTES);
      return true;
    },
  },
];

function miscount({ bytes, anatomy, random }: DamageCase): boolean {
  for (const number of leafValues(bytes, anatomy.dataBitmaps)) {
    const block = blockOf(bytes, number);
    for (let count = 0; count < 50; count++) {
      const entry = random.below(16_000);
      setBitmapCount(block, entry, (bitmapCount(block, entry) + 1) % 3);
    }
    sealBlock(block, viewOf(block), blockKind.bitmap, number);
  }
  return true;
}

function misdirect(it: DamageCase): boolean {
  const { leaves } = largest(it);
  if (leaves.length < 2) return false;
  blockOf(it.bytes, leaves[0]!).set(blockOf(it.bytes, leaves.at(-1)!));
  return true;
}

function disorder(it: DamageCase): boolean {
  const number = it.random.pick(largest(it).leaves);
  const block = blockOf(it.bytes, number);
  const view = viewOf(block);
  if (entryCount(view) < 4) return false;
  view.setUint32(32 + 8, view.getUint32(32 + 16, true) + 1, true);
  sealBlock(block, view, blockKind.node, number);
  return true;
}
