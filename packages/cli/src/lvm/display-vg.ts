/** The lines of `vgdisplay`. */
import {
  asThinPool,
  formatSize,
  freeExtentCount,
  isVisible,
  totalExtentCount,
  usedExtentCount,
  type VgView,
} from "@mortar/vg";
import type { Session } from "./session.ts";

function countsOf({ vg, states, found }: VgView) {
  const total = totalExtentCount(vg);
  const free = freeExtentCount(vg);
  const visible = vg.logicalVolumes.filter(isVisible);
  const isOpen = (name: string) => states.get(name)?.open === true;
  return {
    total,
    free,
    used: total - free,
    lvs: visible.length,
    openLvs: visible.filter((lv) => asThinPool(lv) === undefined && isOpen(lv.name)).length,
    pvs: vg.physicalVolumes.length,
    foundPvs: vg.physicalVolumes.filter((pv) => found.has(pv.key)).length,
  };
}

export function displayVg(session: Session, view: VgView): void {
  const { vg, found } = view;
  const { total, free, used, lvs, openLvs, pvs, foundPvs } = countsOf(view);
  const size = (extents: number) => formatSize(extents * vg.extentSectors, { long: true });
  const areas = [...found.values()].reduce((sum, pv) => sum + pv.contents.areas.length, 0);
  const isExported = vg.status.includes("EXPORTED");
  const resizable = vg.status.includes("RESIZEABLE") ? "resizable" : "NOT resizable";
  const facts: readonly (readonly [string, string | number])[] = [
    ["VG Name", vg.name],
    ["System ID", vg.systemId],
    ["Format", vg.format],
    ["Metadata Areas", areas],
    ["Metadata Sequence No", vg.seqno],
    ["VG Access", vg.status.includes("WRITE") ? "read/write" : "read"],
    ["VG Status", `${isExported ? "exported/" : ""}${resizable}`],
    ["MAX LV", vg.maxLv],
    ["Cur LV", lvs],
    ["Open LV", openLvs],
    ["Max PV", vg.maxPv],
    ["Cur PV", pvs],
    ["Act PV", foundPvs],
    ["VG Size", size(total)],
    ["PE Size", formatSize(vg.extentSectors, { long: true })],
    ["Total PE", total],
    ["Alloc PE / Size", `${used} / ${size(used)}`],
    ["Free  PE / Size", `${free} / ${size(free)}`],
    ["VG UUID", vg.id],
  ];
  session.say("--- Volume group ---");
  for (const [name, value] of facts) session.say(`${name.padEnd(21)} ${value}`);
  session.say(" ");
}

/** `vgdisplay -s` */
export function vgShort(view: VgView): string {
  const { vg } = view;
  const { total, free, used } = countsOf(view);
  const size = (extents: number) => formatSize(extents * vg.extentSectors, { long: true });
  return `"${vg.name}" ${size(total)} [${size(used)} used / ${size(free)} free]`;
}

/** LVM's bits for the third value of `vgdisplay -c`. */
const STATUS_BITS: Readonly<Record<string, number>> = {
  EXPORTED: 0x2,
  RESIZEABLE: 0x4,
  READ: 0x100,
  WRITE: 0x200,
};

/** `vgdisplay -c`; sizes in KiB. */
export function vgColons(view: VgView): string {
  const { vg } = view;
  const { total, free, used, lvs, openLvs, pvs, foundPvs } = countsOf(view);
  return [
    vg.name,
    vg.status.includes("WRITE") ? "r/w" : "r",
    vg.status.reduce((sum, flag) => sum + (STATUS_BITS[flag] ?? 0), 0),
    -1,
    vg.maxLv,
    lvs,
    openLvs,
    -1,
    vg.maxPv,
    pvs,
    foundPvs,
    (total * vg.extentSectors) / 2,
    vg.extentSectors / 2,
    total,
    used,
    free,
    vg.id,
  ].join(":");
}

/** What `vgdisplay -v` adds of the physical volumes. */
export function displayVgPvs(session: Session, view: VgView): void {
  session.say("--- Physical volumes ---");
  for (const pv of view.vg.physicalVolumes) {
    const free = pv.extentCount - usedExtentCount(view.vg, pv.key);
    const path = view.found.get(pv.key)?.path ?? "[unknown]";
    const allocatable = pv.status.includes("ALLOCATABLE") ? "" : "NOT ";
    session.say(`PV Name               ${path.padEnd(14)} `);
    session.say(`PV UUID               ${pv.id}`);
    session.say(`PV Status             ${allocatable}allocatable`);
    session.say(`Total PE / Free PE    ${pv.extentCount} / ${free}`);
    session.say(" ");
  }
}
