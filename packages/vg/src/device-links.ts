/**
 * The names under /dev: /dev/VG/LV and /dev/mapper/VG-LV, links to the loop device. A link is
 * replaced in one step, so that whoever opens it meets the old device or the new one.
 */
import { lstatSync, mkdirSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { renameSync, rmdirSync, symlinkSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { isErrno } from "@mortar/linux";
import { deviceMapperName } from "@mortar/lvm2";
import { VgError } from "./vg-error.ts";

export function linkPaths(vgName: string, lvName: string): readonly string[] {
  return [`/dev/${vgName}/${lvName}`, join("/dev/mapper", deviceMapperName(vgName, lvName))];
}

/**
 * /dev/VG/LV for a mapped device, whose other name is device-mapper's or udev's to make. One that
 * leads to the device already, by whatever way, is left alone.
 */
export function linkMapped(vgName: string, lvName: string): string {
  const [path = "", mapped = ""] = linkPaths(vgName, lvName);
  const [linked, wanted] = [path, mapped].map((it) => statSync(it, { throwIfNoEntry: false })?.rdev);
  if (linked === undefined || linked !== wanted) replaceLink(path, mapped, lvName);
  return path;
}

export function unlinkMapped(vgName: string, lvName: string): void {
  const [path = ""] = linkPaths(vgName, lvName);
  if (targetOf(path) !== undefined) unlinkIfThere(path);
  removeIfEmpty(`/dev/${vgName}`);
}

/** Make both names point at `loopPath`. Returns /dev/VG/LV. */
export function linkDevice(vgName: string, lvName: string, loopPath: string): string {
  for (const path of linkPaths(vgName, lvName)) {
    if (targetOf(path) !== loopPath) replaceLink(path, loopPath, lvName);
  }
  return `/dev/${vgName}/${lvName}`;
}

function replaceLink(path: string, target: string, lvName: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = join(dirname(path), `.mortar-${process.pid}-${lvName}`);
  unlinkIfThere(temporary);
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

/** Remove both names if they are ours; the group's directory goes with its last link. */
export function unlinkDevice(vgName: string, lvName: string): void {
  for (const path of linkPaths(vgName, lvName)) {
    if (targetOf(path) !== undefined) unlinkIfThere(path);
  }
  removeIfEmpty(`/dev/${vgName}`);
}

/** Remove names that point at a loop device which is not the LV's any more. */
export function unlinkStale(
  vgName: string,
  isStale: (lvName: string, loopPath: string) => boolean,
): void {
  let names: string[];
  try {
    names = readdirSync(`/dev/${vgName}`);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return;
    throw error;
  }
  for (const name of names) {
    const target = targetOf(`/dev/${vgName}/${name}`);
    if (target !== undefined && isStale(name, target)) unlinkDevice(vgName, name);
  }
}

/** The loop device that a link names; undefined when there is no link. */
export function targetOf(path: string): string | undefined {
  try {
    if (!lstatSync(path).isSymbolicLink()) {
      throw new VgError("in-use", `${path} exists and is no link: remove it first.`);
    }
    return readlinkSync(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTEMPTY", "EEXIST")) throw error;
  }
}
