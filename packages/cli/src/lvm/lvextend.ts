/** `lvextend`: linear and thin volumes, the data and the metadata of pools. */
import {
  asThinPool,
  extentsFromSectors,
  findLv,
  formatSize,
  freeExtentCount,
  lvExtentCount,
  overprovisioningWarnings,
  parseExtentsArgument,
  parseSizeArgument,
  percentOfExtents,
  requireLv,
  requireThinPool,
  totalExtentCount,
  VgError,
  type LogicalVolume,
  type VolumeGroup,
} from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import { changeOptions, extents, signedSize } from "./common-options.ts";
import { badUsage, failed } from "./lvm-exit.ts";
import { lvOperand, noMatch, requireView } from "./names.ts";
import type { Session } from "./session.ts";

export const lvextendOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "alloc", value: true },
  { long: "extents", short: "l", value: true, check: extents },
  { long: "nofsck", short: "n" },
  { long: "poolmetadatasize", value: true, check: signedSize },
  { long: "resizefs", short: "r" },
  { long: "size", short: "L", value: true, check: signedSize },
  { long: "usepolicies" },
];

const SHRINKS = "Negative argument not permitted - use lvreduce.";

export async function lvextend(session: Session): Promise<number> {
  const { line } = session;
  const [operand, ...devices] = line.names;
  const isSized = ["size", "extents", "poolmetadatasize"].some((name) => line.has(name));
  if (operand === undefined || !isSized) throw noMatch(line.tool);
  if (line.has("size") && line.has("extents")) {
    throw badUsage(line.tool, "Please specify either size or extents but not both.");
  }
  if (line.has("resizefs")) {
    throw failed(
      "--resizefs is not supported: extend the volume, then grow its file system (xfs_growfs).",
    );
  }
  const { vgName, lvName } = lvOperand(line.tool, operand);
  const machine = await (await session.groups()).view();
  const { vg } = requireView(machine, vgName);
  const lv = findLv(vg, lvName);
  if (lv === undefined) {
    const sentence = `Logical volume ${lvName} not found in volume group ${vgName}.`;
    throw new VgError("lv-missing", sentence);
  }
  const physicalVolumes = devices.length === 0 ? undefined : devices;
  const metadata = line.value("poolmetadatasize");
  if (metadata !== undefined) await growMetadata(session, vg, lv, metadata, physicalVolumes);
  if (line.has("size") || line.has("extents")) await growData(session, vg, lv, physicalVolumes);
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
  const groups = await session.groups();
  const after = await groups.extendLv(vg.name, { name: lv.name, extentCount, physicalVolumes });
  const pool = asThinPool(lv);
  tellChange(session, vg, pool?.segment.dataLv ?? lv.name, before, extentCount);
  const [segment] = lv.segments;
  if (segment?.type === "thin") {
    for (const warning of overprovisioningWarnings(after, segment.pool)) session.warn(warning);
  }
  session.say(`Logical volume ${vg.name}/${lv.name} successfully resized.`);
}

function tellChange(
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
