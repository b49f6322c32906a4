/**
 * Sizes as they are typed: `-L 1.5g`, `-l +10%FREE`.
 *
 * On a bad argument LVM prints a sentence and then `Invalid argument for --size: X`. The error
 * thrown here has code `bad-size` when there is such a first sentence, and `bad-argument` when that
 * second line is all there is.
 */

import { Lvm2Error } from "./errors.ts";
import type { VolumeGroup } from "./model.ts";

export type Sign = "+" | "-" | "";
export type PercentBase = "VG" | "LV" | "PVS" | "FREE" | "ORIGIN";

export interface SizeArgument {
  readonly sign: Sign;
  readonly sectors: number;
}

export interface ExtentsArgument {
  readonly sign: Sign;
  /** Extents, or percents of `percentOf`. */
  readonly count: number;
  readonly percentOf: PercentBase | undefined;
}

const SUFFIXES = "kmgtpe";
const SECTORS_MAX = 2 ** 53 / 512;
const UINT32_MAX = 0xffff_ffff;

const PERCENT_NAMES: Readonly<Record<string, PercentBase>> = {
  V: "VG",
  VG: "VG",
  L: "LV",
  LV: "LV",
  P: "PVS",
  PV: "PVS",
  PVS: "PVS",
  F: "FREE",
  FR: "FREE",
  FREE: "FREE",
  O: "ORIGIN",
  OR: "ORIGIN",
  ORIGIN: "ORIGIN",
};

/**
 * Units are powers of 1024 in either case; `s` is sectors, `b` bytes, none is MiB (`bareSectors`).
 */
export function parseSizeArgument(
  argument: string,
  options: { readonly bareSectors?: number } = {},
): SizeArgument {
  const { sign, rest } = takeSign(argument);
  const found = /^(\d+\.?\d*|\.\d+)(.*)$/s.exec(rest);
  if (!found) throw new Lvm2Error("bad-size", "Size requires number argument.");
  const number = Number(found[1]);
  const suffix = found[2]![0]?.toLowerCase();
  const sectors = Math.trunc(number * sectorsPerUnit(suffix, number, options.bareSectors ?? 2048));
  if (sectors >= SECTORS_MAX) throw new Lvm2Error("bad-size", "Size is too big (>=16EiB).");
  return { sign, sectors };
}

function sectorsPerUnit(suffix: string | undefined, number: number, bareSectors: number): number {
  if (suffix === undefined) return bareSectors;
  if (suffix === "s") return 1;
  if (suffix === "b") {
    const excess = Math.trunc(number) % 512;
    if (excess === 0) return 1 / 512;
    const below = Math.trunc(number) - excess;
    throw new Lvm2Error(
      "bad-size",
      `Size is not a multiple of 512. Try using ${below} or ${below + 512}.`,
    );
  }
  const index = SUFFIXES.indexOf(suffix);
  if (index < 0) throw new Lvm2Error("bad-size", "Can't parse size argument.");
  return 2 * 1024 ** index;
}

export function parseExtentsArgument(argument: string): ExtentsArgument {
  const { sign, rest } = takeSign(argument);
  const found = /^(\d+)(?:(%)(.*))?$/s.exec(rest);
  if (!found) throw new Lvm2Error("bad-argument", `Invalid argument for --extents: ${argument}`);
  const count = Number(found[1]);
  if (found[2] === undefined)
    return { sign, count: Math.min(count, UINT32_MAX), percentOf: undefined };
  const percentOf = PERCENT_NAMES[found[3]!.toUpperCase()];
  if (!percentOf) throw new Lvm2Error("bad-size", `Specified %${found[3]} is unknown.`);
  if (count >= UINT32_MAX) throw new Lvm2Error("bad-size", "Percentage is too big (>=-1%).");
  return { sign, count, percentOf };
}

function takeSign(argument: string): { sign: Sign; rest: string } {
  const first = argument[0];
  if (first !== "+" && first !== "-") return { sign: "", rest: argument };
  const rest = argument.slice(1);
  if (rest.startsWith("+") || rest.startsWith("-")) {
    throw new Lvm2Error("bad-size", "Multiple sign symbols detected.");
  }
  return { sign: first, rest };
}

/** lvcreate rounds a share of extents down, lvextend up. */
export function percentOfExtents(
  percent: number,
  extentCount: number,
  round: "down" | "up",
): number {
  return Math.floor((percent * extentCount + (round === "up" ? 99 : 0)) / 100);
}

/** Whole extents that hold `sectors`; the caller tells when that was more than asked for. */
export function extentsFromSectors(vg: VolumeGroup, sectors: number): number {
  return Math.ceil(sectors / vg.extentSectors);
}
