/** `lvs`, `vgs` and `pvs`. */
import { existsSync, realpathSync } from "node:fs";
import { formatSize, splitLvPath, type MachineView, type VolumeGroup } from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import { commonOptions, parseUnit, reportFormat } from "./common-options.ts";
import { badUsage, failed, LvmExit } from "./lvm-exit.ts";
import { isSpaceField } from "./fields-space.ts";
import { chooseColumns, chooseSortKeys, sourceOf } from "./report-columns.ts";
import type { ReportField, ReportFormat, ReportRow } from "./report-field.ts";
import { printJson, printTable, sortRows } from "./report-print.ts";
import { makeRows, rowKindOf, type RowKind } from "./report-rows.ts";
import { fieldsOf, isSelected, type Selection } from "./selection-match.ts";
import { parseSelection } from "./selection-parse.ts";
import type { Session } from "./session.ts";

export type ReportTool = "lvs" | "vgs" | "pvs";

export const reportOptions: readonly OptionSpec[] = [
  ...commonOptions,
  { long: "aligned" },
  { long: "all", short: "a" },
  { long: "binary" },
  { long: "foreign" },
  { long: "headings", value: true },
  { long: "history", short: "H" },
  { long: "ignorelockingfailure" },
  { long: "ignoreskippedcluster" },
  { long: "logonly" },
  { long: "nameprefixes" },
  { long: "noheadings" },
  { long: "nosuffix" },
  { long: "options", short: "o", value: true },
  { long: "partial", short: "P" },
  { long: "readonly" },
  { long: "reportformat", value: true, check: reportFormat },
  { long: "rows" },
  { long: "segments" },
  { long: "select", short: "S", value: true },
  { long: "separator", value: true },
  { long: "shared" },
  { long: "sort", short: "O", value: true },
  { long: "trustcache" },
  { long: "unbuffered" },
  { long: "units", value: true },
  { long: "unquoted" },
];

const DEFAULTS: Readonly<Record<string, string>> = {
  lvs:
    "lv_name,vg_name,lv_attr,lv_size,pool_lv,origin,data_percent,metadata_percent,move_pv," +
    "mirror_log,copy_percent,convert_lv",
  "lvs -v":
    "lv_name,vg_name,seg_count,lv_attr,lv_size,lv_major,lv_minor,lv_kernel_major," +
    "lv_kernel_minor,pool_lv,origin,data_percent,metadata_percent,move_pv,copy_percent," +
    "mirror_log,convert_lv,lv_uuid,lv_profile",
  "lvs --segments": "lv_name,vg_name,lv_attr,stripes,segtype,seg_size",
  "lvs --segments -v":
    "lv_name,vg_name,lv_attr,seg_start,seg_size,stripes,segtype,stripe_size,chunk_size",
  vgs: "vg_name,pv_count,lv_count,snap_count,vg_attr,vg_size,vg_free",
  "vgs -v":
    "vg_name,vg_attr,vg_extent_size,pv_count,lv_count,snap_count,vg_size,vg_free,vg_uuid," +
    "vg_profile",
  pvs: "pv_name,vg_name,pv_fmt,pv_attr,pv_size,pv_free",
  "pvs -v": "pv_name,vg_name,pv_fmt,pv_attr,pv_size,pv_free,dev_size,pv_uuid",
  "pvs --segments": "pv_name,vg_name,pv_fmt,pv_attr,pv_size,pv_free,pvseg_start,pvseg_size",
};

const SORT: Readonly<Record<RowKind, string>> = {
  vg: "vg_name",
  lv: "vg_name,lv_name",
  segment: "vg_name,lv_name,seg_start",
  pv: "pv_name",
  "pv-segment": "pv_name,pvseg_start",
};

export async function report(tool: ReportTool, session: Session): Promise<number> {
  const { line } = session;
  const selection = parseSelection(tool, line.value("select") ?? "");
  const format = readFormat(session);
  const columns = chooseColumns(tool, defaultColumns(tool, session), line.values("options"));
  const spokenOf = [...columns, ...fieldsOf(selection)];
  const kind = rowKindOf(tool, new Set(spokenOf.map(sourceOf)));
  if (kind === undefined) {
    const type = tool.slice(0, 2);
    throw failed(`Can't report LV and PV fields at the same time in report type "${type}".`);
  }
  const keys = chooseSortKeys(tool, SORT[kind].split(","), line.values("sort"));
  const space = [...spokenOf, ...keys.map(({ field }) => field)].some(isSpaceField);
  const chosen = await choose(tool, session, space);
  const all = line.has("all") || isAllByName(tool, session);
  const { lvNames, pvPaths } = chosen;
  const made = makeRows(chosen.machine, kind, { all, lvNames, pvPaths });
  const rows = selectRows(made, selection, columns);
  const sorted = sortRows(rows, keys, format);
  if (line.value("reportformat")?.startsWith("json") === true) {
    session.print(printJson(tool.slice(0, 2), columns, sorted, format));
  } else {
    const separator = line.value("separator");
    session.print(
      printTable(columns, sorted, format, {
        headings: !line.has("noheadings") && line.value("headings") !== "none",
        aligned: (separator === undefined && !line.has("nameprefixes")) || line.has("aligned"),
        separator: separator ?? " ",
        transposed: line.has("rows"),
        namePrefixes: line.has("nameprefixes"),
        quoted: !line.has("unquoted"),
      }),
    );
  }
  return chosen.complete ? 0 : 5;
}

/** With the column `selected` the others are shown too. */
function selectRows(
  rows: readonly ReportRow[],
  selection: Selection,
  columns: readonly ReportField[],
): ReportRow[] {
  if (columns.every((field) => field.name !== "selected")) {
    return rows.filter((row) => isSelected(selection, row));
  }
  return rows.map((row) => ({ ...row, selected: isSelected(selection, row) }));
}

function isAllByName(tool: ReportTool, session: Session): boolean {
  return tool === "pvs" && session.line.has("segments");
}

function defaultColumns(tool: ReportTool, session: Session): string[] {
  const { line } = session;
  const segments = line.has("segments") && tool !== "vgs" ? " --segments" : "";
  const verbose = line.has("verbose") ? " -v" : "";
  const key = `${tool}${segments}${verbose}`;
  return (DEFAULTS[key] ?? DEFAULTS[`${tool}${segments}`] ?? "").split(",");
}

function readFormat(session: Session): ReportFormat {
  const { line } = session;
  const text = line.value("units") ?? "r";
  const unit = parseUnit(text);
  if (unit === undefined) throw badUsage(line.tool, "Invalid units specification");
  const suffix = !line.has("nosuffix");
  const size =
    "unit" in unit
      ? (sectors: number) => formatSize(sectors, { unit: unit.unit, suffix })
      : (sectors: number) => `${(sectors / unit.sectors).toFixed(2)}${suffix ? "U" : ""}`;
  return { size, binary: line.has("binary") };
}

interface Chosen {
  readonly machine: MachineView;
  readonly lvNames: ReadonlyMap<string, readonly string[]>;
  /** Absent: every physical volume. */
  readonly pvPaths?: ReadonlySet<string>;
  /** False when something that was named is not there. */
  readonly complete: boolean;
}

/** What the names on the command line stand for; complaints about the others go to stderr. */
async function choose(tool: ReportTool, session: Session, space: boolean): Promise<Chosen> {
  const machine = await (await session.groups()).view(undefined, { space });
  const { names } = session.line;
  if (names.length === 0) {
    const groups = machine.groups.filter(({ vg }) => tool !== "lvs" || !isExported(vg));
    return { machine: { ...machine, groups }, lvNames: new Map(), complete: true };
  }
  return tool === "pvs" ? choosePvs(session, machine) : chooseGroups(tool, session, machine);
}

function chooseGroups(tool: ReportTool, session: Session, machine: MachineView): Chosen {
  const lvNames = new Map<string, string[]>();
  let complete = true;
  const refuse = (...lines: string[]) => {
    for (const text of lines) session.warn(text);
    complete = false;
  };
  for (const name of session.line.names) {
    if (name.startsWith("@")) {
      addTagged(tool, machine, name.slice(1), lvNames);
      continue;
    }
    const { vgName, lvName } = splitName(name);
    const view = machine.groups.find(({ vg }) => vg.name === vgName);
    if (view === undefined) {
      refuse(`Volume group "${vgName}" not found`, `Cannot process volume group ${vgName}`);
      continue;
    }
    if (tool === "lvs" && isExported(view.vg)) {
      refuse(`Volume group ${vgName} is exported`);
      continue;
    }
    const wanted = lvNames.get(vgName);
    if (tool === "vgs" || lvName === undefined) lvNames.set(vgName, []);
    else if (!view.states.has(lvName)) {
      refuse(`Failed to find logical volume "${vgName}/${lvName}"`);
    } else if (wanted === undefined) lvNames.set(vgName, [lvName]);
    else if (wanted.length > 0) wanted.push(lvName);
  }
  const groups = machine.groups.filter(({ vg }) => lvNames.has(vg.name));
  return { machine: { groups, freePvs: [] }, lvNames, complete };
}

/** LVs of an exported group are nobody's to see. */
function isExported(vg: VolumeGroup): boolean {
  return vg.status.includes("EXPORTED");
}

function splitName(name: string): ReturnType<typeof splitLvPath> {
  try {
    return splitLvPath(name);
  } catch (error) {
    throw new LvmExit(5, [`  ${error instanceof Error ? error.message : String(error)}`]);
  }
}

function addTagged(
  tool: ReportTool,
  machine: MachineView,
  tag: string,
  lvNames: Map<string, string[]>,
): void {
  for (const { vg } of machine.groups) {
    const tagged = vg.logicalVolumes.filter((lv) => lv.tags.includes(tag)).map((lv) => lv.name);
    if (vg.tags.includes(tag) || (tool === "vgs" && tagged.length > 0)) lvNames.set(vg.name, []);
    else if (tagged.length > 0) lvNames.set(vg.name, [...(lvNames.get(vg.name) ?? []), ...tagged]);
  }
}

function choosePvs(session: Session, machine: MachineView): Chosen {
  const shown = new Set<string>();
  let complete = true;
  const known = [
    ...machine.groups.flatMap(({ vg, found }) =>
      vg.physicalVolumes.map((pv) => ({ path: found.get(pv.key)?.path ?? pv.id, tags: pv.tags })),
    ),
    ...machine.freePvs.map((pv) => ({ path: pv.path, tags: [] as readonly string[] })),
  ];
  for (const name of session.line.names) {
    const matches = known.filter(({ path, tags }) =>
      name.startsWith("@") ? tags.includes(name.slice(1)) : path === devicePathOf(name),
    );
    for (const { path } of matches) shown.add(path);
    if (matches.length > 0 || name.startsWith("@")) continue;
    session.warn(
      existsSync(name)
        ? `Failed to find physical volume "${name}".`
        : `Cannot use ${name}: device not found`,
    );
    complete = false;
  }
  return { machine, lvNames: new Map(), pvPaths: shown, complete };
}

/** The device behind a link such as those in /dev/disk. */
function devicePathOf(name: string): string {
  try {
    return realpathSync(name);
  } catch {
    return name;
  }
}
