/** `lvdisplay`, `vgdisplay`, `pvdisplay`: everything about each, one below the other. */
import {
  asThinPool,
  formatSize,
  isVisible,
  type LogicalVolume,
  type MachineView,
  type VgView,
} from "@mortar/vg";
import { existsSync, realpathSync } from "node:fs";
import type { OptionSpec } from "./command-line.ts";
import { displayLv, lvColons } from "./display-lv.ts";
import { displayPv, freeSectors, pvColons, type ShownPv } from "./display-pv.ts";
import { displayVg, displayVgPvs, vgColons, vgShort } from "./display-vg.ts";
import { chooseGroupNames, expandLvs, vgMissing } from "./names.ts";
import { report, reportOptions } from "./report.ts";
import { selectedPvs } from "./select-operands.ts";
import type { Session } from "./session.ts";

export const displayOptions: readonly OptionSpec[] = [
  ...reportOptions,
  { long: "colon", short: "c" },
  { long: "columns", short: "C" },
  { long: "maps", short: "m" },
  { long: "short", short: "s" },
];

export async function lvdisplay(session: Session): Promise<number> {
  const { line } = session;
  if (line.has("columns")) return await report("lvs", session);
  const { views, missing, chosen } = await chooseLvs(session);
  for (const view of views) {
    for (const lv of poolsFirst(view)) {
      if (!chosen(view, lv)) continue;
      if (line.has("colon")) session.say(lvColons(view, lv));
      else displayLv(session, view, lv, line.has("maps"));
    }
  }
  return missing ? 5 : 0;
}

/** The order in which LVM takes the LVs of a group, apart from reports. */
export function poolsFirst({ vg }: VgView): LogicalVolume[] {
  const isPool = (lv: LogicalVolume) => asThinPool(lv) !== undefined;
  const { logicalVolumes } = vg;
  return [...logicalVolumes.filter(isPool), ...logicalVolumes.filter((lv) => !isPool(lv))];
}

interface ChosenLvs {
  readonly views: readonly VgView[];
  /** Something that was named is not there. */
  readonly missing: boolean;
  readonly chosen: (view: VgView, lv: LogicalVolume) => boolean;
}

/** Without operands the visible LVs of every group, and hidden ones with `-a`. */
export async function chooseLvs(session: Session): Promise<ChosenLvs> {
  const { line } = session;
  const isShown = (lv: LogicalVolume) => isVisible(lv) || line.has("all");
  if (line.names.length === 0 && !line.has("select")) {
    const { groups } = await (await session.groups()).view();
    const views = groups.filter(({ vg }) => !isExported(vg));
    return { views, missing: false, chosen: (_, lv) => isShown(lv) };
  }
  const { machine, lvs, failed } = await expandLvs(session);
  let isExportedNamed = false;
  for (const name of new Set(lvs.map(({ vgName }) => vgName))) {
    const view = machine.groups.find(({ vg }) => vg.name === name);
    if (view === undefined || !isExported(view.vg)) continue;
    session.warn(`Volume group ${name} is exported`);
    isExportedNamed = true;
  }
  const bare = line.names.map((name) => name.replace(/^\/dev\/+/, ""));
  const whole = new Set(line.has("all") ? bare : []);
  const wanted = new Set(lvs.map(({ vgName, lvName }) => `${vgName}/${lvName}`));
  return {
    views: machine.groups.filter(({ vg }) => !isExported(vg)),
    missing: failed || isExportedNamed,
    chosen: ({ vg }, lv) => whole.has(vg.name) || wanted.has(`${vg.name}/${lv.name}`),
  };
}

function isExported(vg: VgView["vg"]): boolean {
  return vg.status.includes("EXPORTED");
}

export async function vgdisplay(session: Session): Promise<number> {
  const { line } = session;
  if (line.has("columns")) return await report("vgs", session);
  const machine = await (await session.groups()).view();
  let worst = 0;
  for (const name of chooseGroupNames(session, machine)) {
    const view = machine.groups.find(({ vg }) => vg.name === name);
    if (view === undefined) {
      for (const text of vgMissing(name)) session.warn(text);
      worst = 5;
    } else if (line.has("colon")) session.say(vgColons(view));
    else if (line.has("short")) session.say(vgShort(view));
    else displayWhole(session, view);
  }
  return worst;
}

function displayWhole(session: Session, view: VgView): void {
  displayVg(session, view);
  if (!session.line.has("verbose")) return;
  for (const lv of poolsFirst(view)) {
    if (isVisible(lv)) displayLv(session, view, lv, false);
  }
  displayVgPvs(session, view);
}

export async function pvdisplay(session: Session): Promise<number> {
  const { line } = session;
  if (line.has("columns")) return await report("pvs", session);
  const machine = await (await session.groups()).view();
  const { shown, missing } = choosePvs(session, machine);
  for (const one of shown) {
    if (line.has("short")) {
      const size = formatSize(freeSectors(one), { long: true });
      session.say(`Device "${one.path}" has a capacity of ${size}`);
    } else if (line.has("colon")) session.say(pvColons(one));
    else displayPv(session, one, line.has("maps"));
  }
  return missing ? 5 : 0;
}

/** Of each group in turn, then those of none. */
export function everyPv({ groups, freePvs }: MachineView): ShownPv[] {
  return [
    ...groups.flatMap((view) =>
      view.vg.physicalVolumes.map((pv): ShownPv => {
        const found = view.found.get(pv.key);
        return { path: found?.path ?? "[unknown]", found, view, pv };
      }),
    ),
    ...freePvs.map((found): ShownPv => {
      return { path: found.path, found, view: undefined, pv: undefined };
    }),
  ];
}

function choosePvs(
  session: Session,
  machine: MachineView,
): { readonly shown: readonly ShownPv[]; readonly missing: boolean } {
  const { names } = session.line;
  const every = everyPv(machine);
  let missing = false;
  const named = names.flatMap((name) => {
    if (name.startsWith("@")) {
      return every.filter(({ pv }) => pv?.tags.includes(name.slice(1)) === true);
    }
    const path = existsSync(name) ? realpathSync(name) : name;
    const found = every.filter((one) => one.path === path);
    if (found.length > 0) return found;
    missing = true;
    session.warn(
      existsSync(name)
        ? `Failed to find physical volume "${name}".`
        : `Cannot use ${name}: device not found`,
    );
    return [];
  });
  const chosen = names.length === 0 ? every : every.filter((one) => named.includes(one));
  const select = session.line.value("select");
  if (select === undefined) return { shown: chosen, missing };
  const selected = selectedPvs(machine, select);
  return { shown: chosen.filter(({ path }) => selected.has(path)), missing };
}
