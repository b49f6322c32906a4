/** `lvcreate`: linear volumes, thin pools, thin volumes and their snapshots. */
import {
  extentsFromSectors,
  findSignatures,
  freeExtentCount,
  formatSize,
  parseExtentsArgument,
  parseSizeArgument,
  percentOfExtents,
  totalExtentCount,
  usedExtentCount,
  wipeSignature,
  zeroStart,
  type MadeLv,
  type VolumeGroup,
} from "@mortar/vg";
import { isActivating } from "./common-options.ts";
import { badUsage } from "./lvm-exit.ts";
import { readStriping, wholeStripes } from "./lvcreate-stripes.ts";
import { readLvcreate, type LvcreateRequest, type SizeRequest } from "./lvcreate-request.ts";
import { requireView } from "./names.ts";
import { warnOfPromises } from "./promises.ts";
import type { Session } from "./session.ts";

export async function lvcreate(session: Session): Promise<number> {
  const request = readLvcreate(session.line);
  const machine = await (await session.groups()).view([request.vgName], { mustExist: false });
  const { vg } = requireView(machine, request.vgName);
  switch (request.kind) {
    case "linear":
      await makeLinear(session, vg, request);
      break;
    case "pool":
      await makePool(session, vg, request);
      break;
    case "thin":
      await makeThin(session, vg, request);
      break;
    case "snapshot":
      await makeSnapshot(session, request);
      break;
  }
  return 0;
}

/** What every new LV is told. */
function newLvOptions(session: Session): {
  tags: readonly string[];
  readOnly: boolean;
  activate: boolean;
} {
  const { line } = session;
  return {
    tags: line.values("addtag"),
    readOnly: line.value("permission") === "r",
    activate: isActivating(line.value("activate") ?? "y"),
  };
}

async function makeLinear(
  session: Session,
  vg: VolumeGroup,
  request: LvcreateRequest & { kind: "linear" },
): Promise<void> {
  const striping = readStriping(session, vg);
  const sized = extentsOf(session, vg, request.size, request.devices);
  const extentCount = wholeStripes(session, vg, sized, striping);
  const options = newLvOptions(session);
  const made = await (await session.groups()).createLinear(vg.name, {
    ...options,
    name: request.name,
    extentCount,
    striping,
    ...devicesOf(request.devices),
  });
  await wipe(session, vg.name, made);
  session.say(`Logical volume "${made.lv.name}" created.`);
}

/** LVM's -W and -Z: signatures are wiped one by one, then the first 4 KiB are zeroed. */
async function wipe(session: Session, vgName: string, made: MadeLv): Promise<void> {
  const { line } = session;
  const name = `${vgName}/${made.lv.name}`;
  const zero = line.value("zero") !== "n" && line.value("permission") !== "r";
  if (!zero) {
    session.warn(`WARNING: Logical volume ${name} not zeroed.`);
    return;
  }
  if (made.device === undefined) {
    session.warn(`WARNING: Logical volume ${name} not zeroed.`);
    return;
  }
  const path = made.device.devicePath;
  if (line.value("wipesignatures") !== "n") {
    for (const signature of findSignatures(path)) {
      const { name: kind, offset } = signature;
      const question =
        `WARNING: ${kind} signature detected on ${path} at offset ${offset}. Wipe it? [y/n]: `;
      if (!(await session.confirm(question))) {
        session.warn(`Aborted wiping of ${kind}.`);
        continue;
      }
      session.say(`Wiping ${kind} signature on ${path}.`);
      wipeSignature(path, signature);
    }
  }
  zeroStart(path);
}

async function makePool(
  session: Session,
  vg: VolumeGroup,
  request: LvcreateRequest & { kind: "pool" },
): Promise<void> {
  const { line } = session;
  const striping = readStriping(session, vg);
  const sized = extentsOf(session, vg, request.size, request.devices);
  const extentCount = wholeStripes(session, vg, sized, striping);
  const chunk = line.value("chunksize");
  const metadata = line.value("poolmetadatasize");
  const full = line.value("errorwhenfull");
  const { tags, activate } = newLvOptions(session);
  const groups = await session.groups();
  const { pool, lv } = await groups.createThinPool(vg.name, {
    activate: activate || request.thin !== undefined,
    tags: request.thin === undefined ? tags : [],
    name: request.pool,
    extentCount,
    striping,
    leaveRoomForMetadata: sized.isShareOfFree,
    chunkSectors:
      chunk === undefined ? undefined : parseSizeArgument(chunk, { bareSectors: 2 }).sectors,
    metadataExtentCount:
      metadata === undefined ? undefined : roundedExtents(session, vg, metadata, false),
    discards: line.value("discards") as "ignore" | "nopassdown" | "passdown" | undefined,
    zeroNewBlocks: line.value("zero") !== "n",
    errorWhenFull: full === undefined ? undefined : full === "y",
    metadataSpare: line.value("poolmetadataspare") !== "n",
    physicalVolumes: request.devices.length === 0 ? undefined : request.devices,
  });
  session.say(pool.notice);
  for (const warning of pool.warnings) session.warn(warning);
  if (request.thin === undefined) {
    session.say(`Logical volume "${lv.name}" created.`);
    return;
  }
  const { name, size } = request.thin;
  await makeThin(session, vg, { kind: "thin", vgName: vg.name, pool: lv.name, name, size });
}

async function makeThin(
  session: Session,
  vg: VolumeGroup,
  request: LvcreateRequest & { kind: "thin" },
): Promise<void> {
  const extentCount = roundedExtents(session, vg, request.size, true);
  if (extentCount === 0) throw badUsage(session.line.tool, "--virtualsize may not be zero.");
  const groups = await session.groups();
  const made = await groups.createThin(vg.name, {
    ...newLvOptions(session),
    name: request.name,
    pool: request.pool,
    extentCount,
    force: session.line.has("force"),
  });
  await warnOfPromises(session, made.loaded.vg, request.pool);
  session.say(`Logical volume "${made.lv.name}" created.`);
}

async function makeSnapshot(
  session: Session,
  request: LvcreateRequest & { kind: "snapshot" },
): Promise<void> {
  const { line } = session;
  const { tags, readOnly, activate } = newLvOptions(session);
  const skip = line.value("setactivationskip") !== "n";
  const made = await (await session.groups()).createSnapshot({
    vg: request.vgName,
    origin: request.origin,
    name: request.name,
    tags,
    readOnly,
    setActivationSkip: skip,
    force: line.has("force"),
    activate: activate && (!skip || line.has("ignoreactivationskip")),
  });
  const [segment] = made.lv.segments;
  if (segment?.type === "thin") await warnOfPromises(session, made.loaded.vg, segment.pool);
  session.say(`Logical volume "${made.lv.name}" created.`);
}

function devicesOf(devices: readonly string[]): { physicalVolumes?: readonly string[] } {
  return devices.length === 0 ? {} : { physicalVolumes: devices };
}

/** A size in whole extents; says so when that is more than was asked for. */
function roundedExtents(
  session: Session,
  vg: VolumeGroup,
  text: string,
  tell: boolean,
): number {
  const { sectors } = parseSizeArgument(text);
  const extentCount = extentsFromSectors(vg, sectors);
  if (tell && sectors % vg.extentSectors !== 0) {
    const size = formatSize(extentCount * vg.extentSectors, { long: true });
    session.say(`Rounding up size to full physical extent ${size}`);
  }
  return extentCount;
}

function extentsOf(
  session: Session,
  vg: VolumeGroup,
  request: SizeRequest,
  devices: readonly string[],
): {
  readonly extentCount: number;
  readonly isShareOfFree: boolean;
  /** Of the group or of what is free. */
  readonly isShare: boolean;
} {
  const { tool } = session.line;
  if (request.size !== undefined) {
    if (parseSizeArgument(request.size).sectors === 0) {
      throw badUsage(tool, "--size may not be zero.");
    }
    const extentCount = roundedExtents(session, vg, request.size, true);
    return { extentCount, isShareOfFree: false, isShare: false };
  }
  const { count, percentOf } = parseExtentsArgument(request.extents ?? "0");
  if (count === 0) throw badUsage(tool, "--extents may not be zero.");
  if (percentOf === undefined) {
    return { extentCount: count, isShareOfFree: false, isShare: false };
  }
  if (percentOf === "LV" || percentOf === "ORIGIN") {
    throw badUsage(tool, "Please express size as %FREE%s, %PVS or %VG.".replace("%s", ""));
  }
  const whole = { VG: totalExtentCount(vg), FREE: freeExtentCount(vg), PVS: freeOn(vg, devices) };
  return {
    extentCount: percentOfExtents(count, whole[percentOf], "down"),
    isShareOfFree: percentOf !== "VG",
    isShare: true,
  };
}

/** Free extents of the physical volumes that were named, or of all. */
function freeOn(vg: VolumeGroup, devices: readonly string[]): number {
  if (devices.length === 0) return freeExtentCount(vg);
  return vg.physicalVolumes
    .filter((pv) => devices.includes(pv.device))
    .reduce((sum, pv) => sum + pv.extentCount - usedExtentCount(vg, pv.key), 0);
}
