/** Columns that speak of the segments of logical volumes. */
import {
  asThinPool,
  asThinVolume,
  findThinPool,
  thinVolumesOf,
  type Segment,
  type VgView,
} from "@mortar/vg";
import { count, fields, flag, sectors } from "./report-field.ts";
import type { Cell, ReportField, ReportFormat, ReportRow } from "./report-field.ts";

interface SegmentRow {
  readonly view: VgView;
  readonly segment: Segment;
  readonly row: ReportRow;
}

function ofSegment(
  value: (row: SegmentRow, format: ReportFormat) => Cell,
): (row: ReportRow, format: ReportFormat) => Cell {
  return (row, format) => {
    const { view, segment } = row;
    return view === undefined || segment === undefined ? "" : value({ view, segment, row }, format);
  };
}

function typeOf({ segment }: SegmentRow): string {
  if (segment.type === "opaque") return segment.textType;
  if (segment.type !== "striped") return segment.type;
  return segment.stripes.length === 1 ? "linear" : "striped";
}

function stripeCount({ segment }: SegmentRow): number {
  if (segment.type === "thin") return 0;
  return segment.type === "striped" ? segment.stripes.length : 1;
}

/** The device of a physical volume, or the LV that the segment lies on. */
function targetName(view: VgView, target: string): string {
  const pv = view.vg.physicalVolumes.find((one) => one.key === target);
  if (pv === undefined) return target;
  return view.found.get(target)?.path ?? "[unknown]";
}

/** "/dev/loop0(1)"; of a pool its data LV. */
function devices({ view, segment }: SegmentRow): string {
  if (segment.type === "thin-pool") return `${segment.dataLv}(0)`;
  if (segment.type !== "striped") return "";
  return segment.stripes
    .map((stripe) => `${targetName(view, stripe.target)}(${stripe.startExtent})`)
    .join(",");
}

/** "/dev/loop0:1-250". A list of logical ranges has commas, and brackets around hidden LVs. */
function ranges(kind: "physical" | "logical"): (row: SegmentRow) => string {
  return ({ view, segment }) => {
    if (segment.type === "thin-pool") {
      const name = kind === "logical" ? `[${segment.dataLv}]` : segment.dataLv;
      return `${name}:0-${segment.extentCount - 1}`;
    }
    if (segment.type !== "striped") return "";
    const length = segment.extentCount / segment.stripes.length;
    return segment.stripes
      .map(({ target, startExtent }) => {
        return `${targetName(view, target)}:${startExtent}-${startExtent + length - 1}`;
      })
      .join(kind === "logical" ? "," : " ");
  };
}

function chunkSize({ segment }: SegmentRow, format: ReportFormat): Cell {
  return sectors(segment.type === "thin-pool" ? segment.chunkSectors : 0, format);
}

function thinCount({ view, segment, row }: SegmentRow): Cell {
  if (segment.type !== "thin-pool" || row.lv === undefined) return "";
  return count(thinVolumesOf(view.vg, row.lv.name).length);
}

/** The pool itself, or the one that a thin LV lies in. */
function poolOf({ view, row }: SegmentRow): ReturnType<typeof findThinPool> {
  const { lv } = row;
  const thin = lv && asThinVolume(lv);
  if (thin !== undefined) return findThinPool(view.vg, thin.segment.pool);
  return lv && asThinPool(lv);
}

function zeroing(row: SegmentRow, format: ReportFormat): Cell {
  return flag("zero", poolOf(row)?.segment.zeroNewBlocks, format);
}

function transactionId({ segment }: SegmentRow): Cell {
  if (segment.type !== "thin-pool" && segment.type !== "thin") return "";
  return count(segment.transactionId);
}

export const segmentFields: readonly ReportField[] = fields([
  ["segtype", "Type", 0, "string", ofSegment(typeOf)],
  ["stripes", "#Str", 0, "number", ofSegment((row) => count(stripeCount(row)))],
  ["data_stripes", "#DStr", 0, "number", ofSegment((row) => count(stripeCount(row)))],
  ["data_copies", "#Cpy", 0, "number", ofSegment(() => count(1))],
  [
    "stripe_size",
    "Stripe",
    0,
    "size",
    ofSegment(({ segment }, format) => {
      return sectors(segment.type === "striped" ? segment.stripeSectors : 0, format);
    }),
  ],
  ["region_size", "Region", 0, "size", ofSegment((_, f) => sectors(0, f))],
  ["chunk_size", "Chunk", 0, "size", ofSegment(chunkSize)],
  ["thin_count", "#Thins", 0, "number", ofSegment(thinCount)],
  ["discards", "Discards", 0, "string", ofSegment((row) => poolOf(row)?.segment.discards ?? "")],
  ["zero", "Zero", 7, "yes-or-no", ofSegment(zeroing)],
  ["transaction_id", "TransId", 0, "number", ofSegment(transactionId)],
  [
    "thin_id",
    "ThId",
    0,
    "number",
    ofSegment(({ segment }) => count(segment.type === "thin" ? segment.deviceId : undefined)),
  ],
  [
    "seg_start",
    "Start",
    0,
    "size",
    ofSegment(({ view, segment }, f) => sectors(segment.startExtent * view.vg.extentSectors, f)),
  ],
  ["seg_start_pe", "Start", 0, "number", ofSegment(({ segment }) => count(segment.startExtent))],
  [
    "seg_size",
    "SSize",
    0,
    "size",
    ofSegment(({ view, segment }, f) => sectors(segment.extentCount * view.vg.extentSectors, f)),
  ],
  ["seg_size_pe", "SSize", 0, "number", ofSegment(({ segment }) => count(segment.extentCount))],
  [
    "seg_tags",
    "Seg Tags",
    0,
    "string",
    ofSegment(({ segment }) => segment.tags.toSorted().join(",")),
  ],
  ["seg_pe_ranges", "PE Ranges", 0, "string", ofSegment(ranges("physical"))],
  ["seg_le_ranges", "LE Ranges", 0, "string", ofSegment(ranges("logical"))],
  ["seg_metadata_le_ranges", "Metadata LE Ranges", 0, "string", ""],
  ["devices", "Devices", 0, "string", ofSegment(devices)],
  ["metadata_devices", "Metadata Devs", 0, "string", ""],
  ["seg_monitor", "Monitor", 0, "string", ""],
]);
