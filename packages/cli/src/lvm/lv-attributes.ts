/**
 * The ten characters of `lvs`' Attr column:
 *
 *     1 type   2 permission   3 allocation   4 fixed minor   5 state
 *     6 open   7 target       8 zeroing      9 health       10 activation skip
 */
import {
  asThinPool,
  asThinVolume,
  findThinPool,
  hasActivationSkip,
  isMetadataSpare,
  isReadOnly,
  mergingSnapshotOf,
  poolOfHidden,
  type LogicalVolume,
  type LvState,
  type VgView,
} from "@mortar/vg";

const ALLOCATION: Readonly<Record<string, string>> = {
  contiguous: "c",
  cling: "l",
  cling_by_tags: "l",
  normal: "n",
  anywhere: "a",
  inherit: "i",
};

export function lvAttributes(view: VgView, lv: LogicalVolume): string {
  const state = view.states.get(lv.name);
  const allocation = ALLOCATION[lv.allocationPolicy] ?? "-";
  return [
    typeOf(view, lv),
    permissionOf(lv, state),
    lv.status.includes("LOCKED") ? allocation.toUpperCase() : allocation,
    lv.status.includes("FIXED_MINOR") ? "m" : "-",
    stateOf(lv, state),
    state?.open === true ? "o" : "-",
    targetOf(lv),
    isZeroing(view, lv) ? "z" : "-",
    healthOf(view, lv, state),
    hasActivationSkip(lv) ? "k" : "-",
  ].join("");
}

function typeOf(view: VgView, lv: LogicalVolume): string {
  if (asThinPool(lv) !== undefined) return "t";
  const thin = asThinVolume(lv);
  if (thin !== undefined) {
    if (mergingSnapshotOf(view.vg, lv.name) !== undefined) return "O";
    return thin.segment.mergeInto === undefined ? "V" : "S";
  }
  if (isMetadataSpare(lv)) return "e";
  const pool = poolOfHidden(view.vg, lv);
  if (pool !== undefined) return pool.segment.dataLv === lv.name ? "T" : "e";
  return opaqueLetter(lv, { raid: "r", mirror: "m", cache: "C", vdo: "d" });
}

function targetOf(lv: LogicalVolume): string {
  if (asThinPool(lv) !== undefined || asThinVolume(lv) !== undefined) return "t";
  return opaqueLetter(lv, { raid: "r", mirror: "m", cache: "C", vdo: "v", snapshot: "s" });
}

function opaqueLetter(lv: LogicalVolume, letters: Readonly<Record<string, string>>): string {
  const [segment] = lv.segments;
  if (segment?.type !== "opaque") return "-";
  const kind = Object.keys(letters).find((prefix) => segment.textType.startsWith(prefix));
  return kind === undefined ? "-" : (letters[kind] ?? "-");
}

function permissionOf(lv: LogicalVolume, state: LvState | undefined): string {
  if (isReadOnly(lv)) return "r";
  return state?.loop?.readOnly === true ? "R" : "w";
}

function stateOf(lv: LogicalVolume, state: LvState | undefined): string {
  if (state === undefined || !state.active) return "-";
  if (state.unreachable) return "X";
  return asThinPool(lv) !== undefined && state.engine?.needsCheck === true ? "c" : "a";
}

function isZeroing(view: VgView, lv: LogicalVolume): boolean {
  const thin = asThinVolume(lv);
  const pool = thin === undefined ? asThinPool(lv) : findThinPool(view.vg, thin.segment.pool);
  return pool?.segment.zeroNewBlocks === true;
}

function healthOf(view: VgView, lv: LogicalVolume, state: LvState | undefined): string {
  if (isPartial(view, lv)) return "p";
  if (state?.unreachable === true) return "X";
  const mode = state?.engine?.mode;
  if (mode === undefined) return "-";
  if (asThinVolume(lv) !== undefined) return mode === "failed" ? "F" : "-";
  if (asThinPool(lv) === undefined) return "-";
  return { write: "-", "out-of-data-space": "D", "read-only": "M", failed: "F" }[mode];
}

/** The sentence of lv_health_status for the ninth character. */
export function healthWord(attributes: string): string {
  const words: Readonly<Record<string, string>> = {
    p: "partial",
    F: "failed",
    D: "out_of_data",
    M: "metadata_read_only",
    X: "unknown",
  };
  return words[attributes.charAt(8)] ?? "";
}

/** Some of its extents, or of what lies under it, are on a device that was not found. */
function isPartial(view: VgView, lv: LogicalVolume): boolean {
  const pool = asThinPool(lv) ?? thinPoolOf(view, lv);
  const parts =
    pool === undefined
      ? [lv]
      : view.vg.logicalVolumes.filter(
          ({ name }) => name === pool.segment.dataLv || name === pool.segment.metadataLv,
        );
  return parts.some((part) =>
    part.segments.some(
      (segment) =>
        segment.type === "striped" &&
        segment.stripes.some(({ target }) => isPvKey(view, target) && !view.found.has(target)),
    ),
  );
}

function thinPoolOf(view: VgView, lv: LogicalVolume): ReturnType<typeof findThinPool> {
  const thin = asThinVolume(lv);
  return thin && findThinPool(view.vg, thin.segment.pool);
}

function isPvKey(view: VgView, name: string): boolean {
  return view.vg.physicalVolumes.some((pv) => pv.key === name);
}

/** The six characters of `vgs`' Attr column. */
export function vgAttributes(view: VgView): string {
  const { vg } = view;
  const allocation = ALLOCATION[vg.allocationPolicy] ?? "-";
  const isShared = vg.lockType !== "" && vg.lockType !== "none";
  return [
    vg.status.includes("WRITE") ? "w" : "r",
    vg.status.includes("RESIZEABLE") ? "z" : "-",
    vg.status.includes("EXPORTED") ? "x" : "-",
    vg.physicalVolumes.some((pv) => !view.found.has(pv.key)) ? "p" : "-",
    allocation === "i" ? "n" : allocation,
    vg.status.includes("CLUSTERED") ? "c" : isShared ? "s" : "-",
  ].join("");
}
