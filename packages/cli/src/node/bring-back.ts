/**
 * The part of `mortar up` before the daemon: file-backed disks, logical volumes, file systems.
 *
 *     loop devices of disks in files  →  logical volumes  →  fstab  →  mounts under bricks
 *
 * After `down`, exactly what it took away comes back. At the first `up` since the machine started,
 * so do the groups that this node had active, and what is to be mounted on them. Each step leaves
 * alone what is there already, and what fails is told and does not keep the rest from coming back.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  activateBootGroups,
  attachFiles,
  bootRecorder,
  engineChoiceOf,
  isFirstUp,
  markUp,
  VolumeGroups,
  type BootOptions,
  readDeviceFilter,
  readPlainFiles,
} from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { runDirectoryOf } from "./daemon.ts";
import { deviceOf, fstabOf, isMountedByUp, readFstab } from "./fstab.ts";
import { mount, mountFromTable, readMounts } from "./mounts.ts";
import { poolPolicyOf } from "./pool-policy.ts";
import { forgetSaved, readSaved, type Saved, type SavedMount } from "./saved-mounts.ts";

/** Says what it did; returns what failed, one sentence each. */
export async function bringBack(root: string, io: CliIo): Promise<string[]> {
  const options: BootOptions = {
    runDirectory: runDirectoryOf(root),
    stateDirectory: join(root, "var/lib/mortar"),
    warn: (sentence) => io.stderr.write(`${sentence}\n`),
  };
  const saved = readSaved(root);
  const isFirst = isFirstUp(options);
  if (saved === undefined && !isFirst) return [];
  const configuration = join(root, "etc/mortar/mortar.json");
  const groups = await VolumeGroups.open({
    runDirectory: options.runDirectory,
    deviceFilter: readDeviceFilter(configuration),
    files: readPlainFiles(configuration),
    engine: engineChoiceOf(root),
    policy: poolPolicyOf(root),
    boot: bootRecorder(options.stateDirectory, options.warn),
  });
  const job = { root, io, options, groups, failures: [] };
  await attach(job);
  if (isFirst) await activate(job);
  if (saved !== undefined) await bringBackSaved(job, saved);
  if (isFirst) {
    await mountFstab(job);
    await mountBricks(job);
  }
  if (job.failures.length === 0) markUp(options);
  return job.failures;
}

interface Job {
  readonly root: string;
  readonly io: CliIo;
  readonly options: BootOptions;
  readonly groups: VolumeGroups;
  readonly failures: string[];
}

async function attach({ options, io, failures }: Job): Promise<void> {
  const { attached, failed } = await attachFiles(options);
  for (const { path, device } of attached) io.stdout.write(`attached ${path} to ${device}\n`);
  for (const { name, reason } of failed) failures.push(`disk ${name}: ${reason}`);
}

async function activate({ groups, options, io, failures }: Job): Promise<void> {
  const { groups: done, leftOver } = await activateBootGroups(groups, options);
  for (const { name, activated } of done) {
    if (activated > 0) io.stdout.write(`activated ${name}: ${activated} logical volume(s)\n`);
  }
  for (const { name, reason } of leftOver) failures.push(`${name}: ${reason}`);
}

/** What failed stays on the list of the next `up`. */
async function bringBackSaved(job: Job, saved: Saved): Promise<void> {
  const before = job.failures.length;
  for (const { vg, lv } of saved.lvs) {
    try {
      await job.groups.activateLv({ vg, lv });
    } catch (error) {
      job.failures.push(`${vg}/${lv} could not be activated: ${(error as Error).message}`);
    }
  }
  for (const it of saved.mounts) await mountLv(job, it);
  if (job.failures.length === before) forgetSaved(job.root);
}

async function mountFstab(job: Job): Promise<void> {
  const file = fstabOf(job.root);
  const entries = readFstab(file).filter(isMountedByUp);
  if (entries.length === 0) return;
  const loops = (await job.groups.listLvs()).flatMap(({ loopPath }) => loopPath ?? []);
  for (const entry of entries) {
    const device = deviceOf(entry);
    if (device === undefined || !loops.includes(device) || isMounted(entry.point)) continue;
    told(job, entry.source, entry.point, mountFromTable(file, entry.point));
  }
}

async function mountBricks(job: Job): Promise<void> {
  for (const it of readBrickMounts(job)) await mountLv(job, it);
}

async function mountLv(job: Job, it: SavedMount): Promise<void> {
  if (isMounted(it.point)) return;
  const device = `/dev/${it.vg}/${it.lv}`;
  try {
    // An LV that is not activated by itself, such as a snapshot, was mounted all the same.
    await job.groups.activateLv({ vg: it.vg, lv: it.lv });
    told(job, device, it.point, mount(device, it));
  } catch (error) {
    job.failures.push(`${it.point}: ${(error as Error).message}`);
  }
}

function told({ io, failures }: Job, source: string, point: string, refusal?: string): void {
  if (refusal === undefined) io.stdout.write(`mounted ${source} on ${point}\n`);
  else failures.push(`${point}: ${refusal}`);
}

function isMounted(point: string): boolean {
  return readMounts().some((mounted) => mounted.point === point);
}

/** Written by mortard: the operator's file systems under bricks of started volumes. */
function readBrickMounts({ options: { stateDirectory }, failures }: Job): SavedMount[] {
  const file = join(stateDirectory, "brick-mounts.json");
  try {
    return JSON.parse(readFileSync(file, "utf8")) as SavedMount[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    failures.push(`${file} is damaged: ${(error as Error).message}`);
    return [];
  }
}
