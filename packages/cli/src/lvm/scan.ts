/** `lvscan`, `vgscan`, `pvscan`: a line for each. */
import { formatSize, lvSectors } from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import { commonOptions } from "./common-options.ts";
import { chooseLvs, everyPv, poolsFirst } from "./display.ts";
import { freeSectors, pvSectors, type ShownPv } from "./display-pv.ts";
import type { Session } from "./session.ts";

export const scanOptions: readonly OptionSpec[] = [
  ...commonOptions,
  { long: "all", short: "a" },
  { long: "cache" },
  { long: "exported", short: "e" },
  { long: "ignorelockingfailure" },
  { long: "mknodes" },
  { long: "notifydbus" },
  { long: "novolumegroup", short: "n" },
  { long: "partial", short: "P" },
  { long: "readonly" },
  { long: "short", short: "s" },
  { long: "uuid", short: "u" },
];

const long = (sectors: number) => formatSize(sectors, { long: true });

export async function lvscan(session: Session): Promise<number> {
  const { views, chosen } = await chooseLvs(session);
  for (const view of views) {
    for (const lv of poolsFirst(view)) {
      if (!chosen(view, lv)) continue;
      const active = view.states.get(lv.name)?.active === true ? "ACTIVE  " : "inactive";
      const size = long(lvSectors(view.vg, lv));
      const path = `/dev/${view.vg.name}/${lv.name}`;
      session.say(`${active}          '${path}' [${size}] ${lv.allocationPolicy}`);
    }
  }
  return 0;
}

export async function vgscan(session: Session): Promise<number> {
  for (const { vg } of (await (await session.groups()).view()).groups) {
    const exported = vg.status.includes("EXPORTED") ? "exported " : "";
    session.say(`Found ${exported}volume group "${vg.name}" using metadata type ${vg.format}`);
  }
  return 0;
}

/** LVM counts its internal name for physical volumes of no group among the names to align. */
const NO_GROUP_NAME = "#orphans_lvm2";

export async function pvscan(session: Session): Promise<number> {
  const { line } = session;
  const machine = await (await session.groups()).view();
  const every = everyPv(machine);
  const isExported = ({ view }: ShownPv) => view?.vg.status.includes("EXPORTED") === true;
  let shown = every;
  if (line.has("exported")) {
    session.warn("WARNING: only considering physical volumes of exported volume group(s)");
    shown = every.filter(isExported);
  } else if (line.has("novolumegroup")) {
    session.warn("WARNING: only considering physical volumes in no volume group");
    shown = every.filter(({ view }) => view === undefined);
  }
  if (shown.length === 0) {
    session.say("No matching physical volumes found");
    return 0;
  }
  const widths = {
    path: Math.max(...shown.map(({ path }) => path.length)) + 2,
    group: Math.max(NO_GROUP_NAME.length, ...shown.map((one) => groupName(one).length)) + 2,
  };
  for (const one of shown) {
    session.say(line.has("short") ? one.path : pvLine(one, widths, line.has("uuid")));
  }
  const used = shown.filter(({ view }) => view !== undefined);
  const free = shown.filter(({ view }) => view === undefined);
  const sum = (list: readonly ShownPv[]) =>
    `${list.length} [${long(list.reduce((sectors, one) => sectors + pvSectors(one), 0))}]`;
  session.say(`Total: ${sum(shown)} / in use: ${sum(used)} / in no VG: ${sum(free)}`);
  return 0;
}

function groupName({ view }: ShownPv): string {
  return view?.vg.name ?? "";
}

function pvLine(
  one: ShownPv,
  widths: { readonly path: number; readonly group: number },
  withId: boolean,
): string {
  const { path, found, view, pv } = one;
  const id = found?.contents.label.id ?? pv?.id ?? "";
  const name = withId
    ? `${path.padEnd(widths.path - 2)} with UUID ${id}   `
    : path.padEnd(widths.path);
  const size = long(pvSectors(one));
  const free = long(freeSectors(one));
  if (view === undefined) return `PV ${name}    ${" ".padEnd(widths.group)} lvm2 [${size}]`;
  if (view.vg.status.includes("EXPORTED")) {
    return `PV ${name}  is in exported VG ${view.vg.name} [${size} / ${free} free]`;
  }
  return `PV ${name} VG ${view.vg.name.padEnd(widths.group)} lvm2 [${size} / ${free} free]`;
}
