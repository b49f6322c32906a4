/** Columns that speak of volume groups. */
import {
  freeExtentCount,
  isVisible,
  SECTOR_BYTES,
  textSizeMax,
  totalExtentCount,
  type LogicalVolume,
  type VgView,
} from "@mortar/vg";
import { vgAttributes } from "./lv-attributes.ts";
import { count, fields, flag, sectors } from "./report-field.ts";
import type { Cell, ReportField, ReportFormat, ReportRow } from "./report-field.ts";

/** A value of the group; nothing in a row without one. */
function ofVg(
  value: (view: VgView, format: ReportFormat) => Cell,
): (row: ReportRow, format: ReportFormat) => Cell {
  return ({ view }, format) => (view === undefined ? "" : value(view, format));
}

function areasOf(view: VgView): { sizeBytes: number; freeBytes: number; ignored: boolean }[] {
  return [...view.found.values()].flatMap((pv) => pv.contents.areas.map(areaFacts));
}

/** As LVM counts: the longest text that fits, less the one that is there, in whole sectors. */
export function areaFacts(area: {
  readonly sizeBytes: number;
  readonly ignored: boolean;
  readonly committed: { readonly sizeBytes: number } | undefined;
}): { sizeBytes: number; freeBytes: number; ignored: boolean } {
  const left = textSizeMax(area.sizeBytes) - (area.committed?.sizeBytes ?? 0);
  const freeBytes = Math.max(0, Math.floor(left / SECTOR_BYTES) * SECTOR_BYTES);
  return { sizeBytes: area.sizeBytes, freeBytes, ignored: area.ignored };
}

function smallest(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.min(...values) / SECTOR_BYTES;
}

/** Copy-on-write snapshots; those of thin volumes are thin volumes. */
function isOldSnapshot(lv: LogicalVolume): boolean {
  return lv.segments.some(
    (segment) => segment.type === "opaque" && segment.textType === "snapshot",
  );
}

/** The system that a group was made for; LVM knows it by two names. */
const systemId = ofVg(({ vg }) => vg.systemId);

export const vgFields: readonly ReportField[] = fields([
  ["vg_fmt", "Fmt", 3, "string", ofVg(({ vg }) => vg.format)],
  ["vg_uuid", "VG UUID", 38, "string", ofVg(({ vg }) => vg.id)],
  ["vg_name", "VG", 4, "string", ofVg(({ vg }) => vg.name)],
  ["vg_attr", "Attr", 5, "string", ofVg(vgAttributes)],
  [
    "vg_permissions",
    "VPerms",
    10,
    "string",
    ofVg(({ vg }) => (vg.status.includes("WRITE") ? "writeable" : "read-only")),
  ],
  [
    "vg_extendable",
    "Extendable",
    0,
    "yes-or-no",
    ofVg(({ vg }, f) => flag("extendable", vg.status.includes("RESIZEABLE"), f)),
  ],
  [
    "vg_exported",
    "Exported",
    10,
    "yes-or-no",
    ofVg(({ vg }, f) => flag("exported", vg.status.includes("EXPORTED"), f)),
  ],
  [
    "vg_autoactivation",
    "AutoAct",
    0,
    "yes-or-no",
    ofVg(({ vg }, f) => flag("enabled", !vg.flags.includes("NOAUTOACTIVATE"), f)),
  ],
  [
    "vg_partial",
    "Partial",
    10,
    "yes-or-no",
    ofVg((view, f) => flag("partial", vgAttributes(view).charAt(3) === "p", f)),
  ],
  [
    "vg_allocation_policy",
    "AllocPol",
    10,
    "string",
    ofVg(({ vg }) => (vg.allocationPolicy === "inherit" ? "normal" : vg.allocationPolicy)),
  ],
  [
    "vg_clustered",
    "Clustered",
    10,
    "yes-or-no",
    ofVg(({ vg }, f) => flag("clustered", vg.status.includes("CLUSTERED"), f)),
  ],
  [
    "vg_shared",
    "Shared",
    7,
    "yes-or-no",
    ofVg((view, f) => flag("shared", vgAttributes(view).charAt(5) === "s", f)),
  ],
  [
    "vg_size",
    "VSize",
    0,
    "size",
    ofVg(({ vg }, f) => sectors(totalExtentCount(vg) * vg.extentSectors, f)),
  ],
  [
    "vg_free",
    "VFree",
    0,
    "size",
    ofVg(({ vg }, f) => sectors(freeExtentCount(vg) * vg.extentSectors, f)),
  ],
  ["vg_sysid", "SYS ID", 0, "string", systemId],
  ["vg_systemid", "System ID", 0, "string", systemId],
  ["vg_lock_type", "LockType", 0, "string", ofVg(({ vg }) => vg.lockType)],
  ["vg_lock_args", "VLockArgs", 0, "string", ""],
  ["vg_extent_size", "Ext", 0, "size", ofVg(({ vg }, f) => sectors(vg.extentSectors, f))],
  ["vg_extent_count", "#Ext", 0, "number", ofVg(({ vg }) => count(totalExtentCount(vg)))],
  ["vg_free_count", "Free", 0, "number", ofVg(({ vg }) => count(freeExtentCount(vg)))],
  ["max_lv", "MaxLV", 0, "number", ofVg(({ vg }) => count(vg.maxLv))],
  ["max_pv", "MaxPV", 0, "number", ofVg(({ vg }) => count(vg.maxPv))],
  ["pv_count", "#PV", 0, "number", ofVg(({ vg }) => count(vg.physicalVolumes.length))],
  [
    "vg_missing_pv_count",
    "#PV Missing",
    0,
    "number",
    ofVg(({ vg, found }) => count(vg.physicalVolumes.filter((pv) => !found.has(pv.key)).length)),
  ],
  [
    "lv_count",
    "#LV",
    0,
    "number",
    ofVg(({ vg }) => count(vg.logicalVolumes.filter(isVisible).length)),
  ],
  [
    "snap_count",
    "#SN",
    0,
    "number",
    ofVg(({ vg }) => count(vg.logicalVolumes.filter(isOldSnapshot).length)),
  ],
  ["vg_seqno", "Seq", 0, "number", ofVg(({ vg }) => count(vg.seqno))],
  ["vg_tags", "VG Tags", 0, "string", ofVg(({ vg }) => vg.tags.toSorted().join(","))],
  ["vg_profile", "VProfile", 0, "string", ""],
  ["vg_mda_count", "#VMda", 0, "number", ofVg((view) => count(areasOf(view).length))],
  [
    "vg_mda_used_count",
    "#VMdaUse",
    0,
    "number",
    ofVg((view) => count(areasOf(view).filter((area) => !area.ignored).length)),
  ],
  [
    "vg_mda_free",
    "VMdaFree",
    9,
    "size",
    ofVg((view, f) => sectors(smallest(areasOf(view).map((area) => area.freeBytes)), f)),
  ],
  [
    "vg_mda_size",
    "VMdaSize",
    9,
    "size",
    ofVg((view, f) => sectors(smallest(areasOf(view).map((area) => area.sizeBytes)), f)),
  ],
  [
    "vg_mda_copies",
    "#VMdaCps",
    0,
    "number",
    ofVg(({ vg }) => (vg.metadataCopies === 0 ? "unmanaged" : count(vg.metadataCopies))),
  ],
]);
