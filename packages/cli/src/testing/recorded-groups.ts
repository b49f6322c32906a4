/**
 * The volume group of the recorded walk-through as it was at its end, without a disk: its text as
 * `vgcfgbackup` wrote it, and its pool as full as `lvs` then printed.
 */
import { readFileSync } from "node:fs";
import {
  parseMetadataText,
  type LvState,
  type MachineView,
  type VgView,
  type VolumeGroups,
} from "@mortar/vg";

const TEXT = new URL("../../testdata/lvm-bd-vg.txt", import.meta.url);

const ENGINE: NonNullable<LvState["engine"]> = {
  transactionId: 14,
  mode: "write",
  needsCheck: false,
  chunkSectors: 128,
  dataUsedBlocks: 1395,
  dataTotalBlocks: 16_000,
  metadataUsedBlocks: 124,
  metadataTotalBlocks: 1024,
  heldRoot: null,
};

/** Blocks mapped by each active thin volume. */
const MAPPED: Readonly<Record<string, number>> = {
  lv1: 1354,
  "452bfcf743504df4b6af536487d0924d_0": 1354,
};

function stateOf(name: string): LvState {
  const isSpare = name.endsWith("_pmspare");
  const mappedBlocks = MAPPED[name];
  return {
    active: !isSpare,
    open: !isSpare,
    loop: undefined,
    volume:
      mappedBlocks === undefined
        ? undefined
        : { name, deviceId: 1, sizeBytes: 0, readOnly: false, openCount: 1, mappedBlocks },
    engine: isSpare ? undefined : ENGINE,
    unreachable: false,
  };
}

/** Only `view` answers; a command that would change something fails. */
export function recordedGroups(): VolumeGroups {
  const { vg } = parseMetadataText(readFileSync(TEXT, "utf8"));
  const label = {
    sector: 1,
    id: vg.physicalVolumes[0]?.id ?? "",
    deviceSizeBytes: 1 << 30,
    dataAreas: [{ offset: 1 << 20, sizeBytes: 0 }],
    metadataAreas: [{ offset: 4096, sizeBytes: 1_044_480 }],
    bootAreas: [],
    extensionVersion: 2,
    extensionFlags: 1,
  };
  const area = {
    offset: 4096,
    sizeBytes: 1_044_480,
    ignored: false,
    committed: { offset: 512, sizeBytes: 2600, checksum: 0 },
    precommitted: undefined,
  };
  const contents = { label, areas: [area], metadata: undefined, defects: [] };
  const device = { path: "/dev/loop0", deviceNumber: "7:0", sizeBytes: 1 << 30, contents };
  const view: VgView = {
    vg,
    found: new Map([["pv0", device]]),
    states: new Map(vg.logicalVolumes.map(({ name }) => [name, stateOf(name)])),
    pools: new Map(),
  };
  const machine: MachineView = { groups: [view], freePvs: [] };
  const groups = { view: async () => await Promise.resolve(machine) };
  return groups as unknown as VolumeGroups;
}
