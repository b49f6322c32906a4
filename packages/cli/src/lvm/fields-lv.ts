/** Columns that speak of logical volumes. */
import {
  asThinPool,
  asThinVolume,
  deviceMapperName,
  findLv,
  formatPercent,
  hasActivationSkip,
  isErrorWhenFull,
  isMetadataSpare,
  isReadOnly,
  isVisible,
  lvSectors,
  poolOfHidden,
  snapshotsOf,
  type LogicalVolume,
  type LvState,
  type VgView,
} from "@mortar/vg";
import { healthWord, lvAttributes } from "./lv-attributes.ts";
import { count, fields, flag, sectors } from "./report-field.ts";
import type { Cell, ReportField, ReportFormat, ReportRow } from "./report-field.ts";

/** An LV within its group, with its state. */
interface LvRow {
  readonly view: VgView;
  readonly lv: LogicalVolume;
  readonly state: LvState | undefined;
}

/** A value of the LV; nothing in a row without one. */
function ofLv(
  value: (row: LvRow, format: ReportFormat) => Cell,
): (row: ReportRow, format: ReportFormat) => Cell {
  return ({ view, lv }, format) => {
    if (view === undefined || lv === undefined) return "";
    return value({ view, lv, state: view.states.get(lv.name) }, format);
  };
}

/** Names of LVs that users do not see stand in brackets. */
export function bracketed(view: VgView, name: string | undefined): string {
  if (name === undefined) return "";
  const lv = findLv(view.vg, name);
  return lv !== undefined && isVisible(lv) ? name : `[${name}]`;
}

function idOf(view: VgView, name: string | undefined): string {
  return name === undefined ? "" : (findLv(view.vg, name)?.id ?? "");
}

/** Pools have no device that users may touch. */
function pathOf({ view, lv }: LvRow): string {
  const hasPath = isVisible(lv) && asThinPool(lv) === undefined;
  return hasPath ? `/dev/${view.vg.name}/${lv.name}` : "";
}

function layoutOf({ view, lv }: LvRow): string {
  if (asThinPool(lv) !== undefined) return "thin,pool";
  if (asThinVolume(lv) !== undefined) return "thin,sparse";
  const [segment] = lv.segments;
  if (segment?.type === "opaque") return segment.textType;
  if (segment?.type === "striped" && segment.stripes.length > 1) return "striped";
  return view.vg.logicalVolumes.includes(lv) ? "linear" : "";
}

function roleOf({ view, lv }: LvRow): string {
  const pool = poolOfHidden(view.vg, lv);
  if (isMetadataSpare(lv)) return "private,pool,spare";
  if (pool !== undefined) {
    return `private,thin,pool,${pool.segment.dataLv === lv.name ? "data" : "metadata"}`;
  }
  const roles = [isVisible(lv) && asThinPool(lv) === undefined ? "public" : "private"];
  const snapshots = snapshotsOf(view.vg, lv.name).length;
  if (snapshots > 0) roles.push("origin", "thinorigin");
  if (snapshots > 1) roles.push("multithinorigin");
  if (asThinVolume(lv)?.segment.origin !== undefined) roles.push("snapshot", "thinsnapshot");
  return roles.join(",");
}

function isMergingSnapshot(lv: LogicalVolume): boolean {
  return asThinVolume(lv)?.segment.mergeInto !== undefined;
}

function whenFull({ lv }: LvRow): string {
  if (asThinPool(lv) === undefined) return "";
  return isErrorWhenFull(lv) ? "error" : "queue";
}

function ancestors({ view, lv }: LvRow): string {
  const names: string[] = [];
  let origin = asThinVolume(lv)?.segment.origin;
  while (origin !== undefined && !names.includes(origin)) {
    names.push(origin);
    const above = findLv(view.vg, origin);
    origin = above && asThinVolume(above)?.segment.origin;
  }
  return names.join(",");
}

function descendants({ view, lv }: LvRow): string {
  const names: string[] = [];
  const visit = (name: string) => {
    for (const { lv: below } of snapshotsOf(view.vg, name)) {
      if (names.includes(below.name)) continue;
      names.push(below.name);
      visit(below.name);
    }
  };
  visit(lv.name);
  return names.toSorted().join(",");
}

function dataPercent({ view, lv, state }: LvRow): Cell {
  const engine = state?.engine;
  if (engine === undefined) return "";
  if (asThinPool(lv) !== undefined) return percent(engine.dataUsedBlocks, engine.dataTotalBlocks);
  const mapped = state?.volume?.mappedBlocks;
  if (mapped === undefined) return "";
  // LVM counts the last chunk as whole, also where the volume ends within it.
  return percent(mapped, Math.ceil(lvSectors(view.vg, lv) / engine.chunkSectors));
}

function metadataPercent({ lv, state }: LvRow): Cell {
  const engine = state?.engine;
  if (engine === undefined || asThinPool(lv) === undefined) return "";
  return percent(engine.metadataUsedBlocks, engine.metadataTotalBlocks);
}

function percent(part: number, whole: number): Cell {
  return { text: formatPercent(part, whole), sort: whole === 0 ? 0 : part / whole };
}

/** "2026-11-22 15:33:08 +0000", in the time zone of whoever asks. */
export function localTime(seconds: number): string {
  if (seconds === 0) return "";
  const date = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const zone = `${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time} ${offset < 0 ? "-" : "+"}${zone}`;
}

function deviceNumber(part: 0 | 1): (row: LvRow) => Cell {
  return ({ state }) => count(Number(state?.loop?.deviceNumber.split(":")[part] ?? -1));
}

function activeWord(word: string): (row: LvRow, format: ReportFormat) => Cell {
  return ({ state }, format) =>
    flag(word, state?.unreachable === true ? undefined : state?.active === true, format);
}

function permissions({ lv, state }: LvRow): string {
  if (isReadOnly(lv)) return "read-only";
  return state?.loop?.readOnly === true ? "read-only-override" : "writeable";
}

function metadataSize({ view, lv }: LvRow, format: ReportFormat): Cell {
  const name = asThinPool(lv)?.segment.metadataLv;
  const metadata = name === undefined ? undefined : findLv(view.vg, name);
  return sectors(metadata && lvSectors(view.vg, metadata), format);
}

function parentOf({ view, lv }: LvRow): string {
  return poolOfHidden(view.vg, lv)?.lv.name ?? "";
}

function modulesOf({ lv }: LvRow): string {
  if (asThinVolume(lv) !== undefined) return "thin,thin-pool";
  return asThinPool(lv) === undefined ? "" : "thin-pool";
}

function kernelDiscards({ lv, state }: LvRow): string {
  return state?.engine === undefined ? "" : (asThinPool(lv)?.segment.discards ?? "");
}

const dataLv = ({ lv }: LvRow) => asThinPool(lv)?.segment.dataLv;
const metadataLv = ({ lv }: LvRow) => asThinPool(lv)?.segment.metadataLv;
const poolLv = ({ lv }: LvRow) => asThinVolume(lv)?.segment.pool;
const originLv = ({ lv }: LvRow) => asThinVolume(lv)?.segment.origin;
const named = (nameOf: (row: LvRow) => string | undefined) =>
  ofLv((row) => bracketed(row.view, nameOf(row)));
const identified = (nameOf: (row: LvRow) => string | undefined) =>
  ofLv((row) => idOf(row.view, nameOf(row)));

export const lvFields: readonly ReportField[] = fields([
  ["lv_uuid", "LV UUID", 38, "string", ofLv(({ lv }) => lv.id)],
  ["lv_name", "LV", 4, "string", ofLv(({ view, lv }) => bracketed(view, lv.name))],
  ["lv_full_name", "LV", 0, "string", ofLv(({ view, lv }) => `${view.vg.name}/${lv.name}`)],
  ["lv_path", "Path", 0, "string", ofLv(pathOf)],
  [
    "lv_dm_path",
    "DMPath",
    0,
    "string",
    ofLv(({ view, lv }) => `/dev/mapper/${deviceMapperName(view.vg.name, lv.name)}`),
  ],
  ["lv_parent", "Parent", 0, "string", ofLv(parentOf)],
  ["lv_layout", "Layout", 10, "string", ofLv(layoutOf)],
  ["lv_role", "Role", 10, "string", ofLv(roleOf)],
  ["lv_allocation_policy", "AllocPol", 10, "string", ofLv(({ lv }) => lv.allocationPolicy)],
  [
    "lv_allocation_locked",
    "AllocLock",
    10,
    "yes-or-no",
    ofLv(({ lv }, f) => flag("allocation locked", lv.status.includes("LOCKED"), f)),
  ],
  [
    "lv_fixed_minor",
    "FixMin",
    10,
    "yes-or-no",
    ofLv(({ lv }, f) => flag("fixed minor", lv.status.includes("FIXED_MINOR"), f)),
  ],
  [
    "lv_skip_activation",
    "SkipAct",
    15,
    "yes-or-no",
    ofLv(({ lv }, f) => flag("skip activation", hasActivationSkip(lv), f)),
  ],
  [
    "lv_autoactivation",
    "AutoAct",
    0,
    "yes-or-no",
    ofLv(({ lv }, f) => flag("enabled", !lv.flags.includes("NOAUTOACTIVATE"), f)),
  ],
  [
    "lv_merging",
    "Merging",
    10,
    "yes-or-no",
    ofLv(({ lv }, f) => flag("merging", isMergingSnapshot(lv), f)),
  ],
  ["lv_when_full", "WhenFull", 15, "string", ofLv(whenFull)],
  ["lv_active", "Active", 0, "string", ofLv(activeWord("active"))],
  ["lv_active_locally", "ActLocal", 10, "yes-or-no", ofLv(activeWord("active locally"))],
  ["lv_active_remotely", "ActRemote", 10, "yes-or-no", ofLv((_, f) => flag("", false, f))],
  ["lv_active_exclusively", "ActExcl", 10, "yes-or-no", ofLv(activeWord("active exclusively"))],
  ["lv_major", "Maj", 0, "number", ofLv(() => count(-1))],
  ["lv_minor", "Min", 0, "number", ofLv(() => count(-1))],
  ["lv_read_ahead", "Rahead", 0, "size", ofLv(() => "auto")],
  ["lv_size", "LSize", 0, "size", ofLv(({ view, lv }, f) => sectors(lvSectors(view.vg, lv), f))],
  ["lv_metadata_size", "MSize", 0, "size", ofLv(metadataSize)],
  ["seg_count", "#Seg", 0, "number", ofLv(({ lv }) => count(lv.segments.length))],
  ["origin", "Origin", 0, "string", named(originLv)],
  ["origin_uuid", "Origin UUID", 38, "string", identified(originLv)],
  ["origin_size", "OSize", 0, "size", () => ({ text: "", sort: 0 })],
  ["lv_ancestors", "Ancestors", 0, "string", ofLv(ancestors)],
  ["lv_full_ancestors", "FAncestors", 0, "string", ofLv(ancestors)],
  ["lv_descendants", "Descendants", 0, "string", ofLv(descendants)],
  ["lv_full_descendants", "FDescendants", 0, "string", ofLv(descendants)],
  ["data_lv", "Data", 0, "string", named(dataLv)],
  ["data_lv_uuid", "Data UUID", 38, "string", identified(dataLv)],
  ["metadata_lv", "Meta", 0, "string", named(metadataLv)],
  ["metadata_lv_uuid", "Meta UUID", 38, "string", identified(metadataLv)],
  ["pool_lv", "Pool", 0, "string", named(poolLv)],
  ["pool_lv_uuid", "Pool UUID", 38, "string", identified(poolLv)],
  ["lv_tags", "LV Tags", 0, "string", ofLv(({ lv }) => lv.tags.toSorted().join(","))],
  [
    "lv_time",
    "CTime",
    26,
    "string",
    ofLv(({ lv }) => ({ text: localTime(lv.creationTime), sort: lv.creationTime })),
  ],
  ["lv_host", "Host", 10, "string", ofLv(({ lv }) => lv.creationHost)],
  ["lv_modules", "Modules", 0, "string", ofLv(modulesOf)],
  ["lv_kernel_major", "KMaj", 0, "number", ofLv(deviceNumber(0))],
  ["lv_kernel_minor", "KMin", 0, "number", ofLv(deviceNumber(1))],
  ["lv_kernel_read_ahead", "KRahead", 0, "size", ofLv(() => count(-1))],
  ["lv_permissions", "LPerms", 8, "string", ofLv(permissions)],
  ["lv_suspended", "Suspended", 10, "yes-or-no", ofLv((_, f) => flag("suspended", false, f))],
  ["lv_live_table", "LiveTable", 20, "yes-or-no", ofLv(activeWord("live table present"))],
  ["lv_inactive_table", "InactiveTable", 20, "yes-or-no", ofLv((_, f) => flag("", false, f))],
  [
    "lv_device_open",
    "DevOpen",
    10,
    "yes-or-no",
    ofLv(({ state }, f) => flag("open", state?.open === true, f)),
  ],
  ["data_percent", "Data%", 6, "percent", ofLv(dataPercent)],
  ["metadata_percent", "Meta%", 6, "percent", ofLv(metadataPercent)],
  [
    "lv_health_status",
    "Health",
    15,
    "string",
    ofLv(({ view, lv }) => healthWord(lvAttributes(view, lv))),
  ],
  ["kernel_discards", "KDiscards", 0, "string", ofLv(kernelDiscards)],
  [
    "lv_check_needed",
    "CheckNeeded",
    15,
    "yes-or-no",
    ofLv(({ lv, state }, f) =>
      flag("check needed", asThinPool(lv) && state?.engine?.needsCheck, f),
    ),
  ],
  ["lv_attr", "Attr", 10, "string", ofLv(({ view, lv }) => lvAttributes(view, lv))],
]);

