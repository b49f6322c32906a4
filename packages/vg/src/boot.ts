/** Bringing back what this node had active before the machine was started anew. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootId } from "@mortar/linux";
import { hasActivationSkip, isVisible, type VolumeGroup } from "@mortar/lvm2";
import { attachPvFiles, bootGroups, type AttachedFiles } from "./boot-groups.ts";
import { messageOf, type ActivationCount, type LeftOver } from "./group-activation.ts";
import type { VolumeGroups } from "./volume-groups.ts";

export interface BroughtBack {
  /** Names of groups, with how many of their LVs were activated: 0 where all were active. */
  readonly groups: readonly { readonly name: string; readonly activated: number }[];
  readonly leftOver: readonly LeftOver[];
}

export interface BootOptions {
  readonly runDirectory: string;
  readonly stateDirectory: string;
  readonly warn: (sentence: string) => void;
}

/** Whether `markBrought` was not called since the machine started: RUN may be on a disk. */
export function isFirstUp({ runDirectory }: BootOptions): boolean {
  try {
    return readFileSync(join(runDirectory, "up"), "latin1") !== bootId();
  } catch {
    return true;
  }
}

/** All is there: what an operator deactivates from now on stays so until the next start. */
export function markUp({ runDirectory }: BootOptions): void {
  writeFileSync(join(runDirectory, "up"), bootId(), { mode: 0o600 });
}

/** Loop devices for the files that physical volumes of this node lie in. */
export async function attachFiles({ stateDirectory, warn }: BootOptions): Promise<AttachedFiles> {
  return await attachPvFiles(bootGroups(stateDirectory, warn));
}

/** Activates every group that this node had active, by LVM's rules of automatic activation. */
export async function activateBootGroups(
  groups: VolumeGroups,
  { stateDirectory, warn }: BootOptions,
): Promise<BroughtBack> {
  const done: { name: string; activated: number }[] = [];
  const leftOver: LeftOver[] = [];
  for (const { name, id } of bootGroups(stateDirectory, warn)) {
    try {
      const [view] = (await groups.view([name])).groups;
      if (view?.vg.id !== id) throw new Error("another group has this name now");
      if (isManual(view.vg)) continue;
      const { states, vg } = view;
      const before = [...states].filter(([lv, it]) => it.active && isVisibleIn(vg, lv)).length;
      const { active, leftOver: kept } = view.vg.logicalVolumes.some(isManual)
        ? await activateSome(groups, view.vg)
        : await groups.activateVg(name);
      done.push({ name, activated: Math.max(0, active - before) });
      leftOver.push(...kept);
    } catch (error) {
      leftOver.push({ name, reason: messageOf(error) });
    }
  }
  return { groups: done, leftOver };
}

function isVisibleIn(vg: VolumeGroup, name: string): boolean {
  return vg.logicalVolumes.some((lv) => lv.name === name && isVisible(lv));
}

/** `--setautoactivation n`, of a group or of an LV. */
function isManual({ flags }: { readonly flags: readonly string[] }): boolean {
  return flags.includes("NOAUTOACTIVATE");
}

async function activateSome(groups: VolumeGroups, vg: VolumeGroup): Promise<ActivationCount> {
  const leftOver: LeftOver[] = [];
  let active = 0;
  const wanted = vg.logicalVolumes.filter(
    (lv) => isVisible(lv) && !isManual(lv) && !hasActivationSkip(lv),
  );
  for (const { name: lv } of wanted) {
    try {
      await groups.activateLv({ vg: vg.name, lv });
      active += 1;
    } catch (error) {
      leftOver.push({ name: `${vg.name}/${lv}`, reason: messageOf(error) });
    }
  }
  return { active, leftOver };
}
