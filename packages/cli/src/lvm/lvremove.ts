/** `lvremove`, and what `vgremove` needs of it. */
import { findThinPool, thinVolumesOf, type MachineView } from "@mortar/vg";
import { complain } from "./complain.ts";
import { expandLvs, noMatch, requireView, type LvOperand } from "./names.ts";
import type { OptionSpec } from "./command-line.ts";
import { changeOptions } from "./common-options.ts";
import { dryRunOption, isDryRun, showRemoval } from "./removal-plan.ts";
import { selectOption } from "./select-operands.ts";
import type { Session } from "./session.ts";

export const lvremoveOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "nohistory" },
  dryRunOption,
  selectOption,
];

export async function lvremove(session: Session): Promise<number> {
  if (session.line.names.length === 0 && !session.line.has("select")) {
    throw noMatch(session.line.tool, "lvremove VG|LV|Tag|Select ...");
  }
  const { machine, lvs, failed } = await expandLvs(session);
  const done = isDryRun(session)
    ? await showRemoval(session, machine, lvs)
    : await removeLvs(session, machine, lvs);
  return failed || !done ? 5 : 0;
}

/** False when one of them is still there. LVs that went with their pool are passed over. */
export async function removeLvs(
  session: Session,
  machine: MachineView,
  lvs: readonly LvOperand[],
): Promise<boolean> {
  const groups = await session.groups();
  const gone = new Set<string>();
  let complete = true;
  for (const { vgName, lvName } of lvs) {
    const name = `${vgName}/${lvName}`;
    if (gone.has(name)) continue;
    if (!(await mayRemove(session, machine, { vgName, lvName }))) {
      session.warn(`Logical volume ${name} not removed.`);
      complete = false;
      continue;
    }
    try {
      for (const lv of await groups.removeLv({ vg: vgName, lv: lvName })) {
        gone.add(`${vgName}/${lv.name}`);
        session.say(`Logical volume "${lv.name}" successfully removed.`);
      }
    } catch (error) {
      complain(session, error);
      complete = false;
    }
  }
  return complete;
}

async function mayRemove(
  session: Session,
  machine: MachineView,
  { vgName, lvName }: LvOperand,
): Promise<boolean> {
  if (session.line.has("force") || session.line.has("yes")) return true;
  const { vg, states } = requireView(machine, vgName);
  const state = states.get(lvName);
  // What is in use cannot be removed anyway: then the reason is worth more than a question.
  if (state?.open === true && findThinPool(vg, lvName) === undefined) return true;
  const dependents = findThinPool(vg, lvName) === undefined ? 0 : thinVolumesOf(vg, lvName).length;
  if (dependents > 0) {
    const question =
      `Removing pool "${lvName}" will remove ${dependents} dependent volume(s). ` +
      "Proceed? [y/n]: ";
    if (!(await session.confirm(question))) return false;
  }
  if (state?.active !== true) return true;
  return await session.confirm(
    `Do you really want to remove active logical volume ${vgName}/${lvName}? [y/n]: `,
  );
}
