/**
 * The tree that LVM's text grammar describes, with numbers kept as they were written.
 * Entries fresh from a text know their line; those that a model carries along do not.
 */

export type ConfigValue =
  | { readonly kind: "integer"; readonly text: string }
  | { readonly kind: "float"; readonly text: string }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "array"; readonly items: readonly ConfigValue[] };

export type ConfigEntry =
  { readonly key: string; readonly line?: number; readonly value: ConfigValue } | ConfigSection;

export interface ConfigSection {
  readonly key: string;
  readonly line?: number;
  readonly entries: readonly ConfigEntry[];
}

export function isSection(entry: ConfigEntry): entry is ConfigSection {
  return "entries" in entry;
}

/** Fit to be carried: two texts that say the same give the same entries. */
export function withoutLines(entries: readonly ConfigEntry[]): ConfigEntry[] {
  return entries.map((entry) =>
    isSection(entry)
      ? { key: entry.key, entries: withoutLines(entry.entries) }
      : { key: entry.key, value: entry.value },
  );
}
