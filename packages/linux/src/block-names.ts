/**
 * Names of the block devices that hold anything, as /sys/block has them.
 *
 *     /proc/partitions    major minor  #blocks  name        one line a device that has a size
 *
 * A machine that had a thousand snapshots active keeps a thousand empty loop devices, in sysfs a
 * directory each: one read of this file passes over them all.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Disks and partitions with a size above zero; in no order. */
export function blockDeviceNames(): string[] {
  let table: string;
  try {
    table = readFileSync("/proc/partitions", "latin1");
  } catch {
    return readdirSync("/sys/class/block");
  }
  return partitionNames(table);
}

/** For tests: of a text of that form. */
export function partitionNames(table: string): string[] {
  return table.split("\n").flatMap((line) => {
    const name = /^\s*\d+\s+\d+\s+\d+\s+(\S+)$/.exec(line)?.[1];
    return name === undefined ? [] : [name.replaceAll("/", "!")];
  });
}
