/** `lvextend`: linear and thin volumes, the data and the metadata of pools. */
import {
  asThinPool,
  extentsFromSectors,
  findLv,
  formatSize,
  freeExtentCount,
  lvExtentCount,
  parseExtentsArgument,
  parseSizeArgument,
  percentOfExtents,
  requireLv,
  requireThinPool,
  stripingOf,
  totalExtentCount,
  VgError,
  wholeRows,
  type LogicalVolume,
  type VgView,
  type VolumeGroup,
} from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import { changeOptions, extents, unsignedSize } from "./common-options.ts";
import { badUsage, failed } from "./lvm-exit.ts";
import { lvOperand, noMatch, requireView } from "./names.ts";
import { warnOfPromises } from "./promises.ts";
import { growFileSystem, requireFileSystem } from "./resize-filesystem.ts";
import type { Session } from "./session.ts";

export const lvextendOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "alloc", value: true },
  { long: "extents", short: "l", value: true, check: extents },
  { long: "nofsck", short: "n" },
  { long: "poolmetadatasize", value: true, check: unsignedSize },
  { long: "resizefs", short: "r" },
  { long: "size", short: "L", value: true, check: unsignedSize },
  { long: "usepolicies" },
];

const SHRINKS = "Negative argument not permitted - use lvreduce.";

export async function lvextend(session: Session): Promise<number> {
  const { line } = session;
  const [operand, ...devices] = line.names;
  const isSized = ["size", "extents", "poolmetadatasize"].some((name) => line.has(name));
  if (operand !== undefined && line.has("usepolicies")) return await extendByPolicy(session, operand);
  if (operand === undefined || !isSized) throw noMatch(line.tool);
  if (line.has("size") && line.has("extents")) {
    throw badUsage(line.tool, "Please specify either size or extents but not both.");
  }
  const { view, lv } = await requireOperand(session, operand);
  const { vg } = view;
  const fileSystem = line.has("resizefs")
    ? requireFileSystem(`${vg.name}/${lv.name}`, view.states.get(lv.name), "grow")
    : undefined;
  const physicalVolumes = devices.length === 0 ? undefined : devices;
  const metadata = line.value("poolmetadatasize");
  if (metadata !== undefined) await growMetadata(session, vg, lv, metadata, physicalVolumes);
  if (line.has("size") || line.has("extents")) await growData(session, vg, lv, physicalVolumes);
  if (fileSystem !== undefined) growFileSystem(session, fileSystem);
  return 0;
}

/** The one LV that a command resizes. */
export async function requireOperand(
  session: Session,
  operand: string,
): Promise<{ readonly view: VgView; readonly lv: LogicalVolume }> {
  const { vgName, lvName } = lvOperand(session.line.tool, operand);
  const machine = await (await session.groups()).view();
  const view = requireView(machine, vgName);
  const lv = findLv(view.vg, lvName);
  if (lv !== undefined) return { view, lv };
  const sentence = `Logical volume ${lvName} not found in volume group ${vgName}.`;
  throw new VgError("lv-missing", sentence);
}

/** What the server of a pool runs when the pool passes its threshold. */
async function extendByPolicy(session: Session, operand: string): Promise<number> {
  if (["size", "extents", "poolmetadatasize"].some((name) => session.line.has(name))) {
    throw badUsage(session.line.tool, "--usepolicies takes no size.");
  }
  const { view, lv } = await requireOperand(session, operand);
  const { vg } = view;
  if (asThinPool(lv) === undefined) {
    throw failed(`Only a thin pool has a policy, and ${vg.name}/${lv.name} is none.`);
  }
  const groups = await session.groups();
  const grown = await groups.extendPoolByPolicy({ vg: vg.name, pool: lv.name });
  for (const { lv: name, before, after } of grown) tellChange(session, vg, name, before, after);
  if (grown.length > 0) session.say(`Logical volume ${vg.name}/${lv.name} successfully resized.`);
  return 0;
}

async function growMetadata(
  session: Session,
  vg: VolumeGroup,
  pool: LogicalVolume,
  argument: string,
  physicalVolumes: readonly string[] | undefined,
): Promise<void> {
  const { metadataLv } = requireThinPool(vg, pool.name).segment;
  const before = lvExtentCount(requireLv(vg, metadataLv));
  const extentCount = sizeToExtents(session, vg, before, argument);
  const groups = await session.groups();
  const request = { name: pool.name, extentCount, physicalVolumes };
  await groups.extendPoolMetadata(vg.name, request);
  tellChange(session, vg, metadataLv, before, extentCount);
  session.say(`Logical volume ${vg.name}/${metadataLv} successfully resized.`);
}

async function growData(
  session: Session,
  vg: VolumeGroup,
  lv: LogicalVolume,
  physicalVolumes: readonly string[] | undefined,
): Promise<void> {
  const { line } = session;
  const before = lvExtentCount(lv);
  const size = line.value("size");
  const extentCount =
    size === undefined
      ? extentsToExtents(session, vg, before, line.value("extents") ?? "")
      : sizeToExtents(session, vg, before, size);
  const pool = asThinPool(lv);
  const grown = pool === undefined ? lv : requireLv(vg, pool.segment.dataLv);
  if (extentCount > before) tellStripes(session, vg, grown, extentCount);
  const groups = await session.groups();
  const after = await groups.extendLv(vg.name, {
    name: lv.name,
    extentCount,
    physicalVolumes,
    force: line.has("force"),
  });
  tellChange(session, vg, grown.name, before, lvExtentCount(requireLv(after, grown.name)));
  const [segment] = lv.segments;
  const promising = segment?.type === "thin" ? segment.pool : pool?.lv.name;
  if (promising !== undefined) await warnOfPromises(session, after, promising);
  session.say(`Logical volume ${vg.name}/${lv.name} successfully resized.`);
}

/** What is added to a striped LV is striped as its end is. */
function tellStripes(
  session: Session,
  vg: VolumeGroup,
  lv: LogicalVolume,
  extentCount: number,
): void {
  const striping = stripingOf(lv.segments);
  if (striping === undefined) return;
  const { stripeSectors } = striping;
  session.say(`Using stripesize of last segment ${formatSize(stripeSectors, { long: true })}`);
  tellRounding(session, vg, extentCount, wholeRows(lv, extentCount));
}

/** A striped LV has whole rows of stripes. */
export function tellRounding(
  session: Session,
  vg: VolumeGroup,
  wanted: number,
  rounded: number,
): void {
  if (wanted === rounded) return;
  const size = (count: number) => formatSize(count * vg.extentSectors, { long: true });
  session.say(
    `Rounding size ${size(wanted)} (${wanted} extents) up to stripe boundary size ` +
      `${size(rounded)} (${rounded} extents).`,
  );
}

export function tellChange(
  session: Session,
  vg: VolumeGroup,
  name: string,
  before: number,
  after: number,
): void {
  const size = (count: number) =>
    `${formatSize(count * vg.extentSectors, { long: true })} (${count} extents)`;
  session.say(
    `Size of logical volume ${vg.name}/${name} changed from ${size(before)} to ${size(after)}.`,
  );
}

/** The new total for `-L [+]SIZE`. */
function sizeToExtents(
  session: Session,
  vg: VolumeGroup,
  before: number,
  argument: string,
): number {
  const { sign, sectors } = parseSizeArgument(argument);
  if (sign === "-") throw badUsage(session.line.tool, SHRINKS);
  const count = extentsFromSectors(vg, sectors);
  if (sectors % vg.extentSectors !== 0) {
    const size = formatSize(count * vg.extentSectors, { long: true });
    session.say(`Rounding size to boundary between physical extents: ${size}.`);
  }
  return sign === "+" ? before + count : count;
}

/** The new total for `-l [+]N[%BASE]`. */
function extentsToExtents(
  session: Session,
  vg: VolumeGroup,
  before: number,
  argument: string,
): number {
  const { sign, count, percentOf } = parseExtentsArgument(argument);
  if (sign === "-") throw badUsage(session.line.tool, SHRINKS);
  if (percentOf === undefined) return sign === "+" ? before + count : count;
  const free = freeExtentCount(vg);
  const whole = { VG: totalExtentCount(vg), LV: before, FREE: free, PVS: free, ORIGIN: before };
  const share = percentOfExtents(count, whole[percentOf], "up");
  // A share of what is free can only be meant as more.
  return sign === "+" || percentOf === "FREE" ? before + share : share;
}
