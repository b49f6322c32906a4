/** What a report can show: one column, with LVM's name, heading, least width and alignment. */
import type {
  FoundPv,
  LogicalVolume,
  PhysicalVolume,
  Segment,
  VgView,
} from "@mortar/vg";

/** One line of a report. Which parts are there depends on the kind of report. */
export interface ReportRow {
  readonly view?: VgView | undefined;
  readonly lv?: LogicalVolume | undefined;
  readonly segment?: Segment | undefined;
  /** The device, when it was found. */
  readonly found?: FoundPv | undefined;
  /** The physical volume as its group knows it. */
  readonly pv?: PhysicalVolume | undefined;
  /** A run of extents of the physical volume, used or free. */
  readonly pvRun?: { readonly startExtent: number; readonly extentCount: number } | undefined;
  /** Absent: yes. False only where lines that do not pass the selection are shown too. */
  readonly selected?: boolean;
}

/** Units and other choices of the command line that change what a value looks like. */
export interface ReportFormat {
  readonly size: (sectors: number) => string;
  /** Yes-or-no values as 1 and 0. */
  readonly binary: boolean;
}

/** A value: the text, and what to sort by where that differs. */
export type Cell = string | { readonly text: string; readonly sort: number };

export type FieldKind = "string" | "number" | "size" | "percent" | "yes-or-no";

export interface ReportField {
  readonly name: string;
  readonly heading: string;
  readonly width: number;
  readonly kind: FieldKind;
  readonly value: (row: ReportRow, format: ReportFormat) => Cell;
}

/** name, heading, least width, kind, value */
export type FieldRow = readonly [
  name: string,
  heading: string,
  width: number,
  kind: FieldKind,
  value: ReportField["value"] | string,
];

export function fields(rows: readonly FieldRow[]): ReportField[] {
  return rows.map(([name, heading, width, kind, value]) => ({
    name,
    heading,
    width: Math.max(width, heading.length),
    kind,
    value: typeof value === "string" ? () => value : value,
  }));
}

/** A yes-or-no value is a word when it is so, nothing when not; undefined is not known. */
export function flag(word: string, is: boolean | undefined, format: ReportFormat): Cell {
  if (format.binary) return is === undefined ? "-1" : is ? "1" : "0";
  return is === undefined ? "unknown" : is ? word : "";
}

export function count(value: number | undefined): Cell {
  return value === undefined ? "" : { text: String(value), sort: value };
}

export function sectors(value: number | undefined, format: ReportFormat): Cell {
  return value === undefined ? "" : { text: format.size(value), sort: value };
}
