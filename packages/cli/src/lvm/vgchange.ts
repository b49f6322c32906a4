/** `vgchange`: activation, tags, limits and policies of volume groups. */
import {
  asThinPool,
  changeGroupTags,
  isVisible,
  renewGroupId,
  setAllocationPolicy,
  setGroupAutoactivation,
  setMaxLvs,
  setMaxPvs,
  setResizeable,
  type AllocationPolicy,
  type VolumeGroup,
} from "@mortar/vg";
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { OptionSpec } from "./command-line.ts";
import {
  activation,
  allocation,
  changeOptions,
  isActivating,
  tag,
  wholeNumber,
  yesNo,
} from "./common-options.ts";
import { forEach } from "./group-commands.ts";
import { failed } from "./lvm-exit.ts";
import { chooseGroupNames, noMatch, requireView, vgMissing } from "./names.ts";
import { selectOption } from "./select-operands.ts";
import type { Session } from "./session.ts";

export const vgchangeOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "activate", short: "a", value: true, check: activation },
  { long: "addtag", value: true, check: tag },
  { long: "alloc", value: true, check: allocation },
  { long: "deltag", value: true, check: tag },
  { long: "ignoreactivationskip", short: "K" },
  { long: "ignorelockingfailure" },
  { long: "ignoremonitoring" },
  { long: "logicalvolume", short: "l", value: true, check: wholeNumber },
  { long: "maxphysicalvolumes", short: "p", value: true, check: wholeNumber },
  { long: "monitor", value: true, check: yesNo },
  { long: "partial", short: "P" },
  { long: "poll", value: true, check: yesNo },
  { long: "resizeable", short: "x", value: true, check: yesNo },
  selectOption,
  { long: "setautoactivation", value: true, check: yesNo },
  { long: "sysinit" },
  { long: "uuid", short: "u" },
];

type Change = (vg: VolumeGroup) => VolumeGroup;

export async function vgchange(session: Session): Promise<number> {
  const { line } = session;
  const wanted = line.value("activate");
  const changes = changesOf(session);
  const acts = wanted !== undefined || line.has("monitor") || line.has("poll");
  if (changes.length === 0 && !acts) throw noMatch(line.tool);
  const groups = await session.groups();
  const machine = await groups.view();
  const names = chooseGroupNames(session, machine);
  return await forEach(session, names, async (name) => {
    if (machine.groups.every(({ vg }) => vg.name !== name)) throw failed(...vgMissing(name));
    if (changes.length > 0) {
      await groups.changeVg(name, (before) =>
        changes.reduce((group, change) => change(group), before),
      );
      session.say(`Volume group "${name}" successfully changed`);
    }
    if (wanted !== undefined) await activateOne(session, name, wanted);
  });
}

async function activateOne(session: Session, name: string, wanted: string): Promise<void> {
  const groups = await session.groups();
  if (!isActivating(wanted)) await refuseOpen(session, name);
  const ignoreSkip = session.line.has("ignoreactivationskip");
  const result = isActivating(wanted)
    ? await groups.activateVg(name, { ignoreSkip })
    : await groups.deactivateVg(name);
  for (const { reason } of result.leftOver) session.warn(reason);
  session.say(`${result.active} logical volume(s) in volume group "${name}" now active`);
  if (result.leftOver.length > 0) throw failed();
}

/** What the options change in the text. */
function changesOf({ line }: Session): Change[] {
  const changes: Change[] = [];
  const add = (option: string, change: (value: string) => Change) => {
    const value = line.value(option);
    if (value !== undefined) changes.push(change(value));
  };
  add("resizeable", (value) => (vg) => setResizeable(vg, value === "y"));
  add("logicalvolume", (value) => (vg) => setMaxLvs(vg, Number(value)));
  add("maxphysicalvolumes", (value) => (vg) => setMaxPvs(vg, Number(value)));
  add("alloc", (value) => (vg) => setAllocationPolicy(vg, value as AllocationPolicy));
  add("setautoactivation", (value) => (vg) => setGroupAutoactivation(vg, value === "y"));
  const random = (count: number) => randomBytes(count);
  const provenance = { random, now: Math.floor(Date.now() / 1000), host: hostname() };
  if (line.has("uuid")) changes.push((vg) => renewGroupId(vg, provenance));
  const change = { added: line.values("addtag"), removed: line.values("deltag") };
  if (change.added.length + change.removed.length > 0) {
    changes.push((vg) => changeGroupTags(vg, change));
  }
  return changes;
}

/** LVM deactivates nothing of a group while something of it is open. */
async function refuseOpen(session: Session, name: string): Promise<void> {
  const { vg, states } = requireView(await (await session.groups()).view([name]), name);
  const open = vg.logicalVolumes.filter((lv) => {
    const state = states.get(lv.name);
    return state?.open === true && asThinPool(lv) === undefined && isVisible(lv);
  });
  if (open.length === 0) return;
  throw failed(
    ...open.map((lv) => `Logical volume ${name}/${lv.name} contains a filesystem in use.`),
    `Can't deactivate volume group "${name}" with ${open.length} open logical volume(s)`,
  );
}

