/**
 * Typed reading of a parsed section. Each getter notes the key it was asked for, so that whatever
 * is left at the end is what this version does not know, and can be carried along.
 */

import type { ConfigEntry, ConfigSection, ConfigValue } from "./config-tree.ts";
import { isSection, withoutLines } from "./config-tree.ts";
import { Lvm2Error } from "./errors.ts";

/** The value as a number, if it is an integer that a number holds exactly. */
export function integerOf(value: ConfigValue): number | undefined {
  if (value.kind !== "integer") return undefined;
  const number = Number(value.text);
  return Number.isSafeInteger(number) ? number : undefined;
}

export class SectionReader {
  readonly section: ConfigSection;
  readonly #what: string;
  readonly #entries: Map<string, ConfigEntry>;
  readonly #taken = new Set<string>();

  /** `what` names the object in messages: `logical volume "lv1"`. */
  constructor(section: ConfigSection, what: string) {
    this.section = section;
    this.#what = what;
    this.#entries = new Map(section.entries.map((entry) => [entry.key, entry]));
  }

  fail(problem: string, line = this.section.line ?? 0): never {
    throw new Lvm2Error("bad-volume-group", `${this.#what}: ${problem} (line ${line})`, { line });
  }

  /** Entries nobody asked for, in their order. */
  rest(): ConfigEntry[] {
    return withoutLines(this.section.entries.filter((entry) => !this.#taken.has(entry.key)));
  }

  #value(key: string): ConfigValue | undefined {
    const entry = this.#entries.get(key);
    this.#taken.add(key);
    if (!entry) return undefined;
    if (isSection(entry)) this.fail(`${key} should be a value, not a section`, entry.line);
    return entry.value;
  }

  #line(key: string): number | undefined {
    return this.#entries.get(key)?.line ?? this.section.line;
  }

  /** A whole number from 0 to `max`. */
  count(key: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const found = this.optionalCount(key, max);
    if (found === undefined) this.fail(`${key} is missing`);
    return found;
  }

  optionalCount(key: string, max: number = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    const number = integerOf(value);
    if (number === undefined || number < 0 || number > max) {
      this.fail(`${key} should be a whole number from 0 to ${max}`, this.#line(key));
    }
    return number;
  }

  string(key: string): string {
    const found = this.optionalString(key);
    if (found === undefined) this.fail(`${key} is missing`);
    return found;
  }

  optionalString(key: string): string | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (value.kind !== "string") this.fail(`${key} should be a string`, this.#line(key));
    return value.text;
  }

  /** An array of strings; empty if the key is absent. LVM also takes a lone string. */
  strings(key: string): string[] {
    const value = this.#value(key);
    if (value === undefined) return [];
    if (value.kind === "string") return [value.text];
    if (value.kind !== "array") this.fail(`${key} should be an array of strings`, this.#line(key));
    return value.items.map((item) =>
      item.kind === "string"
        ? item.text
        : this.fail(`${key} should hold strings only`, this.#line(key)),
    );
  }

  array(key: string): readonly ConfigValue[] {
    const value = this.#value(key);
    if (value?.kind !== "array") this.fail(`${key} should be an array`, this.#line(key));
    return value.items;
  }

  optionalSection(key: string): ConfigSection | undefined {
    const entry = this.#entries.get(key);
    this.#taken.add(key);
    if (entry && !isSection(entry)) this.fail(`${key} should be a section`, entry.line);
    return entry;
  }
}
