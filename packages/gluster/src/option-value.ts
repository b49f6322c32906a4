/**
 * Which values an option takes. Rules, as they stand in the table of options:
 *
 * | rule | values |
 * |---|---|
 * | bool | on, off, yes, no, true, false, enable, disable, 1, 0 |
 * | switch | the same; refused in other words |
 * | bool-or W | a boolean, or the word W |
 * | int A..B | decimal, 0x… or 0… (octal) |
 * | size A..B | bytes, or with KB, MB, GB, TB, PB |
 * | percent A..B | with or without % |
 * | percent-or-size A.. | with % a share, else a size |
 * | time A..B | seconds, or with s/sec, m/min, h/hr, d/days, w/wk |
 * | double | a decimal fraction |
 * | one-of A,B | one of these words |
 * | log-level, system-log-level | the names of severities |
 * | path | absolute |
 * | address, address-list, addresses | host names, addresses, patterns |
 * | string, any, xlator, priority-list | anything |
 *
 * GlusterFS checks an option only while its translator is in use. Here a value is always checked:
 * a wrong one would come to light when the translator is switched on, far from its cause.
 */

import { GlusterError } from "./error.ts";
import { setSize } from "./volume-description.ts";
import type { VolumeDescription } from "./volume-description.ts";
import { optionRows, parseBoolean } from "./volume-options.ts";
import type { VolumeOption } from "./volume-option-table.ts";

type Refusal = string | undefined;
type VolumeShape = Pick<
  VolumeDescription,
  "name" | "kind" | "bricks" | "replicaCount" | "disperseCount" | "redundancyCount"
>;
interface Range {
  readonly min: number;
  readonly max: number;
}

const BOOLEAN_WORDS = ["1", "on", "yes", "true", "enable", "0", "off", "no", "false", "disable"];
const LOG_LEVELS = ["DEBUG", "WARNING", "ERROR", "INFO", "CRITICAL", "NONE", "TRACE"];
const SYSTEM_LOG_LEVELS = ["WARNING", "ERROR", "INFO", "CRITICAL"];
const SIZE_UNIT: Readonly<Record<string, number>> = {
  "": 1, B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40, PB: 2 ** 50,
};
const TIME_UNIT: Readonly<Record<string, number>> = {
  "": 1, s: 1, sec: 1, m: 60, min: 60, h: 3600, hr: 3600, d: 86_400, days: 86_400,
  w: 604_800, wk: 604_800,
};

/** Throws GlusterError "bad-option-value" in the words of GlusterFS. */
export function validateOption(
  option: VolumeOption,
  value: string,
  volume?: VolumeShape,
): void {
  const refusal = refuseByName(option, value, volume) ?? refuseByRules(option.name, value);
  if (refusal !== undefined) throw new GlusterError("bad-option-value", refusal);
}

/** An option with several rows takes what one of its translators takes. */
function refuseByRules(name: string, value: string): Refusal {
  const refusals = optionRows(name).map(({ rule, key }) => refuseByRule(rule, name, key, value));
  return refusals.includes(undefined) ? undefined : refusals[0];
}

function refuseByRule(rule: string, name: string, key: string, value: string): Refusal {
  const [type = "", argument = ""] = rule.split(/ (.*)/s);
  switch (type) {
    case "bool":
      return refuseBoolean(key, value);
    case "switch":
      if (parseBoolean(value) !== undefined) return undefined;
      return `${value} is not a valid boolean value. ${name} expects a valid boolean value.`;
    case "bool-or":
      return refuseWord(key, value, [...BOOLEAN_WORDS, argument]);
    case "int":
      return refuseNumber(key, value, parseInteger(value), parseRange(argument));
    case "size":
      return refuseNumber(key, value, parseSize(value), parseRange(argument));
    case "time":
      return refuseTime(key, value, parseRange(argument));
    case "percent":
      return refusePercent(key, value, parseRange(argument));
    case "percent-or-size":
      return refusePercentOrSize(key, value);
    case "double":
      return Number.isNaN(Number(value)) ? badNumber(key, value) : undefined;
    case "one-of":
      return refuseWord(key, value, argument.split(","));
    case "log-level":
      return refuseWord(key, value, LOG_LEVELS);
    case "system-log-level":
      return refuseWord(key, value, SYSTEM_LOG_LEVELS);
    case "path":
      if (value.startsWith("/")) return undefined;
      return `option ${key} ${value}: '${value}' is not an absolute path name`;
    case "address":
    case "address-list":
    case "addresses":
      return refuseAddresses(key, value);
    default:
      return undefined;
  }
}

function refuseBoolean(key: string, value: string): Refusal {
  if (parseBoolean(value) !== undefined) return undefined;
  return `option ${key} ${value}: '${value}' is not a valid boolean value`;
}

function badNumber(key: string, value: string): string {
  return `invalid number format "${value}" in option "${key}"`;
}

function refuseNumber(key: string, value: string, number: number, range: Range): Refusal {
  return Number.isNaN(number) ? badNumber(key, value) : outOfRange(key, value, number, range);
}

function outOfRange(
  key: string,
  value: string,
  number: number,
  { min, max }: Range,
  shown = String(number),
): Refusal {
  const what = `'${shown}' in 'option ${key} ${value}' is`;
  if (max === Infinity) {
    return number < min ? `${what} smaller than minimum value '${min}'` : undefined;
  }
  return number < min || number > max ? `${what} out of range [${min} - ${max}]` : undefined;
}

function refuseTime(key: string, value: string, range: Range): Refusal {
  const [, digits, unit = ""] = /^(\d+)([a-z]*)$/.exec(value) ?? [];
  const factor = TIME_UNIT[unit];
  if (digits === undefined || factor === undefined) {
    return `invalid time format "${value}" in "option ${key}"`;
  }
  return outOfRange(key, value, Number(digits) * factor, range);
}

function refusePercent(key: string, value: string, range: Range): Refusal {
  const [, digits] = /^(\d+(?:\.\d+)?)%?$/.exec(value) ?? [];
  if (digits === undefined) return `invalid percent format "${value}" in "option ${key}"`;
  const number = Number(digits);
  return outOfRange(key, value, number, range, number.toFixed(6));
}

function refusePercentOrSize(key: string, value: string): Refusal {
  const range = { min: 0, max: 100 };
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(value) ?? [];
  if (percent !== undefined) {
    return outOfRange(key, value, Number(percent), range, Number(percent).toFixed(6));
  }
  if (/^\d+\.\d+$/.test(value)) {
    const shown = Number(value).toFixed(6);
    return (
      `'${shown}' in 'option ${key} ${value}' should not be fractional value. ` +
      "Use valid unsigned integer value."
    );
  }
  const bad = `invalid number format "${value}" in "option ${key}"`;
  return Number.isNaN(parseSize(value)) ? bad : undefined;
}

function refuseWord(key: string, value: string, words: readonly string[]): Refusal {
  if (words.includes(value)) return undefined;
  const list = words.join(", ");
  return `option ${key} ${value}: '${value}' is not valid (possible options are ${list}.)`;
}

/** Host names, addresses, address patterns and networks, also per directory: "/dir(a|b)". */
function refuseAddresses(key: string, value: string): Refusal {
  const address = /^!?(?:[a-z\d*][a-z\d*_-]*(?:\.[a-z\d*][a-z\d*_-]*)*(?:\/\d{1,3})?|[\da-f]*:[\da-f:.*]*)$/i;
  const parts = value.split(",").flatMap((part) => {
    const [, inside] = /^\/[^()]*\(([^()]*)\)$/.exec(part) ?? [];
    return inside === undefined ? [part] : inside.split("|");
  });
  if (parts.every((part) => address.test(part))) return undefined;
  return `option ${key} ${value}: '${value}' is not a valid internet-address-list`;
}

function parseInteger(text: string): number {
  if (!/^[-+]?(?:0x[0-9a-f]+|\d+)$/i.test(text)) return Number.NaN;
  const [, sign = "", digits = ""] = /^([-+]?)(.*)$/.exec(text) ?? [];
  const octal = /^0[0-7]+$/.test(digits);
  const size = octal ? Number.parseInt(digits, 8) : Number(digits);
  return sign === "-" ? -size : size;
}

/** Bytes; NaN when the text is no size. A fraction of a byte is dropped. */
export function parseSize(text: string): number {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const factor = SIZE_UNIT[unit.toUpperCase()];
  if (digits === undefined || factor === undefined) return Number.NaN;
  return Math.floor(Number(digits) * factor);
}

function parseRange(text: string): Range {
  const [low = "", high = ""] = text.split("..");
  const limit = (word: string, absent: number) => {
    if (word === "") return absent;
    return word.startsWith("-") ? Number(word) : parseSize(word);
  };
  return { min: limit(low, -Infinity), max: limit(high, Infinity) };
}

/** Options whose values depend on more than a rule. */
function refuseByName(
  option: VolumeOption,
  value: string,
  volume: VolumeShape | undefined,
): Refusal {
  const { name } = option;
  if (name === "cluster.max-op-version") return "Not a valid option to set";
  if (option.clusterWide) return "Not a valid option for single volume";
  return VALIDATORS[name]?.(value, name) ?? (volume && refuseForVolume(name, value, volume));
}

function refuseForVolume(name: string, value: string, volume: VolumeShape): Refusal {
  const needed = REQUIRED_KIND[name];
  if (needed !== undefined && volume.kind !== needed) {
    return `Cannot set ${name} for a non-${needed} volume.`;
  }
  if (name === "cluster.subvols-per-directory") {
    const sets = volume.bricks.length / setSize(volume);
    const wanted = Number.parseInt(value, 10);
    if (wanted > sets) {
      return `subvols-per-directory(${wanted}) is greater than the number of subvolumes(${sets}).`;
    }
  }
  if (name === "cluster.quorum-count") {
    const max = volume.kind === "replicate" ? setSize(volume) : 1;
    const count = parseInteger(value);
    if (count < 1 || count > max) {
      return `${count} in ${name} ${value} is out of range [1 - ${max}]`;
    }
  }
  if (name === "disperse.quorum-count") {
    const max = setSize(volume);
    const min = max - (volume.redundancyCount ?? 0);
    const count = parseInteger(value);
    if (count < min || count > max) {
      return `${count} for ${name} is out of range [${min} - ${max}]`;
    }
  }
  return undefined;
}

const REQUIRED_KIND: Readonly<Record<string, VolumeDescription["kind"]>> = {
  "cluster.metadata-self-heal": "replicate",
  "cluster.data-self-heal": "replicate",
  "cluster.entry-self-heal": "replicate",
  "cluster.shd-max-threads": "replicate",
  "disperse.shd-max-threads": "disperse",
  "disperse.quorum-count": "disperse",
};

const ownCommand = (command: string) => (value: string, name: string) =>
  ` 'gluster volume set <VOLNAME> ${name} ${value}' is deprecated. ` +
  `Use 'gluster volume ${command} <VOLNAME> ` +
  `${parseBoolean(value) ? "enable" : "disable"}' instead.`;

const bitrotCommand = (usage: string) => (_: string, name: string) =>
  ` 'gluster volume set <VOLNAME> ${name}' is invalid command. ` +
  `Use 'gluster volume bitrot <VOLNAME> ${usage}' instead.`;

const seconds = (value: string, name: string): Refusal =>
  /^\d+$/.test(value)
    ? undefined
    : `${value} is not a valid uint64_t value. ${name} expects a valid uint64_t value.`;

const VALIDATORS: Readonly<Record<string, (value: string, name: string) => Refusal>> = {
  "features.quota": ownCommand("quota"),
  "features.inode-quota": ownCommand("inode-quota"),
  "features.bitrot": bitrotCommand("{enable|disable}"),
  "features.scrub": bitrotCommand("scrub {pause|resume}"),
  "features.scrub-throttle": bitrotCommand("scrub-throttle  {lazy|normal|aggressive}"),
  "features.scrub-freq": bitrotCommand("scrub-frequency {hourly|daily|weekly|biweekly|monthly}"),
  "features.default-retention-period": seconds,
  "features.auto-commit-period": seconds,
  "features.retention-mode": (value, name) =>
    value === "relax" || value === "enterprise"
      ? undefined
      : "The value of retention mode should be either relax or enterprise. " +
        `But the value of ${name} is ${value}`,
  "features.snapshot-directory": (value, name) => {
    if (value.length < 2) return `value of ${name} too short, expects at least two characters`;
    if (!value.startsWith(".")) return `${name} expects value starting with '.'`;
    return value.includes("/") ? `${name} expects value without '/'` : undefined;
  },
  "locks.mandatory-locking": (value) =>
    ["off", "file", "forced", "optimal"].includes(value)
      ? undefined
      : `Invalid option value '${value}': Available options are ` +
        "'off', 'file', 'forced' or 'optimal'",
  "cluster.rebal-throttle": (value, name) => {
    if (["lazy", "normal", "aggressive"].includes(value)) return undefined;
    if (/^\d+$/.test(value) && Number(value) > 0) return undefined;
    return (
      `${name} should be {lazy|normal|aggressive} or a number up to number of cores available ` +
      "(cores available - 2)"
    );
  },
  "config.transport": (value) =>
    value === "tcp" ? undefined : `transport-type ${value} does not exist`,
  "cluster.quorum-count": (value, name) =>
    Number.isNaN(parseInteger(value))
      ? `${value} is not an integer. ${name} expects a valid integer value.`
      : undefined,
};
