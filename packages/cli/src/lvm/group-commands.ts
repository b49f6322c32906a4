/** Commands on groups and physical volumes, and `lvrename`. */
import { existsSync, realpathSync } from "node:fs";
import { reduceVolumeGroup, SECTOR_BYTES } from "@mortar/lvm2";
import { isValidName, isVisible, parseSizeArgument } from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import { changeOptions, tag, unsignedSize, yesNo } from "./common-options.ts";
import { complain } from "./complain.ts";
import { badUsage, failed } from "./lvm-exit.ts";
import { removeLvs } from "./lvremove.ts";
import {
  bytesText, dryRunOption, isDryRun, showRemoval, tellPlan,
} from "./removal-plan.ts";
import { chooseGroupNames, noMatch, lvOperand, requireView, vgOperand } from "./names.ts";
import { selectOption } from "./select-operands.ts";
import type { Session } from "./session.ts";

export const pvcreateOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "dataalignment", value: true },
  { long: "labelsector", value: true },
  { long: "metadatasize", value: true, check: unsignedSize },
  { long: "metadatatype", short: "M", value: true },
  { long: "norestorefile" },
  { long: "pvmetadatacopies", value: true },
  { long: "uuid", short: "u", value: true },
  { long: "zero", short: "Z", value: true, check: yesNo },
];

export async function pvcreate(session: Session): Promise<number> {
  const { line } = session;
  if (line.names.length === 0) throw noMatch(line.tool, "pvcreate PV ...");
  refuse(session, ["dataalignment", "labelsector"]);
  if (Number(line.value("pvmetadatacopies") ?? 1) !== 1) {
    throw failed("--pvmetadatacopies other than 1 is not supported: nothing was done.");
  }
  const uuid = line.value("uuid");
  if (uuid !== undefined && !line.has("norestorefile")) {
    throw badUsage(line.tool, "--restorefile is required with --uuid");
  }
  const metadata = line.value("metadatasize");
  const metadataAreaBytes =
    metadata === undefined ? undefined : parseSizeArgument(metadata).sectors * 512;
  const groups = await session.groups();
  return await forEach(session, line.names, async (path) => {
    await groups.createPv(path, { uuid, metadataAreaBytes }, session.dialogue);
  });
}

export const pvremoveOptions: readonly OptionSpec[] = [...changeOptions, dryRunOption];

export async function pvremove(session: Session): Promise<number> {
  const { line } = session;
  if (line.names.length === 0) throw noMatch(line.tool, "pvremove PV ...");
  const groups = await session.groups();
  if (isDryRun(session)) {
    return await forEach(session, line.names, async (path) => {
      const { sizeBytes } = await groups.removePv(path, { onlyLook: true });
      tellPlan(session, [`wipes     the label of ${path} (${bytesText(sizeBytes)})`], []);
    });
  }
  return await forEach(session, line.names, async (path) => {
    await groups.removePv(path);
    session.say(`Labels on physical volume "${path}" successfully wiped.`);
  });
}

export const vgcreateOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "addtag", value: true, check: tag },
  { long: "alloc", value: true },
  { long: "maxlogicalvolumes", short: "l", value: true },
  { long: "maxphysicalvolumes", short: "p", value: true },
  { long: "metadatatype", short: "M", value: true },
  { long: "physicalextentsize", short: "s", value: true, check: unsignedSize },
  { long: "shared" },
  { long: "systemid", value: true },
  { long: "zero", short: "Z", value: true, check: yesNo },
];

export async function vgcreate(session: Session): Promise<number> {
  const { line } = session;
  const [first, ...devices] = line.names;
  if (first === undefined || devices.length === 0) {
    throw noMatch(line.tool, "vgcreate VG_new PV ...");
  }
  refuse(session, ["shared", "systemid", "maxlogicalvolumes", "maxphysicalvolumes"]);
  const name = vgOperand(line.tool, first);
  if (!isValidName(name)) {
    throw badUsage(
      line.tool,
      "Name contains invalid character, valid set includes: [a-zA-Z0-9.-_+].",
      `New volume group name "${name}" is invalid.`,
    );
  }
  if (existsSync(`/dev/${name}`)) {
    throw badUsage(line.tool, `/dev/${name}: already exists in filesystem`);
  }
  const size = line.value("physicalextentsize");
  const extentSectors = size === undefined ? undefined : parseSizeArgument(size).sectors;
  if (extentSectors === 0) throw badUsage(line.tool, "Physical extent size may not be zero");
  const tags = line.values("addtag");
  const groups = await session.groups();
  await groups.createVg({ name, devices, extentSectors, tags }, session.dialogue);
  session.say(`Volume group "${name}" successfully created`);
  return 0;
}

export async function vgextend(session: Session): Promise<number> {
  const { line } = session;
  const [first, ...devices] = line.names;
  if (first === undefined || devices.length === 0) throw noMatch(line.tool, "vgextend VG PV ...");
  const name = vgOperand(line.tool, first);
  await (await session.groups()).extendVg(name, devices, session.dialogue);
  session.say(`Volume group "${name}" successfully extended`);
  return 0;
}

export const vgreduceOptions: readonly OptionSpec[] = [...changeOptions, dryRunOption];

export async function vgreduce(session: Session): Promise<number> {
  const { line } = session;
  const [first, ...devices] = line.names;
  if (first === undefined || devices.length === 0) throw noMatch(line.tool);
  const name = vgOperand(line.tool, first);
  const groups = await session.groups();
  if (isDryRun(session)) return await showReduction(session, name, devices);
  return await forEach(session, devices, async (path) => {
    await groups.reduceVg(name, path);
    session.say(`Removed "${path}" from volume group "${name}"`);
  });
}

/** One after the other, as the command does it: the last one cannot go. */
async function showReduction(
  session: Session,
  name: string,
  devices: readonly string[],
): Promise<number> {
  const { vg, found } = requireView(await (await session.groups()).view(), name);
  let left = vg;
  const removed: string[] = [];
  const code = await forEach(session, devices, async (path) => {
    const real = existsSync(path) ? realpathSync(path) : path;
    const key = [...found].find(([, pv]) => realpathSync(pv.path) === real)?.[0];
    const next = reduceVolumeGroup(left, key ?? path);
    const pv = left.physicalVolumes.find((it) => !next.physicalVolumes.includes(it));
    const bytes = (pv?.extentCount ?? 0) * left.extentSectors * SECTOR_BYTES;
    removed.push(`removes   ${path} from volume group ${name} (${bytesText(bytes)})`);
    left = next;
    await Promise.resolve();
  });
  tellPlan(session, removed, []);
  return code;
}

export const vgremoveOptions: readonly OptionSpec[] = [
  ...changeOptions, selectOption, dryRunOption,
];

export async function vgremove(session: Session): Promise<number> {
  const { line } = session;
  if (line.names.length === 0 && !line.has("select")) {
    throw noMatch(line.tool, "vgremove VG|Tag|Select ...");
  }
  const groups = await session.groups();
  const chosen = chooseGroupNames(session, await groups.view());
  return await forEach(session, chosen, async (name) => {
    const machine = await groups.view();
    const { vg } = requireView(machine, name);
    const lvs = vg.logicalVolumes.filter(isVisible);
    const operands = lvs.map((lv) => ({ vgName: name, lvName: lv.name }));
    if (isDryRun(session)) {
      if (await showRemoval(session, machine, operands, [name])) return;
      throw failed(`Volume group "${name}" would not be removed`);
    }
    if (lvs.length > 0) {
      const question =
        `Do you really want to remove volume group "${name}" containing ${lvs.length} ` +
        "logical volumes? [y/n]: ";
      const isSure = line.has("force") || (await session.confirm(question));
      if (!isSure || !(await removeLvs(session, machine, operands))) {
        throw failed(`Volume group "${name}" not removed`);
      }
    }
    await groups.removeVg(name);
    session.say(`Volume group "${name}" successfully removed`);
  });
}

export async function lvrename(session: Session): Promise<number> {
  const { vgName, from, to } = renameOperands(session);
  await (await session.groups()).renameLv(vgName, from, to);
  session.say(`Renamed "${from}" to "${to}" in volume group "${vgName}"`);
  return 0;
}

function renameOperands(session: Session): { vgName: string; from: string; to: string } {
  const { tool, names } = session.line;
  const [first, second, third, ...rest] = names;
  if (first === undefined || second === undefined || rest.length > 0) throw noMatch(tool);
  const bare = (name: string, vgName: string) => {
    if (!name.includes("/")) return name;
    const operand = lvOperand(tool, name);
    if (operand.vgName === vgName) return operand.lvName;
    throw badUsage(
      tool,
      `Logical volume names must have the same volume group ("${operand.vgName}" or "${vgName}")`,
    );
  };
  if (third !== undefined) {
    const vgName = vgOperand(tool, first);
    return { vgName, from: bare(second, vgName), to: bare(third, vgName) };
  }
  const { vgName, lvName } = lvOperand(tool, first);
  return { vgName, from: lvName, to: bare(second, vgName) };
}

function refuse(session: Session, options: readonly string[]): void {
  for (const option of options) {
    if (!session.line.has(option)) continue;
    throw failed(`--${option} is not supported: nothing was done.`);
  }
}

/** Each in turn; one that fails does not keep the others from being tried. */
export async function forEach(
  session: Session,
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<number> {
  let worst = 0;
  for (const name of names) {
    try {
      await work(name);
    } catch (error) {
      worst = Math.max(worst, complain(session, error));
    }
  }
  return worst;
}
