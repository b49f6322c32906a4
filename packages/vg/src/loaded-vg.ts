/**
 * A volume group as it was read under its lock, and writing it back.
 *
 * Every metadata area of the group holds the same text; where they differ the highest seqno wins,
 * and the next commit brings the others in step.
 */
import { hostname } from "node:os";
import {
  commitText,
  printMetadataText,
  rememberText,
  validateVolumeGroup,
  withNextSeqno,
  type VolumeGroup,
} from "@mortar/lvm2";
import { BlockFile } from "./block-file.ts";
import type { CommitRecorder } from "./commit-recorder.ts";
import type { VgHost } from "./host.ts";
import { scanPhysicalVolumes, type FoundPv, type PvScan } from "./pv-scan.ts";
import { VgError } from "./vg-error.ts";

export interface LoadedVg {
  readonly vg: VolumeGroup;
  /** What was found for each physical volume, by key; a missing one is absent. */
  readonly found: ReadonlyMap<string, FoundPv>;
  /** The path of its device, by key. */
  readonly devices: ReadonlyMap<string, string>;
  /** Told of each commit. */
  readonly recorder?: CommitRecorder | undefined;
}

/** Every volume group that the scan shows, by name. */
export function volumeGroupsOf(scan: PvScan): LoadedVg[] {
  const newest = new Map<string, VolumeGroup>();
  for (const { contents } of scan.found) {
    const vg = contents.metadata?.vg;
    if (vg === undefined) continue;
    const known = newest.get(vg.id);
    if (known === undefined || vg.seqno > known.seqno) newest.set(vg.id, vg);
  }
  return [...newest.values()]
    .map((vg) => withDevices(vg, scan.found))
    .sort((a, b) => (a.vg.name < b.vg.name ? -1 : a.vg.name > b.vg.name ? 1 : 0));
}

export function withDevices(vg: VolumeGroup, found: readonly FoundPv[]): LoadedVg {
  const byId = new Map(found.map((pv) => [pv.contents.label.id, pv]));
  const mine = new Map<string, FoundPv>();
  for (const pv of vg.physicalVolumes) {
    const device = byId.get(pv.id);
    if (device !== undefined) mine.set(pv.key, device);
  }
  const devices = new Map([...mine].map(([key, pv]) => [key, pv.path]));
  return { vg, found: mine, devices };
}

/** Throws "vg-missing" in LVM's words. */
export function loadVg(host: VgHost, name: string): LoadedVg {
  const loaded = selectVg(volumeGroupsOf(scanPhysicalVolumes(host)), name);
  return { ...loaded, recorder: host.recorder };
}

export function selectVg(groups: readonly LoadedVg[], name: string): LoadedVg {
  const [first, second] = groups.filter((group) => group.vg.name === name);
  if (first === undefined) throw new VgError("vg-missing", `Volume group "${name}" not found`);
  if (second === undefined) return first;
  throw new VgError(
    "duplicate-name",
    `Multiple VGs found with the same name: ${name} (${first.vg.id} and ${second.vg.id}). ` +
      "Rename one of them, or limit the devices that are scanned.",
  );
}

/** Throws "pv-missing" unless every physical volume is there: a change must reach all of them. */
export function requireComplete(loaded: LoadedVg): void {
  for (const pv of loaded.vg.physicalVolumes) {
    if (loaded.devices.has(pv.key)) continue;
    throw new VgError(
      "pv-missing",
      `Cannot change VG ${loaded.vg.name} while PVs are missing: couldn't find device with uuid ` +
        `${pv.id}.`,
    );
  }
}

/**
 * Make `next` the text of the group, on every metadata area, durably. Returns the group as it now
 * is, with its new seqno. The caller holds the lock exclusively.
 */
export function commitVg(loaded: LoadedVg, next: VolumeGroup): LoadedVg {
  const group = withDevices(next, [...loaded.found.values()]);
  requireComplete(group);
  const vg = withNextSeqno({
    ...next,
    physicalVolumes: next.physicalVolumes.map((pv) => ({
      ...pv,
      device: group.devices.get(pv.key) ?? pv.device,
    })),
  });
  validateVolumeGroup(vg);
  const now = Math.floor(Date.now() / 1000);
  const facts = { description: "Written by Mortar", now, host: hostname() };
  const text = printMetadataText(vg, { form: "disk", generator: "Mortar", ...facts });
  const { recorder } = loaded;
  recorder?.before(loaded.vg);
  const found = writeText(group, text);
  const { description, host: creationHost } = facts;
  rememberText(text, { vg, description, creationHost, creationTime: now });
  recorder?.after(vg);
  return { ...group, vg, found, recorder };
}

function writeText(group: LoadedVg, text: string): ReadonlyMap<string, FoundPv> {
  const open: BlockFile[] = [];
  try {
    const targets = [...group.found].flatMap(([key, pv]) => {
      const device = BlockFile.open(pv.path, "write");
      open.push(device);
      return pv.contents.areas.map((area) => ({ key, device, area }));
    });
    const areas = commitText(targets, text);
    return new Map(
      [...group.found].map(([key, pv]) => {
        const mine = areas.filter((_, index) => targets[index]?.key === key);
        return [key, { ...pv, contents: { ...pv.contents, areas: mine } }];
      }),
    );
  } finally {
    for (const device of open) device.close();
  }
}
