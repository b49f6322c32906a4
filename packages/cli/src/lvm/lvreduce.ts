/** `lvreduce`, and `lvresize` where that makes a volume smaller. */
import {
  extentsFromSectors,
  formatSize,
  freeExtentCount,
  lvExtentCount,
  parseExtentsArgument,
  parseSizeArgument,
  percentOfExtents,
  SECTOR_BYTES,
  totalExtentCount,
  type LogicalVolume,
  type Sign,
  type VgView,
  type VolumeGroup,
} from "@mortar/vg";
import { shrinkLogicalVolume } from "@mortar/lvm2";
import type { OptionSpec } from "./command-line.ts";
import { changeOptions, extents, shrinkingSize, signedSize } from "./common-options.ts";
import { lvextend, requireOperand, tellChange } from "./lvextend.ts";
import { badUsage, failed } from "./lvm-exit.ts";
import { bytesText, dryRunOption, isDryRun, tellPlan } from "./removal-plan.ts";
import { noMatch } from "./names.ts";
import { requireFileSystem, shrinkFileSystem } from "./resize-filesystem.ts";
import type { Session } from "./session.ts";

const shared: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "extents", short: "l", value: true, check: extents },
  { long: "nofsck", short: "n" },
  { long: "resizefs", short: "r" },
  dryRunOption,
];

export const lvreduceOptions: readonly OptionSpec[] = [
  ...shared,
  { long: "size", short: "L", value: true, check: shrinkingSize },
];

export const lvresizeOptions: readonly OptionSpec[] = [
  ...shared,
  { long: "alloc", value: true },
  { long: "poolmetadatasize", value: true, check: signedSize },
  { long: "size", short: "L", value: true, check: signedSize },
];

export async function lvreduce(session: Session): Promise<number> {
  const { line } = session;
  const [operand, ...rest] = line.names;
  const isSized = line.has("size") || line.has("extents");
  if (operand === undefined || rest.length > 0 || !isSized) {
    throw noMatch(line.tool, "lvreduce -L|--size [-]Size[m|UNIT] LV");
  }
  requireOneSize(session);
  const { view, lv } = await requireOperand(session, operand);
  await reduce(session, view, lv, wantedExtents(session, view.vg, lv));
  return 0;
}

export async function lvresize(session: Session): Promise<number> {
  const { line } = session;
  const [operand] = line.names;
  const isSized = ["size", "extents", "poolmetadatasize"].some((name) => line.has(name));
  if (operand === undefined || !isSized) throw noMatch(line.tool);
  requireOneSize(session);
  if (!line.has("size") && !line.has("extents")) {
    if (isDryRun(session)) throw failed(`--poolmetadatasize has no dry run: nothing was done.`);
    return await lvextend(session);
  }
  const { view, lv } = await requireOperand(session, operand);
  const wanted = wantedExtents(session, view.vg, lv, true);
  if (wanted >= lvExtentCount(lv)) {
    if (isDryRun(session)) throw failed(`${line.tool} to a larger size has no dry run: nothing was done.`);
    return await lvextend(session);
  }
  await reduce(session, view, lv, wantedExtents(session, view.vg, lv));
  return 0;
}

function requireOneSize({ line }: Session): void {
  if (!line.has("size") || !line.has("extents")) return;
  throw badUsage(line.tool, "Please specify either size or extents but not both.");
}

/** The new total. `quietly` does not speak of rounding. */
function wantedExtents(
  session: Session,
  vg: VolumeGroup,
  lv: LogicalVolume,
  quietly = false,
): number {
  const { line } = session;
  const before = lvExtentCount(lv);
  const size = line.value("size");
  if (size === undefined) return ofExtentsArgument(vg, before, line.value("extents") ?? "");
  const { sign, sectors } = parseSizeArgument(size);
  if (sectors === 0) throw badUsage(line.tool, "--size may not be zero.");
  const count = extentsFromSectors(vg, sectors);
  if (sectors % vg.extentSectors !== 0 && !quietly) {
    const rounded = formatSize(count * vg.extentSectors, { long: true });
    session.say(`Rounding size to boundary between physical extents: ${rounded}.`);
  }
  return signed(before, sign, count);
}

function ofExtentsArgument(vg: VolumeGroup, before: number, argument: string): number {
  const { sign, count, percentOf } = parseExtentsArgument(argument);
  if (percentOf === undefined) return signed(before, sign, count);
  const free = freeExtentCount(vg);
  const whole = { VG: totalExtentCount(vg), LV: before, FREE: free, PVS: free, ORIGIN: before };
  const isMore = sign === "+" || (sign === "" && percentOf === "FREE");
  const share = percentOfExtents(count, whole[percentOf], isMore ? "up" : "down");
  return signed(before, isMore ? "+" : sign, share);
}

function signed(before: number, sign: Sign, count: number): number {
  if (sign === "+") return before + count;
  return sign === "-" ? before - count : count;
}

async function reduce(
  session: Session,
  { vg, states }: VgView,
  lv: LogicalVolume,
  extentCount: number,
): Promise<void> {
  const { line } = session;
  const name = `${vg.name}/${lv.name}`;
  const state = states.get(lv.name);
  const before = lvExtentCount(lv);
  if (isDryRun(session)) return showReduction(session, vg, lv, extentCount);
  const isSmaller = extentCount >= 1 && extentCount < before;
  const fileSystem =
    line.has("resizefs") && isSmaller ? requireFileSystem(name, state, "shrink") : undefined;
  if (state?.active === true && isSmaller && fileSystem === undefined && !line.has("force")) {
    const size = formatSize(extentCount * vg.extentSectors, { long: true });
    const open = state.open ? " and open" : "";
    session.warn(`WARNING: Reducing active${open} logical volume to ${size}.`);
    session.warn("THIS MAY DESTROY YOUR DATA (filesystem etc.)");
    if (!(await session.confirm(`Do you really want to reduce ${name}? [y/n]: `))) {
      throw failed(`Logical volume ${name} NOT reduced.`);
    }
  }
  if (fileSystem !== undefined) {
    shrinkFileSystem(session, fileSystem, extentCount * vg.extentSectors * SECTOR_BYTES);
  }
  const groups = await session.groups();
  await groups.reduceLv(vg.name, { name: lv.name, extentCount });
  tellChange(session, vg, lv.name, before, extentCount);
  session.say(`Logical volume ${name} successfully resized.`);
}

/**
 * What a thin volume has behind its new end stays mapped in the pool, as with device-mapper: only
 * of other volumes the extents come free.
 */
function showReduction(
  session: Session,
  vg: VolumeGroup,
  lv: LogicalVolume,
  extentCount: number,
): void {
  const next = shrinkLogicalVolume(vg, lv.name, extentCount);
  const extentBytes = vg.extentSectors * SECTOR_BYTES;
  const cut = bytesText((lvExtentCount(lv) - extentCount) * extentBytes);
  const left = bytesText(extentCount * extentBytes);
  const freed = (freeExtentCount(next) - freeExtentCount(vg)) * extentBytes;
  const line = `cuts      ${vg.name}/${lv.name} to ${left}: what is in the last ${cut} is lost`;
  tellPlan(session, [line], [`${bytesText(freed)} of volume group ${vg.name}`]);
}
