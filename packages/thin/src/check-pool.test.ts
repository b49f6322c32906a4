/**
 * One defect at a time is put into sound metadata, resealed where the format allows, and has to be
 * named.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { Random, VirtualDisk } from "@mortar/sim";
import { readU64le, writeU64le } from "@mortar/binary";
import { bitmapCount, setBitmapCount } from "./bitmap.ts";
import { childAt, isLeaf, keyAt, setKeyAt, valueAt } from "./btree-node.ts";
import { checkPool } from "./check-pool.ts";
import type { DefectSeverity } from "./check-report.ts";
import { blockKind, METADATA_BLOCK_BYTES, sealBlock, viewOf } from "./metadata-block.ts";
import type { BlockKind } from "./metadata-block.ts";
import { writeMapping } from "./mapping.ts";
import { decodeSuperblock } from "./superblock.ts";
import type { Superblock } from "./superblock.ts";
import { ThinPool } from "./thin-pool.ts";

const CHUNK = 65_536;

/** Three devices, shared leaves, counts above 2, two levels of tree. */
function soundPool(): VirtualDisk {
  const random = new Random(1);
  const metadata = new VirtualDisk({ sizeBytes: 4 * 2 ** 20, random });
  const data = new VirtualDisk({ sizeBytes: 20_000 * CHUNK, random });
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  const pool = ThinPool.open({ metadata, data, zeroNewBlocks: false });
  pool.createThin(1);
  const device = pool.device(1);
  for (let block = 0; block < 1000; block++) device.write(block * CHUNK, new Uint8Array(1));
  for (let id = 2; id <= 6; id++) {
    pool.createSnapshot(id, 1);
    const snapshot = pool.device(id);
    snapshot.write(id * 100 * CHUNK, new Uint8Array(1));
    snapshot.write(CHUNK, new Uint8Array(1));
    snapshot.close();
  }
  pool.close();
  assert.deepEqual(checkPool(metadata).defects, []);
  return metadata;
}

const sound = soundPool();

class Patient {
  readonly disk: VirtualDisk;
  readonly superblock: Superblock;

  constructor() {
    this.disk = sound.clone(new Random(1));
    this.superblock = decodeSuperblock(this.read(0), 0);
  }

  read(block: number): Uint8Array {
    const bytes = new Uint8Array(METADATA_BLOCK_BYTES);
    this.disk.read(block * METADATA_BLOCK_BYTES, bytes);
    return bytes;
  }

  /** Change a block and seal it again, as damage with a good checksum. */
  change(block: number, kind: BlockKind, edit: (bytes: Uint8Array, view: DataView) => void): void {
    const bytes = this.read(block);
    edit(bytes, viewOf(bytes));
    sealBlock(bytes, viewOf(bytes), kind, block);
    this.disk.write(block * METADATA_BLOCK_BYTES, bytes);
  }

  changeSuperblock(edit: (view: DataView) => void): void {
    this.change(0, blockKind.superblock, (_bytes, view) => edit(view));
  }

  deviceRoot(index: number): number {
    const view = viewOf(this.read(this.superblock.mappingRoot));
    return readU64le(view, valueAt(view, index));
  }

  firstLeaf(root: number): number {
    const view = viewOf(this.read(root));
    return isLeaf(view) ? root : this.firstLeaf(childAt(view, 0));
  }

  overflowLeaf(): number {
    return this.firstLeaf(this.superblock.dataSpaceMap.overflowRoot);
  }

  dataBitmap(): number {
    const view = viewOf(this.read(this.superblock.dataSpaceMap.bitmapRoot));
    return readU64le(view, valueAt(view, 0));
  }

  metadataBitmap(): number {
    return readU64le(viewOf(this.read(this.superblock.metadataSpaceMap.bitmapRoot)), 16);
  }
}

interface Damage {
  readonly name: string;
  readonly severity: DefectSeverity;
  readonly message: RegExp;
  readonly deviceId?: number;
  readonly inflict: (patient: Patient) => void;
}

const superblockDamages: Damage[] = [
  {
    name: "wrong magic", severity: "error", message: /magic/,
    inflict: (it) => it.changeSuperblock((view) => view.setUint32(32, 1, true)),
  },
  {
    name: "checksum", severity: "error", message: /checksum/,
    inflict: (it) => it.disk.flipBit(50, 1),
  },
  {
    name: "block number of the superblock", severity: "error", message: /says it is block 5/,
    inflict: (it) => {
      const bytes = it.read(0);
      sealBlock(bytes, viewOf(bytes), blockKind.superblock, 5);
      it.disk.write(0, bytes);
    },
  },
  {
    name: "version", severity: "note", message: /version is 3/,
    inflict: (it) => it.changeSuperblock((view) => view.setUint32(40, 3, true)),
  },
  {
    name: "uuid", severity: "note", message: /uuid/,
    inflict: (it) => it.changeSuperblock((view) => view.setUint8(16, 3)),
  },
  {
    name: "tail", severity: "note", message: /behind/,
    inflict: (it) => it.changeSuperblock((view) => view.setUint8(4000, 3)),
  },
  {
    name: "needs_check", severity: "note", message: /needs_check/,
    inflict: (it) => it.changeSuperblock((view) => view.setUint32(4, 1, true)),
  },
  {
    name: "metadata block size", severity: "error", message: /metadata blocks of 16 sectors/,
    inflict: (it) => it.changeSuperblock((view) => view.setUint32(340, 16, true)),
  },
  {
    name: "data block size", severity: "error", message: /chunk has/,
    inflict: (it) => it.changeSuperblock((view) => view.setUint32(336, 100, true)),
  },
  {
    name: "incompat flags", severity: "error", message: /unknown here/,
    inflict: (it) => it.changeSuperblock((view) => view.setUint32(360, 1, true)),
  },
  {
    name: "metadata larger than its device", severity: "error", message: /5000 metadata blocks/,
    inflict: (it) => it.changeSuperblock((view) => writeU64le(view, 192, 5000)),
  },
  {
    name: "allocated count of the data", severity: "error", message: /says \d+ blocks are in use/,
    inflict: (it) => it.changeSuperblock((view) => writeU64le(view, 72, readU64le(view, 72) + 1)),
  },
  {
    name: "allocated count of the metadata", severity: "error", message: /metadata space map: says/,
    inflict: (it) => it.changeSuperblock((view) => writeU64le(view, 200, readU64le(view, 200) - 1)),
  },
  {
    name: "time in the past", severity: "error", message: /now is 1/,
    inflict: (it) => it.changeSuperblock((view) => view.setUint32(44, 1, true)),
  },
];

const nodeDamages: Damage[] = [
  {
    name: "leaf checksum", severity: "error", message: /checksum/, deviceId: 1,
    inflict: (it) => it.disk.flipBit(it.firstLeaf(it.deviceRoot(0)) * METADATA_BLOCK_BYTES + 99, 0),
  },
  {
    name: "misdirected node", severity: "error", message: /says it is block/, deviceId: 1,
    inflict: (it) => {
      const leaf = it.firstLeaf(it.deviceRoot(0));
      const bytes = it.read(leaf);
      sealBlock(bytes, viewOf(bytes), blockKind.node, leaf + 1);
      it.disk.write(leaf * METADATA_BLOCK_BYTES, bytes);
    },
  },
  ...nodeEdits([
    ["both flags", /flags are 3/, (view) => view.setUint32(4, 3, true)],
    ["no flag", /flags are 0/, (view) => view.setUint32(4, 0, true)],
    ["unsorted keys", /do not ascend/, (view) => setKeyAt(view, 3, 1)],
    ["equal keys", /do not ascend/, (view) => setKeyAt(view, 3, keyAt(view, 2))],
    ["too many entries", /entries where/, (view) => view.setUint32(16, 253, true)],
    ["maximum not a multiple of 3", /multiple of 3/, (view) => view.setUint32(20, 253, true)],
    ["maximum beyond the block", /do not fit/, (view) => view.setUint32(20, 3000, true)],
    ["value size", /values of 16 bytes|do not fit/, (view) => view.setUint32(24, 16, true)],
    ["key beyond the parent's", /outside/, (view) => {
      setKeyAt(view, view.getUint32(16, true) - 1, 1_000_000);
    }],
    ["data block beyond the device", /data block 1000000 of/, (view) => {
      writeMapping(view, valueAt(view, 5), 1_000_000, 0);
    }],
    ["mapped in the future", /was mapped at 99/, (view) => writeMapping(view, valueAt(view, 0), 0, 99)],
    ["one data block mapped twice", /reference count is/, (view) => {
      writeMapping(view, valueAt(view, 5), 0, 0);
    }],
  ]),
  {
    name: "padding", severity: "note", message: /padding/,
    inflict: (it) => {
      it.change(it.superblock.detailsRoot, blockKind.node, (_bytes, view) => view.setUint32(28, 1, true));
    },
  },
  {
    name: "mapped blocks", severity: "error", message: /details say \d+ blocks are mapped/, deviceId: 1,
    inflict: (it) => it.change(it.superblock.detailsRoot, blockKind.node, (_bytes, view) => {
      view.setUint32(valueAt(view, 0), 7, true);
    }),
  },
  {
    name: "device without details", severity: "error", message: /no details/, deviceId: 6,
    inflict: (it) => it.change(it.superblock.detailsRoot, blockKind.node, (_bytes, view) => {
      view.setUint32(16, 5, true);
    }),
  },
  {
    name: "device without mappings", severity: "error", message: /no mappings/, deviceId: 6,
    inflict: (it) => it.change(it.superblock.mappingRoot, blockKind.node, (_bytes, view) => {
      view.setUint32(16, 5, true);
    }),
  },
  {
    name: "child beyond the metadata", severity: "error", message: /refers to metadata block 99999/,
    deviceId: 1,
    inflict: (it) => it.change(it.deviceRoot(0), blockKind.node, (_bytes, view) => {
      writeU64le(view, valueAt(view, 1), 99_999);
    }),
  },
  {
    name: "a tree that contains itself", severity: "error", message: /reference count|depths|outside/,
    inflict: (it) => it.change(it.deviceRoot(0), blockKind.node, (_bytes, view) => {
      writeU64le(view, valueAt(view, 1), it.deviceRoot(0));
    }),
  },
  {
    name: "a block used for two things", severity: "error", message: /two different things/,
    inflict: (it) => it.change(it.superblock.mappingRoot, blockKind.node, (_bytes, view) => {
      writeU64le(view, valueAt(view, 0), it.superblock.detailsRoot);
    }),
  },
];

/** Edits of a leaf of device 1. */
function nodeEdits(edits: readonly (readonly [string, RegExp, (view: DataView) => void])[]): Damage[] {
  return edits.map(([name, message, edit]) => ({
    name,
    severity: "error",
    message,
    inflict: (it) => {
      it.change(it.firstLeaf(it.deviceRoot(0)), blockKind.node, (_bytes, view) => edit(view));
    },
  }));
}

const spaceMapDamages: Damage[] = [
  {
    name: "data leak", severity: "leak", message: /data block 9000: reference count is 1, but 0/,
    inflict: (it) => it.change(it.dataBitmap(), blockKind.bitmap, (bytes) => setBitmapCount(bytes, 9000, 1)),
  },
  {
    name: "data block in use but free", severity: "error", message: /data block 3: .* 0, but/,
    inflict: (it) => it.change(it.dataBitmap(), blockKind.bitmap, (bytes) => setBitmapCount(bytes, 3, 0)),
  },
  {
    name: "data count too low", severity: "error", message: /data block 3: .* 1, but/,
    inflict: (it) => it.change(it.dataBitmap(), blockKind.bitmap, (bytes) => {
      assert.ok(bitmapCount(bytes, 3) > 1);
      setBitmapCount(bytes, 3, 1);
    }),
  },
  {
    name: "overflow count", severity: "leak", message: /reference count is 77, but/,
    inflict: (it) => it.change(it.overflowLeaf(), blockKind.node, (_bytes, view) => {
      view.setUint32(valueAt(view, 0), 77, true);
    }),
  },
  {
    name: "overflow entry missing", severity: "error", message: /should be in the overflow tree/,
    inflict: (it) => it.change(it.overflowLeaf(), blockKind.node, (_bytes, view) => {
      view.setUint32(16, view.getUint32(16, true) - 1, true);
    }),
  },
  {
    name: "entry beyond the end", severity: "error", message: /beyond the end/,
    inflict: (it) => it.change(it.metadataBitmap(), blockKind.bitmap, (bytes) => {
      setBitmapCount(bytes, 5000, 1);
    }),
  },
  {
    name: "free count", severity: "error", message: /entries are free/,
    inflict: (it) => it.change(it.superblock.dataSpaceMap.bitmapRoot, blockKind.node, (_bytes, view) => {
      view.setUint32(valueAt(view, 1) + 8, 16_320, true);
      view.setUint32(valueAt(view, 0) + 8, 16_319, true);
    }),
  },
  {
    name: "free hint too high", severity: "leak", message: /none is free before/,
    inflict: (it) => it.change(it.superblock.dataSpaceMap.bitmapRoot, blockKind.node, (_bytes, view) => {
      view.setUint32(valueAt(view, 0) + 12, 16_000, true);
    }),
  },
  {
    name: "metadata leak", severity: "leak", message: /metadata block 1000: .* 1, but 0/,
    inflict: (it) => it.change(it.metadataBitmap(), blockKind.bitmap, (bytes) => {
      setBitmapCount(bytes, 1000, 1);
    }),
  },
  {
    name: "metadata block in use but free", severity: "error", message: /metadata block 0: .* 0, but 1/,
    inflict: (it) => it.change(it.metadataBitmap(), blockKind.bitmap, (bytes) => setBitmapCount(bytes, 0, 0)),
  },
  {
    name: "bitmap header", severity: "note", message: /unused header field/,
    inflict: (it) => it.change(it.dataBitmap(), blockKind.bitmap, (_bytes, view) => view.setUint32(4, 1, true)),
  },
  {
    name: "bitmap checksum", severity: "error", message: /\(bitmap\) checksum/,
    inflict: (it) => it.disk.flipBit(it.dataBitmap() * METADATA_BLOCK_BYTES + 2000, 3),
  },
  {
    name: "index checksum", severity: "error", message: /index: \(index\) checksum/,
    inflict: (it) => {
      it.disk.flipBit(it.superblock.metadataSpaceMap.bitmapRoot * METADATA_BLOCK_BYTES + 2000, 3);
    },
  },
  {
    name: "too few bitmaps", severity: "error", message: /1 of 2 bitmaps/,
    inflict: (it) => it.change(it.superblock.dataSpaceMap.bitmapRoot, blockKind.node, (_bytes, view) => {
      view.setUint32(16, 1, true);
    }),
  },
];

for (const { name, severity, message, deviceId, inflict } of [
  ...superblockDamages, ...nodeDamages, ...spaceMapDamages,
]) {
  test(`the check finds: ${name}`, () => {
    const patient = new Patient();
    inflict(patient);
    const { defects } = checkPool(patient.disk);
    const found =
      defects.find((defect) => message.test(defect.message) && defect.severity === severity);
    assert.ok(found, `found only: ${JSON.stringify(defects.slice(0, 5))}`);
    if (deviceId !== undefined) assert.equal(found.deviceId, deviceId);
  });
}

test("every flipped bit in a used block is found, and none makes the check throw", () => {
  const random = new Random(4);
  const used = usedBlocks();
  for (let round = 0; round < 400; round++) {
    const patient = new Patient();
    const block = random.pick(used);
    patient.disk.flipBit(
      block * METADATA_BLOCK_BYTES + random.below(METADATA_BLOCK_BYTES), random.below(8),
    );
    assert.ok(checkPool(patient.disk).defects.length > 0, `block ${block}`);
  }
});

function usedBlocks(): number[] {
  const patient = new Patient();
  const bytes = patient.read(patient.metadataBitmap());
  const { blockCount } = patient.superblock.metadataSpaceMap;
  return Array.from({ length: blockCount }, (_, block) => block)
    .filter((block) => bitmapCount(bytes, block) > 0);
}

test("damage to a shared leaf is told for every device that loses by it, with the range", () => {
  const patient = new Patient();
  const view = viewOf(patient.read(patient.deviceRoot(5)));
  const shared = childAt(view, 3);
  patient.disk.flipBit(shared * METADATA_BLOCK_BYTES + 100, 0);
  const lost = checkPool(patient.disk).defects.filter((defect) => defect.lost);
  assert.ok(lost.length > 1);
  for (const defect of lost) assert.equal(defect.metadataBlock, shared);
  assert.equal(new Set(lost.map((defect) => defect.deviceId)).size, lost.length);
});
