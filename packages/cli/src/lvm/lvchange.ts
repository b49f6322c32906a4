/** `lvchange`: activation, permission, tags, settings of pools. */
import {
  addTags,
  asThinPool,
  findLv,
  hasActivationSkip,
  removeTags,
  setActivationSkip,
  setDiscards,
  setErrorWhenFull,
  setReadOnly,
  setZeroNewBlocks,
  type Discards,
  type VolumeGroup,
} from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import {
  activation,
  changeOptions,
  discards,
  isActivating,
  permission,
  tag,
  yesNo,
} from "./common-options.ts";
import { complain } from "./complain.ts";
import { expandLvs, noMatch, requireView, type LvOperand } from "./names.ts";
import { selectOption } from "./select-operands.ts";
import type { Session } from "./session.ts";

export const lvchangeOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "activate", short: "a", value: true, check: activation },
  { long: "addtag", value: true, check: tag },
  { long: "deltag", value: true, check: tag },
  { long: "discards", value: true, check: discards },
  { long: "errorwhenfull", value: true, check: yesNo },
  { long: "ignoreactivationskip", short: "K" },
  { long: "ignorelockingfailure" },
  { long: "ignoremonitoring" },
  { long: "monitor", value: true, check: yesNo },
  { long: "partial", short: "P" },
  { long: "permission", short: "p", value: true, check: permission },
  { long: "refresh" },
  selectOption,
  { long: "setactivationskip", short: "k", value: true, check: yesNo },
  { long: "sysinit" },
  { long: "zero", short: "Z", value: true, check: yesNo },
];

type Change = (vg: VolumeGroup) => VolumeGroup;

export async function lvchange(session: Session): Promise<number> {
  const { line } = session;
  const isChange = changesOf(session, "").length > 0;
  const acts = line.has("activate") || line.has("refresh") || line.has("monitor");
  const isNamed = line.names.length > 0 || line.has("select");
  if (!isNamed || (!isChange && !acts)) throw noMatch(line.tool);
  const { machine, lvs, failed } = await expandLvs(session);
  let worst = failed ? 5 : 0;
  for (const operand of lvs) {
    const { vg } = requireView(machine, operand.vgName);
    try {
      await changeOne(session, vg, operand);
    } catch (error) {
      worst = Math.max(worst, complain(session, error));
    }
  }
  return worst;
}

async function changeOne(session: Session, vg: VolumeGroup, operand: LvOperand): Promise<void> {
  const { vgName, lvName } = operand;
  const groups = await session.groups();
  const lv = findLv(vg, lvName);
  if (lv === undefined) return;
  const changes = changesOf(session, lvName);
  const needsPool = ["discards", "zero", "errorwhenfull"].some((name) => session.line.has(name));
  if (needsPool && asThinPool(lv) === undefined) {
    session.warn(`Command on LV ${vgName}/${lvName} uses options that require LV types thinpool .`);
    throw new Error(`Command not permitted on LV ${vgName}/${lvName}.`);
  }
  if (changes.length > 0) {
    await groups.changeLv({ vg: vgName, lv: lvName }, (before) =>
      changes.reduce((group, change) => change(group), before),
    );
    session.say(`Logical volume ${vgName}/${lvName} changed.`);
  }
  const wanted = session.line.value("activate");
  if (wanted === undefined) return;
  if (!isActivating(wanted)) {
    await groups.deactivateLv({ vg: vgName, lv: lvName });
    return;
  }
  if (hasActivationSkip(lv) && !session.line.has("ignoreactivationskip")) return;
  await groups.activateLv({ vg: vgName, lv: lvName });
}

/** What the options change in the text, in the order in which LVM does it. */
function changesOf(session: Session, name: string): Change[] {
  const { line } = session;
  const changes: Change[] = [];
  const add = (option: string, change: (value: string) => Change) => {
    const value = line.value(option);
    if (value !== undefined) changes.push(change(value));
  };
  add("permission", (value) => (vg) => setReadOnly(vg, name, value === "r"));
  add("setactivationskip", (value) => (vg) => setActivationSkip(vg, name, value === "y"));
  add("discards", (value) => (vg) => setDiscards(vg, name, value as Discards));
  add("zero", (value) => (vg) => setZeroNewBlocks(vg, name, value === "y"));
  add("errorwhenfull", (value) => (vg) => setErrorWhenFull(vg, name, value === "y"));
  const added = line.values("addtag");
  const removed = line.values("deltag");
  if (added.length > 0) changes.push((vg) => addTags(vg, name, added));
  if (removed.length > 0) changes.push((vg) => removeTags(vg, name, removed));
  return changes;
}
