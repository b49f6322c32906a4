/** Groups and volumes as they are named on a command line. */
import { splitLvPath, VgError, type MachineView, type VgView } from "@mortar/vg";
import { badUsage, LvmExit } from "./lvm-exit.ts";
import { selectedGroups, selectedLvs } from "./select-operands.ts";
import type { Session } from "./session.ts";

/** What a command without its operands says. */
export function noMatch(tool: string, ...usage: readonly string[]): LvmExit {
  const help =
    "  No command with matching syntax recognised.  " +
    `Run '${tool} --help' for more information.`;
  if (usage.length === 0) return new LvmExit(3, [help]);
  const lines = ["Correct command syntax is:", ...usage].map((line) => `  ${line}`);
  return new LvmExit(3, [help, ...lines]);
}

export interface LvOperand {
  readonly vgName: string;
  readonly lvName: string;
}

/** `VG/LV`, `/dev/VG/LV`, `/dev/mapper/VG-LV`. */
export function lvOperand(tool: string, name: string): LvOperand {
  const { vgName, lvName } = splitLvPath(name);
  if (lvName !== undefined) return { vgName, lvName };
  throw badUsage(
    tool,
    `Path required for Logical Volume "${name}".`,
    "Please provide a valid volume group name",
  );
}

/** `VG`, with or without /dev/ before it. */
export function vgOperand(tool: string, name: string): string {
  const bare = name.replace(/^\/dev\/+/, "");
  if (!bare.includes("/")) return bare;
  throw badUsage(tool, "Volume group name expected (no slash)");
}

/** Those that are meant; undefined: any may be. */
function groupsNamed({ line: { names } }: Session): string[] | undefined {
  if (names.length === 0 || names.some((it) => it.startsWith("@"))) return undefined;
  return names.map((name) => splitLvPath(name).vgName);
}

/**
 * The LVs that operands stand for: an LV, or all visible ones of a group in order of creation.
 * With `--select` those of them that fit; without operands, of every group.
 */
export async function expandLvs(
  session: Session,
): Promise<{ readonly machine: MachineView; readonly lvs: LvOperand[]; readonly failed: boolean }> {
  const machine = await (await session.groups()).view(groupsNamed(session), { mustExist: false });
  const lvs: LvOperand[] = [];
  let failed = false;
  const visibleOf = (view: VgView) =>
    view.vg.logicalVolumes.filter((lv) => lv.status.includes("VISIBLE"));
  const select = session.line.value("select");
  const { names } = session.line;
  const everyGroup = machine.groups.map(({ vg }) => vg.name);
  const operands = names.length === 0 && select !== undefined ? everyGroup : names;
  for (const operand of operands) {
    if (operand.startsWith("@")) {
      for (const view of machine.groups) {
        for (const lv of visibleOf(view)) {
          if (!lv.tags.includes(operand.slice(1))) continue;
          lvs.push({ vgName: view.vg.name, lvName: lv.name });
        }
      }
      continue;
    }
    const { vgName, lvName } = splitLvPath(operand);
    const view = machine.groups.find(({ vg }) => vg.name === vgName);
    if (view === undefined) {
      for (const line of vgMissing(vgName)) session.warn(line);
      failed = true;
    } else if (lvName === undefined) {
      lvs.push(...visibleOf(view).map((lv) => ({ vgName, lvName: lv.name })));
    } else if (view.states.has(lvName)) lvs.push({ vgName, lvName });
    else {
      session.warn(`Failed to find logical volume "${vgName}/${lvName}"`);
      failed = true;
    }
  }
  if (select === undefined) return { machine, lvs, failed };
  const selected = selectedLvs(machine, select);
  const fitting = lvs.filter(({ vgName, lvName }) => selected.has(`${vgName}/${lvName}`));
  return { machine, lvs: fitting, failed };
}

/**
 * The groups that operands stand for: named, or with a tag. Without operands every group; with
 * `--select` those that fit. A name that no group has is left in, for the command to complain of.
 */
export function chooseGroupNames(session: Session, machine: MachineView): string[] {
  const { tool, names } = session.line;
  const every = machine.groups.map(({ vg }) => vg.name);
  const named = names.flatMap((name) => {
    if (!name.startsWith("@")) return [vgOperand(tool, name)];
    const tag = name.slice(1);
    return machine.groups.flatMap(({ vg }) => (vg.tags.includes(tag) ? vg.name : []));
  });
  const chosen = [...new Set(names.length === 0 ? every : named)];
  const select = session.line.value("select");
  if (select === undefined) return chosen;
  const selected = selectedGroups(machine, select);
  return chosen.filter((name) => selected.has(name) || !every.includes(name));
}

export function vgMissing(name: string): string[] {
  return [`Volume group "${name}" not found`, `Cannot process volume group ${name}`];
}

export function requireView(machine: MachineView, vgName: string): VgView {
  const view = machine.groups.find(({ vg }) => vg.name === vgName);
  if (view === undefined) throw new VgError("vg-missing", `Volume group "${vgName}" not found`);
  return view;
}
