/** A graph under construction: translators from below to the top, and the options that they get. */

import type { VolumeDescription } from "./volume-description.ts";
import { optionRows, parseBoolean } from "./volume-options.ts";
import { volumeOptions } from "./volume-option-table.ts";
import type { Translator, Volfile } from "./volfile.ts";

type Options = Readonly<Record<string, string>>;

export class VolfileGraph {
  readonly volume: VolumeDescription;
  readonly #translators: (Translator & { readonly options: Map<string, string> })[] = [];

  constructor(volume: VolumeDescription) {
    this.volume = volume;
  }

  /** The name of what was added last. */
  get top(): string {
    return this.#translators.at(-1)?.name ?? "";
  }

  /** Add a translator; returns its name. Without `subvolumes` it sits on nothing. */
  add(name: string, type: string, subvolumes: readonly string[], options: Options = {}): string {
    this.#translators.push({ name, type, options: new Map(Object.entries(options)), subvolumes });
    return name;
  }

  /** Add VOLUME-SUFFIX on what was added last. */
  stack(suffix: string, type: string, options: Options = {}): string {
    return this.add(`${this.volume.name}-${suffix}`, type, [this.top], options);
  }

  /** Set an option of every translator of this type. */
  setEverywhere(type: string, key: string, value: string): void {
    for (const translator of this.#translators) {
      if (translator.type === type) translator.options.set(key, value);
    }
  }

  /** Give every translator what was set for its type, and the defaults that are always written. */
  applyOptions(): void {
    for (const option of volumeOptions) {
      if (option.special || option.translator === "rpc-transport/socket") continue;
      const unset = option.always ? option.default : undefined;
      const value = this.volume.options[option.name] ?? unset;
      if (value !== undefined) this.setEverywhere(option.translator, option.key, value);
    }
  }

  finish(): Volfile {
    return { translators: this.#translators };
  }
}

/** The value that was set, or the option's default. */
export function optionText(volume: VolumeDescription, name: string): string | undefined {
  return volume.options[name] ?? optionRows(name).find((row) => row.default !== undefined)?.default;
}

/** The value of a switch; anything that is no boolean counts as off. */
export function optionIsOn(volume: VolumeDescription, name: string): boolean {
  return parseBoolean(optionText(volume, name) ?? "") ?? false;
}

/** Options of the socket that both ends of a connection take, where they were set. */
export function socketOptions(volume: VolumeDescription): Record<string, string> {
  const options: Record<string, string> = {};
  for (const { name, translator, key } of volumeOptions) {
    const value = volume.options[name];
    if (translator !== "rpc-transport/socket" || value === undefined) continue;
    options[`transport.socket.${key}`] = value;
  }
  const family = optionText(volume, "transport.address-family");
  if (family !== undefined) options["transport.address-family"] = family;
  return options;
}

/** The process's own log settings; they differ between clients and bricks. */
export function logOptions(volume: VolumeDescription, side: "client" | "brick"): Options {
  const options: Record<string, string> = {
    "log-level": optionText(volume, `diagnostics.${side}-log-level`) ?? "INFO",
    threads: optionText(volume, `config.${side}-threads`) ?? "16",
  };
  const optional = {
    "sys-log-level": `diagnostics.${side}-sys-log-level`,
    logger: `diagnostics.${side}-logger`,
    "log-format": `diagnostics.${side}-log-format`,
    "log-buf-size": `diagnostics.${side}-log-buf-size`,
    "log-flush-timeout": `diagnostics.${side}-log-flush-timeout`,
  };
  for (const [key, name] of Object.entries(optional)) {
    const value = volume.options[name];
    if (value !== undefined) options[key] = value;
  }
  return options;
}
