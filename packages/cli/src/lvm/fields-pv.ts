/** Columns that speak of physical volumes and their extents. */
import { isInUse, SECTOR_BYTES, usedExtentCount, type FoundPv } from "@mortar/vg";
import { areaFacts } from "./fields-vg.ts";
import { count, fields, flag, sectors } from "./report-field.ts";
import type { Cell, ReportField, ReportFormat, ReportRow } from "./report-field.ts";

/** A value of the device; nothing when it was not found. */
function ofDevice(
  value: (found: FoundPv, format: ReportFormat) => Cell,
): (row: ReportRow, format: ReportFormat) => Cell {
  return ({ found }, format) => (found === undefined ? "" : value(found, format));
}

function nameOf({ found, pv }: ReportRow): string {
  return found?.path ?? (pv === undefined ? "" : "[unknown]");
}

function idOf({ found, pv }: ReportRow): string {
  return found?.contents.label.id ?? pv?.id ?? "";
}

function deviceNumber(part: 0 | 1): ReportField["value"] {
  return ofDevice((found) => count(Number(found.deviceNumber.split(":")[part] ?? -1)));
}

/** Extents in all, or used, in sectors. A free physical volume counts as one area of its size. */
function sizeOf(row: ReportRow): number {
  const { view, pv, found } = row;
  if (view !== undefined && pv !== undefined) return pv.extentCount * view.vg.extentSectors;
  return (found?.sizeBytes ?? 0) / SECTOR_BYTES;
}

function usedExtents({ view, pv }: ReportRow): number {
  return view === undefined || pv === undefined ? 0 : usedExtentCount(view.vg, pv.key);
}

function usedOf(row: ReportRow): number {
  return usedExtents(row) * (row.view?.vg.extentSectors ?? 0);
}

function isMissing({ pv, found }: ReportRow): boolean {
  return pv !== undefined && (found === undefined || pv.flags.includes("MISSING"));
}

function isAllocatable({ pv }: ReportRow): boolean {
  return pv?.status.includes("ALLOCATABLE") === true;
}

function isExported({ view }: ReportRow): boolean {
  return view?.vg.status.includes("EXPORTED") === true;
}

function isUsed({ pv, found }: ReportRow): boolean {
  return pv !== undefined || (found !== undefined && isInUse(found.contents.label));
}

function attributesOf(row: ReportRow): string {
  const use = isAllocatable(row) ? "a" : isUsed(row) ? "u" : "-";
  return `${use}${isExported(row) ? "x" : "-"}${isMissing(row) ? "m" : "-"}`;
}

function areas(found: FoundPv): ReturnType<typeof areaFacts>[] {
  return found.contents.areas.map(areaFacts);
}

function leastBytes(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.min(...values);
}

const bootArea = (found: FoundPv) => found.contents.label.bootAreas[0];

export const pvFields: readonly ReportField[] = fields([
  ["pv_fmt", "Fmt", 3, "string", ({ found, pv }) => (found ?? pv ? "lvm2" : "")],
  ["pv_uuid", "PV UUID", 38, "string", idOf],
  ["dev_size", "DevSize", 0, "size", ofDevice((d, f) => sectors(d.sizeBytes / SECTOR_BYTES, f))],
  ["pv_name", "PV", 10, "string", nameOf],
  ["pv_major", "Maj", 0, "string", deviceNumber(0)],
  ["pv_minor", "Min", 0, "string", deviceNumber(1)],
  [
    "pv_mda_free",
    "PMdaFree",
    9,
    "size",
    ofDevice((d, f) => sectors(leastBytes(areas(d).map((a) => a.freeBytes)) / SECTOR_BYTES, f)),
  ],
  [
    "pv_mda_size",
    "PMdaSize",
    9,
    "size",
    ofDevice((d, f) => sectors(leastBytes(areas(d).map((a) => a.sizeBytes)) / SECTOR_BYTES, f)),
  ],
  ["pv_ext_vsn", "PExtVsn", 0, "number", ofDevice((d) => count(d.contents.label.extensionVersion))],
  [
    "pe_start",
    "1st PE",
    7,
    "size",
    ofDevice((d, f) => sectors((d.contents.label.dataAreas[0]?.offset ?? 0) / SECTOR_BYTES, f)),
  ],
  ["pv_size", "PSize", 0, "size", (row, f) => sectors(sizeOf(row), f)],
  ["pv_free", "PFree", 0, "size", (row, f) => sectors(sizeOf(row) - usedOf(row), f)],
  ["pv_used", "Used", 0, "size", (row, f) => sectors(usedOf(row), f)],
  ["pv_attr", "Attr", 0, "string", attributesOf],
  [
    "pv_allocatable",
    "Allocatable",
    0,
    "yes-or-no",
    (row, f) => flag("allocatable", isAllocatable(row), f),
  ],
  ["pv_exported", "Exported", 10, "yes-or-no", (row, f) => flag("exported", isExported(row), f)],
  ["pv_missing", "Missing", 10, "yes-or-no", (row, f) => flag("missing", isMissing(row), f)],
  ["pv_pe_count", "PE", 3, "number", ({ pv }) => count(pv?.extentCount ?? 0)],
  ["pv_pe_alloc_count", "Alloc", 0, "number", (row) => count(usedExtents(row))],
  ["pv_tags", "PV Tags", 0, "string", ({ pv }) => pv?.tags.toSorted().join(",") ?? ""],
  ["pv_mda_count", "#PMda", 0, "number", ofDevice((d) => count(areas(d).length))],
  [
    "pv_mda_used_count",
    "#PMdaUse",
    0,
    "number",
    ofDevice((d) => count(areas(d).filter((area) => !area.ignored).length)),
  ],
  [
    "pv_ba_start",
    "BA Start",
    0,
    "size",
    ofDevice((d, f) => sectors((bootArea(d)?.offset ?? 0) / SECTOR_BYTES, f)),
  ],
  [
    "pv_ba_size",
    "BA Size",
    0,
    "size",
    ofDevice((d, f) => sectors((bootArea(d)?.sizeBytes ?? 0) / SECTOR_BYTES, f)),
  ],
  ["pv_in_use", "PInUse", 0, "yes-or-no", (row, f) => flag("used", isUsed(row), f)],
  ["pv_duplicate", "Duplicate", 0, "yes-or-no", (_, f) => flag("duplicate", false, f)],
  ["pv_device_id", "DeviceID", 0, "string", ""],
  ["pv_device_id_type", "DeviceIDType", 0, "string", ""],
]);

export const pvSegmentFields: readonly ReportField[] = fields([
  ["pvseg_start", "Start", 0, "number", ({ pvRun }) => count(pvRun?.startExtent)],
  ["pvseg_size", "SSize", 0, "number", ({ pvRun }) => count(pvRun?.extentCount)],
]);
