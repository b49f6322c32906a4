/** `lvconvert --merge`: a thin snapshot takes the place of its origin. */
import { asThinVolume, findLv, isVisible } from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import { changeOptions } from "./common-options.ts";
import { complain } from "./complain.ts";
import { badUsage, failed } from "./lvm-exit.ts";
import { expandLvs, noMatch, requireView } from "./names.ts";
import { dryRunOption, isDryRun, showMerge } from "./removal-plan.ts";
import { selectOption } from "./select-operands.ts";
import type { Session } from "./session.ts";

export const lvconvertOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "background", short: "b" },
  dryRunOption,
  { long: "interval", short: "i", value: true },
  { long: "merge" },
  { long: "mergethin" },
  { long: "repair" },
  selectOption,
  { long: "thin", short: "T" },
  { long: "thinpool", value: true },
  { long: "type", value: true },
];

const USAGE: readonly string[] = [
  "lvconvert --merge VG|LV_linear_striped_raid_thin_snapshot|Tag ...",
  "lvconvert --mergethin LV_thin ...",
];

export async function lvconvert(session: Session): Promise<number> {
  const { line } = session;
  if (!line.has("merge") && !line.has("mergethin")) {
    for (const option of ["repair", "thin", "thinpool", "type"]) {
      if (!line.has(option)) continue;
      const next = option === "repair" ? " Next: mortar pool repair." : "";
      throw failed(`lvconvert --${option} is not supported: nothing was done.${next}`);
    }
    throw noMatch(line.tool, ...USAGE);
  }
  if (line.names.length === 0 && !line.has("select")) {
    throw badUsage(line.tool, "Please provide a logical volume path.");
  }
  const { machine, lvs, failed: isIncomplete } = await expandLvs(session);
  // A whole group stands for its snapshots; what else it holds cannot be merged and is passed over.
  const named = new Set(line.names.map((name) => name.replace(/^\/dev\/+/, "")));
  let worst = isIncomplete ? 5 : 0;
  for (const { vgName, lvName } of lvs) {
    const lv = findLv(requireView(machine, vgName).vg, lvName);
    const isSnapshot = lv !== undefined && asThinVolume(lv)?.segment.origin !== undefined;
    if (!isSnapshot && lv !== undefined && isVisible(lv) && named.has(vgName)) continue;
    try {
      if (isDryRun(session)) await showMerge(session, machine, { vgName, lvName });
      else await mergeOne(session, vgName, lvName);
    } catch (error) {
      worst = Math.max(worst, complain(session, error));
    }
  }
  return worst;
}

async function mergeOne(session: Session, vgName: string, lvName: string): Promise<void> {
  const groups = await session.groups();
  const { originName, done } = await groups.mergeSnapshot({ vg: vgName, lv: lvName });
  const [snapshot, origin] = [`${vgName}/${lvName}`, `${vgName}/${originName}`];
  if (done) {
    session.say(`Volume ${snapshot} replaced origin ${origin}.`);
    return;
  }
  session.say("Delaying merge since origin volume is open.");
  session.say(`Merging of thin snapshot ${snapshot} will occur on next activation of ${origin}.`);
}
