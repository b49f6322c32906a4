/** The lines of `pvdisplay`. */
import {
  freeRuns,
  formatSize,
  runsOfSegment,
  SECTOR_BYTES,
  usedExtentCount,
  type FoundPv,
  type PhysicalVolume,
  type VgView,
} from "@mortar/vg";
import type { Session } from "./session.ts";

/** A physical volume, of a group or of none. */
export interface ShownPv {
  readonly path: string;
  readonly found: FoundPv | undefined;
  readonly view: VgView | undefined;
  readonly pv: PhysicalVolume | undefined;
}

const long = (sectors: number) => formatSize(sectors, { long: true });

/** Sectors: what it has for extents; a free one as a whole. */
export function pvSectors({ found, view, pv }: ShownPv): number {
  if (view !== undefined && pv !== undefined) return pv.extentCount * view.vg.extentSectors;
  return (found?.sizeBytes ?? 0) / SECTOR_BYTES;
}

export function freeSectors(shown: ShownPv): number {
  const { view, pv } = shown;
  if (view === undefined || pv === undefined) return pvSectors(shown);
  return (pv.extentCount - usedExtentCount(view.vg, pv.key)) * view.vg.extentSectors;
}

export function displayPv(session: Session, shown: ShownPv, maps: boolean): void {
  const { path, found, view, pv } = shown;
  const isNew = view === undefined || pv === undefined;
  if (isNew) session.say(`"${path}" is a new physical volume of "${long(pvSectors(shown))}"`);
  session.say(isNew ? "--- NEW Physical volume ---" : "--- Physical volume ---");
  const used = isNew ? 0 : usedExtentCount(view.vg, pv.key);
  const count = pv?.extentCount ?? 0;
  const facts: readonly (readonly [string, string | number])[] = [
    ["PV Name", path],
    ["VG Name", `${view?.vg.name ?? ""}${isExported(view) ? " (exported)" : ""}`],
    ["PV Size", sizeWords(shown)],
    ["Allocatable", allocatableWords(shown, count - used)],
    ["PE Size", long(isNew ? 0 : view.vg.extentSectors)],
    ["Total PE", count],
    ["Free PE", count - used],
    ["Allocated PE", used],
    ["PV UUID", found?.contents.label.id ?? pv?.id ?? ""],
  ];
  for (const [name, value] of facts) session.say(`${name.padEnd(21)} ${value}`);
  session.say(" ");
  if (!maps) return;
  if (!isNew) displayRuns(session, view, pv);
  session.say(" ");
}

function isExported(view: VgView | undefined): boolean {
  return view?.vg.status.includes("EXPORTED") === true;
}

function sizeWords(shown: ShownPv): string {
  const { pv } = shown;
  const usable = pvSectors(shown);
  const whole = pv?.deviceSectors ?? usable;
  if (whole <= usable) return long(whole);
  return `${long(whole)} / not usable ${long(whole - usable)}`;
}

function allocatableWords({ pv }: ShownPv, free: number): string {
  if (pv?.status.includes("ALLOCATABLE") !== true) return "NO";
  return free === 0 ? "yes (but full)" : "yes ";
}

/** `pvdisplay -m` */
function displayRuns(session: Session, { vg }: VgView, pv: PhysicalVolume): void {
  const runs = freeRuns(vg)
    .filter((run) => run.pvKey === pv.key)
    .map((run) => ({ ...run, lines: ["FREE"] }));
  for (const lv of vg.logicalVolumes) {
    for (const segment of lv.segments) {
      for (const run of runsOfSegment(vg, segment)) {
        if (run.pvKey !== pv.key) continue;
        const last = segment.startExtent + segment.extentCount - 1;
        const lines = [
          `Logical volume\t/dev/${vg.name}/${lv.name}`,
          `Logical extents\t${segment.startExtent} to ${last}`,
        ];
        runs.push({ ...run, lines });
      }
    }
  }
  session.say("--- Physical Segments ---");
  for (const run of runs.toSorted((a, b) => a.startExtent - b.startExtent)) {
    const last = run.startExtent + run.extentCount - 1;
    session.say(`Physical extent ${run.startExtent} to ${last}:`);
    for (const line of run.lines) session.say(`  ${line}`);
  }
}

const ALLOCATABLE_BIT = 8;

/** `pvdisplay -c`; the size in sectors, extents in KiB. */
export function pvColons(shown: ShownPv): string {
  const { path, found, view, pv } = shown;
  const count = pv?.extentCount ?? 0;
  const used = view === undefined || pv === undefined ? 0 : usedExtentCount(view.vg, pv.key);
  const status = pv?.status.includes("ALLOCATABLE") === true ? ALLOCATABLE_BIT : 0;
  return [
    path,
    view?.vg.name ?? "",
    pv?.deviceSectors ?? pvSectors(shown),
    -1,
    status,
    status,
    -1,
    (pv === undefined ? 0 : (view?.vg.extentSectors ?? 0)) / 2,
    count,
    count - used,
    used,
    found?.contents.label.id ?? pv?.id ?? "",
  ].join(":");
}
