/** Options that every command takes, and values that many options share. */
import {
  checkTag,
  ENGINE_CHOICES,
  isSizeUnit,
  Lvm2Error,
  parseExtentsArgument,
  parseSizeArgument,
} from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";

/** Returns the complaint of `parse` about a value, in the form that OptionSpec wants. */
function complaintOf(parse: (value: string) => unknown): NonNullable<OptionSpec["check"]> {
  return (value) => {
    try {
      parse(value);
      return undefined;
    } catch (error) {
      if (!(error instanceof Lvm2Error)) throw error;
      return error.code === "bad-size" ? [error.message] : [];
    }
  };
}

function oneOf(...allowed: readonly string[]): NonNullable<OptionSpec["check"]> {
  return (value) => (allowed.includes(value) ? undefined : []);
}

export const yesNo = oneOf("y", "n");
export const activation = oneOf("y", "n", "ay", "ey", "sy", "ly", "en", "ln", "aay", "aln");
export const permission = oneOf("r", "rw");
export const discards = oneOf("ignore", "nopassdown", "passdown");
export const engine = oneOf(...ENGINE_CHOICES);
export const reportFormat = oneOf("basic", "json", "json_std");

/** A size without sign, or with one that cannot be meant. */
export const unsignedSize: NonNullable<OptionSpec["check"]> = (value) => {
  if (value.startsWith("-")) return ["Size may not be negative."];
  return complaintOf((text) => parseSizeArgument(text))(value);
};

/** LVM has no sentence about a bad tag. */
export const tag: NonNullable<OptionSpec["check"]> = (value) => {
  try {
    checkTag(value);
    return undefined;
  } catch (error) {
    if (!(error instanceof Lvm2Error)) throw error;
    return [];
  }
};

/** A size that may be taken away, but not added. */
export const shrinkingSize: NonNullable<OptionSpec["check"]> = (value) => {
  if (value.startsWith("+")) return ["Size may not be positive."];
  return complaintOf((text) => parseSizeArgument(text))(value);
};

export const wholeNumber: NonNullable<OptionSpec["check"]> = (value) =>
  /^\d{1,9}$/.test(value) ? undefined : [];

export const allocation = oneOf(
  "contiguous", "cling", "cling_by_tags", "normal", "anywhere", "inherit",
);

export const signedSize = complaintOf((text) => parseSizeArgument(text));
export const extents = complaintOf((text) => parseExtentsArgument(text));

/** True for `y` in each of the ways of saying where it shall be active. */
export function isActivating(value: string): boolean {
  return value.endsWith("y");
}

/**
 * Accepted everywhere. Those that speak of udev, device-mapper, hints, profiles or LVM's own
 * configuration have no meaning here and change nothing.
 */
export const commonOptions: readonly OptionSpec[] = [
  { long: "commandprofile", value: true },
  { long: "config", value: true },
  { long: "debug", short: "d" },
  { long: "devices", value: true },
  { long: "devicesfile", value: true },
  { long: "engine", value: true, check: engine },
  { long: "driverloaded", value: true, check: yesNo },
  { long: "help", short: "h" },
  { long: "journal", value: true },
  { long: "lockopt", value: true },
  { long: "longhelp" },
  { long: "nohints" },
  { long: "nolocking" },
  { long: "profile", value: true },
  { long: "quiet", short: "q" },
  { long: "test", short: "t" },
  { long: "verbose", short: "v" },
  { long: "version" },
  { long: "yes", short: "y" },
];

/** What commands that change something take besides. */
export const changeOptions: readonly OptionSpec[] = [
  ...commonOptions,
  { long: "autobackup", short: "A", value: true, check: yesNo },
  { long: "force", short: "f" },
  { long: "noudevsync" },
  { long: "reportformat", value: true, check: reportFormat },
];

/** A unit of `--units`: one letter, or a number and a letter for a unit of one's own. */
export function parseUnit(
  text: string,
): { readonly unit: string } | { readonly sectors: number } | undefined {
  if (isSizeUnit(text)) return { unit: text };
  const [, number, letter] = /^(\d+(?:\.\d+)?)([bBsSkKmMgGtTpPeE])$/.exec(text) ?? [];
  if (number === undefined || letter === undefined || Number(number) === 0) return undefined;
  return { sectors: Number(number) * sectorsIn(letter) };
}

function sectorsIn(letter: string): number {
  if (letter === "s" || letter === "S") return 1;
  const power = "bkmgtpe".indexOf(letter.toLowerCase());
  return (letter === letter.toLowerCase() || power === 0 ? 1024 : 1000) ** power / 512;
}
