/** Decides what a new brick is made of, from what its node has. Pure. */
import type { BrickStorage, GroupRoom, StorageFacts } from "./brick-storage.ts";
import type { Detail } from "../command.ts";
import { CommandFailure, errno } from "../failure.ts";
import type { BrickCreateArgs, BrickPlan } from "./storage-command.ts";

/** mkfs.xfs makes none that is smaller. */
export const BRICK_BYTES_MIN = 300 * 1024 * 1024;
const POOL_NAME = "bricks";
const LV_NAME_MAX = 100;
const NAME = /^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$/u;
/** Metadata of the pool and of LVM, beside the data. */
const FILE_EXTRA_BYTES = 192 * 1024 * 1024;

export interface BrickPlace {
  readonly host: string;
  readonly path: string;
}

type Wanted = Omit<BrickCreateArgs, "brick" | "dryRun">;

/** Throws `CommandFailure` that says what to type. */
export function planBrick(
  id: string,
  { host, path }: BrickPlace,
  wanted: Wanted,
  facts: StorageFacts,
): BrickStorage {
  checkWanted(host, path, wanted);
  const refusal = facts.mountPointRefusal ?? facts.deviceRefusal ?? facts.fileRefusal;
  if (refusal !== undefined) throw refused(host, path, refusal, "Choose another place.");
  const isNew = wanted.device !== undefined || wanted.file !== undefined;
  const group = isNew ? undefined : chooseGroup(host, path, wanted, facts);
  const vg = group?.name ?? wanted.vg ?? `bricks_${id.slice(0, 8)}`;
  if (isNew && facts.groups.some((it) => it.name === vg)) {
    throw refused(host, path, `The volume group ${vg} is there already.`,
      `Leave --device and --file out, or extend it first: vgextend ${vg} DEVICE`);
  }
  const mountPoint = mountPointOf(path);
  const lv = wanted.name ?? lvNameOf(mountPoint, group?.lvs ?? []);
  if (group?.lvs.includes(lv) === true) {
    throw refused(host, path, `There is a logical volume ${vg}/${lv}.`, "Give --name LV.");
  }
  const pool = poolOf(host, path, wanted, group);
  const { sizeBytes, device, file, poolSizeBytes } = wanted;
  return {
    id, path, mountPoint, vg, pool, lv, sizeBytes,
    ...(device === undefined ? {} : { device }),
    ...(file === undefined
      ? {}
      : { file: { path: file, sizeBytes: (poolSizeBytes ?? sizeBytes) + FILE_EXTRA_BYTES } }),
    ...(poolSizeBytes === undefined ? {} : { poolSizeBytes }),
  };
}

function checkWanted(host: string, path: string, wanted: Wanted): void {
  const { sizeBytes, device, file, vg, pool, name } = wanted;
  const bad = (detail: string, next: string): CommandFailure => refused(host, path, detail, next);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < BRICK_BYTES_MIN) {
    throw bad("A brick has 300 MiB at least.", "--size 300M, or more");
  }
  if (device !== undefined && file !== undefined) {
    throw bad("A volume group is made of a device or of a file.", "Leave one of them out.");
  }
  for (const place of [device, file]) {
    if (place !== undefined && !place.startsWith("/")) {
      throw bad(`${place} is no absolute path.`, "Give a path that begins with a slash.");
    }
  }
  for (const it of [vg, pool, name]) {
    if (it === undefined || (NAME.test(it) && it.length <= LV_NAME_MAX && !/^\.\.?$/.test(it))) continue;
    throw bad(`${it} is no name for LVM.`, "Use letters, digits and _ + . -");
  }
  if (mountPointOf(path) === "/") {
    throw bad("A brick is a directory of a file system of its own, which is mounted above it.",
      `${host}:/bricks/NAME/brick`);
  }
}

/** The one that was named, or the one with the most room. */
function chooseGroup(
  host: string, path: string, wanted: Wanted, { groups }: StorageFacts,
): GroupRoom {
  if (wanted.vg !== undefined) {
    const named = groups.find((it) => it.name === wanted.vg);
    if (named !== undefined) return named;
    throw refused(host, path, `There is no volume group ${wanted.vg} on ${host}.`,
      `Make it of a disk: --vg ${wanted.vg} --device DEVICE, or --file FILE`);
  }
  const best = roomiest(groups);
  if (best !== undefined) return best;
  throw refused(host, path, `There is no volume group on ${host} that could hold a brick.`,
    "Give --device DEVICE, or --file FILE.");
}

/** Of this node; ties go to the first name. */
export function roomiest(groups: readonly GroupRoom[]): GroupRoom | undefined {
  const own = groups.filter((it) => !it.elsewhere && roomOf(it) > 0);
  return own.sort((a, b) => roomOf(b) - roomOf(a) || (a.name < b.name ? -1 : 1))[0];
}

/** Bytes that a new brick can have without promising more than there is; may be negative. */
export function roomOf({ freeBytes, pools }: GroupRoom): number {
  if (pools.length === 0) return freeBytes;
  return Math.max(...pools.map((it) => it.sizeBytes - it.promisedBytes));
}

function poolOf(
  host: string, path: string, wanted: Wanted, group: GroupRoom | undefined,
): string {
  const pools = group?.pools ?? [];
  if (wanted.pool !== undefined) return wanted.pool;
  if (wanted.poolSizeBytes !== undefined && pools.some((it) => it.name === POOL_NAME)) {
    throw refused(host, path, `There is a pool ${group?.name}/${POOL_NAME}.`,
      "Leave --pool-size out to use it, or give --pool NAME to make another one.");
  }
  if (pools.length === 0 || wanted.poolSizeBytes !== undefined) return POOL_NAME;
  const left = (it: (typeof pools)[number]): number => it.sizeBytes - it.promisedBytes;
  return pools.reduce((best, it) => (left(it) > left(best) ? it : best)).name;
}

export function mountPointOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 1));
}

/** `/bricks/b1` is `bricks-b1`; a name that is taken gets a number. */
function lvNameOf(mountPoint: string, taken: readonly string[]): string {
  const plain = mountPoint.slice(1).replaceAll(/[^A-Za-z0-9+.]+/gu, "-").slice(0, LV_NAME_MAX - 12);
  // LVM keeps names that begin so, and those with an underscore in certain places, for itself.
  const name = /^(?:snapshot|pvmove|[-.])/u.test(plain) ? `brick-${plain}` : plain;
  if (!taken.includes(name)) return name;
  for (let number = 2; ; number += 1) {
    if (!taken.includes(`${name}-${number}`)) return `${name}-${number}`;
  }
}

/** What is done, in order, as a person would type it. */
export function planOf(host: string, storage: BrickStorage, facts: StorageFacts): BrickPlan {
  const { vg, pool, lv, sizeBytes, mountPoint, path, device, file } = storage;
  const group = facts.groups.find((it) => it.name === vg);
  const steps: string[] = [];
  if (file !== undefined) {
    steps.push(`truncate -s ${file.sizeBytes} ${file.path}; losetup --find ${file.path}`);
  }
  if (group === undefined) steps.push(`vgcreate ${vg} ${device ?? "LOOP"}`);
  if (group?.pools.some((it) => it.name === pool) !== true) {
    const size = storage.poolSizeBytes === undefined ? "-l 100%FREE" : `-L ${storage.poolSizeBytes}b`;
    steps.push(`lvcreate --thin ${vg} -n ${pool} ${size}`);
  }
  steps.push(
    `lvcreate -V ${sizeBytes}b -T ${vg}/${pool} -n ${lv}`,
    `mkfs.xfs -i size=512 -n size=8192 /dev/${vg}/${lv}`,
    `mount /dev/${vg}/${lv} ${mountPoint}`,
    `mkdir ${path}`,
  );
  return { brick: `${host}:${path}`, node: host, mountPoint, vg, pool, lv, sizeBytes, steps };
}

function refused(host: string, path: string, detail: string, nextStep: string): CommandFailure {
  const where: Detail = { node: host, object: `${host}:${path}`, detail, nextStep };
  return new CommandFailure("brick-refused", errno.EG_INTRNL,
    `The brick ${host}:${path} cannot be made`, [where]);
}
