/** `pvchange`: tags of physical volumes, and whether new extents may be taken from them. */
import {
  changePvTags,
  setAllocatable,
  type MachineView,
  type PhysicalVolume,
  type VolumeGroup,
} from "@mortar/vg";
import { existsSync, realpathSync } from "node:fs";
import type { OptionSpec } from "./command-line.ts";
import { changeOptions, tag, yesNo } from "./common-options.ts";
import { complain } from "./complain.ts";
import { noMatch } from "./names.ts";
import { selectedPvs, selectOption } from "./select-operands.ts";
import type { Session } from "./session.ts";

export const pvchangeOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "addtag", value: true, check: tag },
  { long: "all", short: "a" },
  { long: "allocatable", short: "x", value: true, check: yesNo },
  { long: "deltag", value: true, check: tag },
  selectOption,
];

interface Target {
  readonly path: string;
  readonly vgName: string | undefined;
  readonly pv: PhysicalVolume | undefined;
}

export async function pvchange(session: Session): Promise<number> {
  const { line } = session;
  const isChange = ["addtag", "deltag", "allocatable"].some((name) => line.has(name));
  const isNamed = line.names.length > 0 || line.has("all") || line.has("select");
  if (!isChange || !isNamed) throw noMatch(line.tool);
  const groups = await session.groups();
  const machine = await groups.view();
  const { targets, failed } = choose(session, machine);
  let worst = failed ? 5 : 0;
  let changed = 0;
  for (const { path, vgName, pv } of targets) {
    try {
      if (vgName === undefined || pv === undefined) {
        throw new Error(`Can't change tag on Physical Volume ${path} not in volume group`);
      }
      await groups.changeVg(vgName, (vg) => changeOne(session, vg, pv.key));
      session.say(`Physical volume "${path}" changed`);
      changed += 1;
    } catch (error) {
      worst = complain(session, error);
      session.say(`Physical volume ${path} not changed`);
      // LVM counts what is so already as not changed, and as no failure.
      if (isUnchanged(error)) worst = failed ? 5 : 0;
    }
  }
  const unchanged = targets.length - changed;
  session.say(`${count(changed)} changed / ${count(unchanged)} not changed`);
  return worst;
}

function isUnchanged(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "unchanged";
}

function count(number: number): string {
  return `${number} physical volume${number === 1 ? "" : "s"}`;
}

function changeOne({ line }: Session, vg: VolumeGroup, key: string): VolumeGroup {
  const allocatable = line.value("allocatable");
  const next = allocatable === undefined ? vg : setAllocatable(vg, key, allocatable === "y");
  return changePvTags(next, key, {
    added: line.values("addtag"),
    removed: line.values("deltag"),
  });
}

function choose(
  session: Session,
  machine: MachineView,
): { readonly targets: readonly Target[]; readonly failed: boolean } {
  const { line } = session;
  const known: Target[] = [
    ...machine.groups.flatMap(({ vg, found }) =>
      vg.physicalVolumes.flatMap((pv) => {
        const path = found.get(pv.key)?.path;
        return path === undefined ? [] : { path, vgName: vg.name, pv };
      }),
    ),
    ...machine.freePvs.map(({ path }) => ({ path, vgName: undefined, pv: undefined })),
  ];
  let failed = false;
  const named = line.names.flatMap((name) => {
    if (name.startsWith("@")) {
      return known.filter(({ pv }) => pv?.tags.includes(name.slice(1)) === true);
    }
    const path = existsSync(name) ? realpathSync(name) : name;
    const found = known.filter((one) => one.path === path);
    if (found.length > 0) return found;
    failed = true;
    session.warn(
      existsSync(name)
        ? `Failed to find physical volume "${name}".`
        : `Cannot use ${name}: device not found`,
    );
    return [];
  });
  const chosen = line.names.length === 0 ? known : [...new Set(named)];
  const select = line.value("select");
  if (select === undefined) return { targets: chosen, failed };
  const selected = selectedPvs(machine, select);
  return { targets: chosen.filter(({ path }) => selected.has(path)), failed };
}
