/**
 * `--dry-run` of what removes or shrinks: what would go, and the bytes that it gives back. It is
 * told from the text of the groups and the books of active pools; nothing is asked or changed.
 */
import {
  asThinPool,
  asThinVolume,
  freeExtentCount,
  lvSectors,
  removeLogicalVolume,
  requireMergeable,
  type LogicalVolume,
  type VolumeGroup,
} from "@mortar/lvm2";
import { formatSize, VgError, type LvName, type MachineView, type PoolReclaim } from "@mortar/vg";
import { complain } from "./complain.ts";
import { requireView, type LvOperand } from "./names.ts";
import type { OptionSpec } from "./command-line.ts";
import type { Session } from "./session.ts";

const SECTOR_BYTES = 512;

/** `--dry-run`: hyphens of long options do not count. */
export const dryRunOption: OptionSpec = { long: "dryrun" };

/** LVM's own word for it, `--test`, is the same. */
export function isDryRun({ line }: Session): boolean {
  return line.has("dryrun") || line.has("test");
}

/** `lines`: what would be done, each with its verb; `gains`: what each gives back. */
export function tellPlan(
  session: Session,
  lines: readonly string[],
  gains: readonly string[],
): void {
  session.print(
    `  ${session.line.tool}: dry run, nothing was changed. It would do this:\n` +
      lines.map((it) => `    ${it}\n`).join("") +
      (lines.length === 0 ? "    nothing\n" : "") +
      gains.map((it) => `  It frees ${it}.\n`).join(""),
  );
}

/** Of `lvs`, or of whole groups, which then go too. False: the command would fail for some. */
export async function showRemoval(
  session: Session,
  machine: MachineView,
  lvs: readonly LvOperand[],
  goneGroups: readonly string[] = [],
): Promise<boolean> {
  const draft = new Draft();
  let complete = true;
  for (const operand of lvs) {
    try {
      draft.remove(machine, operand);
    } catch (error) {
      complain(session, error);
      session.warn(`Logical volume ${operand.vgName}/${operand.lvName} would not be removed.`);
      complete = false;
    }
  }
  const reclaims = await reclaimsOf(session, draft.thins());
  const removed = [...draft.lines(reclaims), ...goneGroups.map((it) => `volume group ${it}`)];
  const gains = [...draft.gains(), ...reclaims.map(gainOf)];
  tellPlan(session, removed.map((it) => `removes   ${it}`), gains);
  return complete;
}

/** Of `lvconvert --merge`: the origin's own content goes. Throws what the command would say. */
export async function showMerge(
  session: Session,
  machine: MachineView,
  { vgName, lvName }: LvOperand,
): Promise<void> {
  const { vg, states } = requireView(machine, vgName);
  const { snapshot, origin } = requireMergeable(vg, lvName);
  if (states.get(snapshot.lv.name)?.open === true) {
    throw new VgError("in-use", `Logical volume ${vgName}/${lvName} in use.`);
  }
  const originName = `${vgName}/${origin.lv.name}`;
  const isLater = states.get(origin.lv.name)?.open === true;
  const when = isLater ? `, when ${originName} is activated next` : "";
  const reclaims = await reclaimsOf(session, [[{ vg: vgName, lv: origin.lv.name }]]);
  const lines = [
    `replaces  ${originName} by ${vgName}/${lvName}${when}: what differs in it is lost`,
    `removes   ${vgName}/${lvName}, which becomes ${originName}`,
  ];
  tellPlan(session, lines, reclaims.map(gainOf));
}

/** What is removed so far, in the order of the command. */
class Draft {
  /** The groups without what is no thin volume: those take no extents of the group. */
  readonly #left = new Map<string, VolumeGroup>();
  readonly #gained = new Map<string, number>();
  readonly #removed = new Map<string, { readonly vgName: string; readonly lv: LogicalVolume }>();
  /** Sectors of a whole LV; absent for thin volumes. */
  readonly #sectors = new Map<string, number>();

  /** Throws what the command would say. What goes with its pool is passed over. */
  remove(machine: MachineView, { vgName, lvName }: LvOperand): void {
    if (this.#removed.has(`${vgName}/${lvName}`)) return;
    const { vg: found, states } = requireView(machine, vgName);
    const vg = this.#left.get(vgName) ?? found;
    const { vg: left, removed } = removeLogicalVolume(vg, lvName);
    for (const lv of removed) {
      if (asThinPool(lv) !== undefined || states.get(lv.name)?.open !== true) continue;
      throw new VgError("in-use", `Logical volume ${vgName}/${lv.name} in use.`);
    }
    for (const lv of removed) {
      this.#removed.set(`${vgName}/${lv.name}`, { vgName, lv });
      if (asThinVolume(lv) !== undefined) continue;
      this.#sectors.set(`${vgName}/${lv.name}`, lvSectors(vg, lv));
    }
    if (removed.every((lv) => asThinVolume(lv) !== undefined)) return;
    this.#left.set(vgName, left);
    const extents = freeExtentCount(left) - freeExtentCount(vg);
    const before = this.#gained.get(vgName) ?? 0;
    this.#gained.set(vgName, before + extents * vg.extentSectors * SECTOR_BYTES);
  }

  /** Those whose pools stay, pool by pool. */
  thins(): LvName[][] {
    const found = new Map<string, LvName[]>();
    for (const { vgName, lv } of this.#removed.values()) {
      const pool = `${vgName}/${asThinVolume(lv)?.segment.pool ?? ""}`;
      if (asThinVolume(lv) === undefined || this.#removed.has(pool)) continue;
      found.set(pool, [...(found.get(pool) ?? []), { vg: vgName, lv: lv.name }]);
    }
    return [...found.values()];
  }

  /** @param reclaims of `thins()` */
  lines(reclaims: readonly PoolReclaim[]): string[] {
    const spaces = new Map<string, PoolReclaim["lvs"][number]>(
      reclaims.flatMap(({ vg, lvs }) => lvs.map((it) => [`${vg}/${it.lv}`, it] as const)),
    );
    return [...this.#removed.keys()].map((name) => {
      const sectors = this.#sectors.get(name);
      const space = spaces.get(name);
      if (sectors !== undefined) return `${name} (${bytesText(sectors * SECTOR_BYTES)})`;
      if (space === undefined) return name;
      const { exclusiveBytes, mappedBytes } = space;
      const use = `${bytesText(exclusiveBytes)} of ${bytesText(mappedBytes)}`;
      return `${name} (${use} in no other volume)`;
    });
  }

  gains(): string[] {
    return [...this.#gained].map(([vg, bytes]) => `${bytesText(bytes)} of volume group ${vg}`);
  }
}

/** A pool that cannot tell is warned of; the others tell. */
async function reclaimsOf(
  session: Session,
  thins: readonly (readonly LvName[])[],
): Promise<PoolReclaim[]> {
  const reclaims: PoolReclaim[] = [];
  for (const names of thins) {
    try {
      reclaims.push(...(await (await session.groups()).reclaimable(names)));
    } catch (error) {
      if (!(error instanceof VgError)) throw error;
      session.warn(`WARNING: ${error.message}`);
    }
  }
  return reclaims;
}

function gainOf({ vg, pool, freedBytes }: PoolReclaim): string {
  return `${bytesText(freedBytes)} of thin pool ${vg}/${pool}`;
}

export function bytesText(bytes: number): string {
  return `${formatSize(bytes / SECTOR_BYTES, { unit: "h" }).trim()}, ${bytes} bytes`;
}
