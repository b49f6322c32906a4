import { GlusterError } from "./error.ts";
import { optionHint } from "./option-hint.ts";
import type { VolumeDescription } from "./volume-description.ts";
import { volumeOptions } from "./volume-option-table.ts";
import type { VolumeOption } from "./volume-option-table.ts";

const byName = new Map<string, VolumeOption[]>();
const byShortName = new Map<string, Set<string>>();
for (const option of volumeOptions) {
  const rows = byName.get(option.name);
  if (rows === undefined) byName.set(option.name, [option]);
  else rows.push(option);
  const short = option.name.slice(option.name.indexOf(".") + 1);
  byShortName.set(short, (byShortName.get(short) ?? new Set()).add(option.name));
}

export type OptionLookup =
  | { readonly kind: "known"; readonly name: string; readonly option: VolumeOption }
  | { readonly kind: "user"; readonly name: string }
  | { readonly kind: "unknown"; readonly name: string; readonly hint: string };

/**
 * What a user typed. What follows the first dot is enough when only one option ends so. Names that
 * begin with "user." are the user's own: any value, no effect. `hint` completes "Did you mean".
 */
export function findOption(name: string): OptionLookup {
  if (name.startsWith("user.") && name.length > 5) return { kind: "user", name };
  const [exact] = byName.get(name) ?? [];
  if (exact !== undefined) return { kind: "known", name, option: exact };
  const [full, ...more] = name.includes(".") ? [] : (byShortName.get(name) ?? []);
  const [option] = full === undefined || more.length > 0 ? [] : (byName.get(full) ?? []);
  if (option !== undefined) return { kind: "known", name: option.name, option };
  return { kind: "unknown", name, hint: optionHint(name, namesLike(name)) };
}

/** Options of Mortar alone are no hint for a slip in a name of GlusterFS's. */
function namesLike(name: string): string[] {
  const isOurs = (it: string) => it.startsWith("mortar.");
  return [...byName.keys()].filter((it) => isOurs(it) === isOurs(name));
}

/** As findOption, but an unknown option is thrown, in GlusterFS's words. */
export function requireOption(name: string): OptionLookup & { kind: "known" | "user" } {
  const found = findOption(name);
  if (found.kind !== "unknown") return found;
  throw new GlusterError(
    "unknown-option",
    `option : ${name} does not exist\nDid you mean ${found.hint}?`,
  );
}

/** All rows of an option: the places where its value lands. Empty: there is no such option. */
export function optionRows(name: string): readonly VolumeOption[] {
  return byName.get(name) ?? [];
}

export interface EffectiveOption {
  readonly name: string;
  /** Undefined: no default either. */
  readonly value: string | undefined;
  /** `volume get` marks it "(DEFAULT)". */
  readonly isDefault: boolean;
}

/** The value in force, as `volume get` prints it. */
export function effectiveOption(
  volume: Pick<VolumeDescription, "kind" | "replicaCount" | "options">,
  option: VolumeOption,
): EffectiveOption {
  const { name } = option;
  const set = volume.options[name];
  if (set !== undefined) return { name, value: set, isDefault: false };
  if (name === "cluster.quorum-type" && volume.kind === "replicate" && volume.replicaCount !== 2) {
    return { name, value: "auto", isDefault: false };
  }
  return { name, value: option.default, isDefault: !option.always };
}

/** What `volume get V all` lists, in its order. */
export function effectiveOptions(
  volume: Pick<VolumeDescription, "kind" | "replicaCount" | "options">,
): EffectiveOption[] {
  return volumeOptions
    .filter((option) => !option.unlisted)
    .map((option) => effectiveOption(volume, option));
}

/** What a new volume of this kind has set from the start, in the order of `volume info`. */
export function initialOptions(kind: VolumeDescription["kind"]): Record<string, string> {
  const common = {
    "storage.fips-mode-rchecksum": "on",
    "transport.address-family": "inet",
    "nfs.disable": "on",
  };
  if (kind !== "replicate") return common;
  return {
    "cluster.granular-entry-heal": "on",
    ...common,
    "performance.client-io-threads": "off",
  };
}

const TRUE_WORDS = new Set(["on", "yes", "true", "enable", "1"]);
const FALSE_WORDS = new Set(["off", "no", "false", "disable", "0"]);

/** A boolean in any of GlusterFS's spellings; undefined: it is none. */
export function parseBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  if (TRUE_WORDS.has(lower)) return true;
  return FALSE_WORDS.has(lower) ? false : undefined;
}
