/** Groups and volumes as they are named on a command line. */
import { splitLvPath, VgError, type MachineView, type VgView } from "@mortar/vg";
import { badUsage, LvmExit } from "./lvm-exit.ts";
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

/** The LVs that operands stand for: an LV, or all visible ones of a group in order of creation. */
export async function expandLvs(
  session: Session,
): Promise<{ readonly machine: MachineView; readonly lvs: LvOperand[]; readonly failed: boolean }> {
  const machine = await (await session.groups()).view();
  const lvs: LvOperand[] = [];
  let failed = false;
  const visibleOf = (view: VgView) =>
    view.vg.logicalVolumes.filter((lv) => lv.status.includes("VISIBLE"));
  for (const operand of session.line.names) {
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
  return { machine, lvs, failed };
}

export function vgMissing(name: string): string[] {
  return [`Volume group "${name}" not found`, `Cannot process volume group ${name}`];
}

export function requireView(machine: MachineView, vgName: string): VgView {
  const view = machine.groups.find(({ vg }) => vg.name === vgName);
  if (view === undefined) throw new VgError("vg-missing", `Volume group "${vgName}" not found`);
  return view;
}
