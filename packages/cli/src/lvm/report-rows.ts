/**
 * The lines of a report. A report has a line for each group, physical volume, logical volume,
 * segment of one or run of extents of the other: the finest of what its columns speak of.
 */
import {
  findLv,
  freeRuns,
  isVisible,
  runsOfSegment,
  type LogicalVolume,
  type MachineView,
  type Segment,
  type VgView,
} from "@mortar/vg";
import type { FieldSource } from "./report-columns.ts";
import type { ReportRow } from "./report-field.ts";

export type RowKind = "vg" | "lv" | "segment" | "pv" | "pv-segment";

/** Undefined when LV and PV columns are mixed where LVM does not join them. */
export function rowKindOf(
  tool: "vgs" | "lvs" | "pvs",
  sources: ReadonlySet<FieldSource>,
): RowKind | undefined {
  const hasLv = sources.has("lv") || sources.has("segment");
  const hasPv = sources.has("pv") || sources.has("pv-segment");
  if (tool === "pvs") {
    return hasLv || sources.has("pv-segment") ? "pv-segment" : "pv";
  }
  if (hasLv && hasPv) return undefined;
  if (tool === "lvs") {
    if (hasPv) return undefined;
    return sources.has("segment") ? "segment" : "lv";
  }
  if (sources.has("segment")) return "segment";
  if (sources.has("lv")) return "lv";
  if (sources.has("pv-segment")) return "pv-segment";
  return sources.has("pv") ? "pv" : "vg";
}

export interface RowFilter {
  /** Hidden LVs too. */
  readonly all: boolean;
  /** Only these LVs of a group, by group name; absent: all of it. */
  readonly lvNames?: ReadonlyMap<string, readonly string[]>;
  /** Only these devices. */
  readonly pvPaths?: ReadonlySet<string> | undefined;
}

export function makeRows(machine: MachineView, kind: RowKind, filter: RowFilter): ReportRow[] {
  if (kind === "pv" || kind === "pv-segment") {
    const { pvPaths } = filter;
    const rows = pvRows(machine, kind);
    if (pvPaths === undefined) return rows;
    return rows.filter(({ found, pv }) => pvPaths.has(found?.path ?? pv?.id ?? ""));
  }
  return machine.groups.flatMap((view) => {
    if (kind === "vg") return [{ view }];
    return shownLvs(view, filter).flatMap((lv) => {
      if (kind === "lv") return [{ view, lv }];
      return lv.segments.map((segment) => ({ view, lv, segment }));
    });
  });
}

/** An LV that is asked for by name is shown even if it is hidden. */
function shownLvs(view: VgView, filter: RowFilter): LogicalVolume[] {
  const wanted = filter.lvNames?.get(view.vg.name);
  if (wanted !== undefined && wanted.length > 0) {
    return wanted.flatMap((name) => findLv(view.vg, name) ?? []);
  }
  return view.vg.logicalVolumes.filter((lv) => filter.all || isVisible(lv));
}

function pvRows(machine: MachineView, kind: "pv" | "pv-segment"): ReportRow[] {
  const owned = machine.groups.flatMap((view) =>
    view.vg.physicalVolumes.flatMap((pv): ReportRow[] => {
      const row: ReportRow = { view, pv, found: view.found.get(pv.key) };
      if (kind === "pv") return [row];
      return runsOf(view, pv.key).map((run) => ({ ...row, ...run }));
    }),
  );
  const free = machine.freePvs.map((found): ReportRow => {
    return kind === "pv" ? { found } : { found, pvRun: { startExtent: 0, extentCount: 0 } };
  });
  return [...owned, ...free];
}

interface Run {
  readonly pvRun: { readonly startExtent: number; readonly extentCount: number };
  readonly lv?: LogicalVolume;
  readonly segment?: Segment;
}

/** Used and free runs of one physical volume in order. A free one is a segment of its own. */
function runsOf(view: VgView, pvKey: string): Run[] {
  const runs: Run[] = freeRuns(view.vg)
    .filter((run) => run.pvKey === pvKey)
    .map((pvRun) => ({
      pvRun,
      segment: { ...pvRun, startExtent: 0, type: "opaque", textType: "free", tags: [], extra: [] },
    }));
  for (const lv of view.vg.logicalVolumes) {
    for (const segment of lv.segments) {
      for (const pvRun of runsOfSegment(view.vg, segment)) {
        if (pvRun.pvKey === pvKey) runs.push({ pvRun, lv, segment });
      }
    }
  }
  return runs.sort((a, b) => a.pvRun.startExtent - b.pvRun.startExtent);
}
