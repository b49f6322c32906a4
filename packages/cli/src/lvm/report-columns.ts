/** Which columns a report has: `-o`, `-O`, and the names that LVM lets stand for others. */
import { FIELD_HELP } from "./field-help.ts";
import { emptyFields } from "./fields-empty.ts";
import { lvFields } from "./fields-lv.ts";
import { pvFields, pvSegmentFields } from "./fields-pv.ts";
import { segmentFields } from "./fields-segment.ts";
import { spaceFields } from "./fields-space.ts";
import { vgFields } from "./fields-vg.ts";
import { LvmExit } from "./lvm-exit.ts";
import { count, fields, type ReportField } from "./report-field.ts";

export type FieldSource = "lv" | "vg" | "pv" | "segment" | "pv-segment" | "special";

const specialFields = fields([
  ["selected", "Selected", 0, "number", ({ selected }) => count(selected === false ? 0 : 1)],
]);

/** Every column, by name, and what it speaks of. */
const known = new Map<string, { readonly field: ReportField; readonly source: FieldSource }>();

const SOURCES: readonly (readonly [FieldSource, readonly ReportField[]])[] = [
  ["lv", lvFields],
  ["lv", spaceFields],
  ["vg", vgFields],
  ["pv", pvFields],
  ["segment", segmentFields],
  ["pv-segment", pvSegmentFields],
  ["special", specialFields],
];

for (const [source, list] of SOURCES) {
  for (const field of list) known.set(field.name, { field, source });
}

/** The ones without content belong to whatever the help lists them under. */
for (const field of emptyFields) {
  const group = FIELD_HELP.find((help) => field.name in help.fields);
  const source = group?.all === "seg_all" ? "segment" : "lv";
  known.set(field.name, { field, source });
}

export function sourceOf(field: ReportField): FieldSource {
  return known.get(field.name)?.source ?? "special";
}

export interface SortKey {
  readonly field: ReportField;
  readonly descending: boolean;
}

/** Prefixes that may be left out, by tool: `lvs -o size` is lv_size. */
const PREFIXES: Readonly<Record<string, readonly string[]>> = {
  lvs: ["lv_", "seg_"],
  vgs: ["vg_"],
  pvs: ["pv_", "pvseg_"],
};

/**
 * The columns of a report: the default ones, or those of each `-o` in turn. `+a,b` adds, `-a` takes
 * away, `#a` (leave out when empty) is read as `+` for nothing is ever hidden here.
 */
export function chooseColumns(
  tool: string,
  defaults: readonly string[],
  options: readonly string[],
): ReportField[] {
  let names: string[] = [...defaults];
  for (const option of options) {
    const [, sign = "", list = ""] = /^([+\-#]?)(.*)$/s.exec(option) ?? [];
    const wanted = list.split(",").filter((name) => name !== "");
    if (wanted.some((name) => name === "help" || name === "?")) throw new LvmExit(0, helpLines());
    const resolved = wanted.flatMap((name) => resolve(tool, name));
    if (sign === "+" || sign === "#") names = [...names, ...resolved];
    else if (sign === "-") names = names.filter((name) => !resolved.includes(name));
    else names = resolved;
  }
  return names.flatMap((name) => known.get(name)?.field ?? []);
}

/** `-O`: names with `+` or `-` before each. */
export function chooseSortKeys(
  tool: string,
  defaults: readonly string[],
  options: readonly string[],
): SortKey[] {
  const last = options.at(-1);
  const list = last === undefined ? [...defaults] : last.split(",").filter((name) => name !== "");
  return list.flatMap((item) => {
    const [, sign = "", name = ""] = /^([+-]?)(.*)$/s.exec(item) ?? [];
    return resolve(tool, name, "dm_report: ").flatMap((full) => {
      const field = known.get(full)?.field;
      return field === undefined ? [] : [{ field, descending: sign === "-" }];
    });
  });
}

/** Underscores do not count, and neither does the prefix of the report's own kind. */
function resolve(tool: string, name: string, errorPrefix = ""): string[] {
  if (name.endsWith("_all")) {
    const groups = FIELD_HELP.filter((help) => help.all === name);
    if (groups.length > 0) return groups.flatMap((help) => Object.keys(help.fields));
  }
  // What LVM does not have is not among all of its fields.
  const groups = FIELD_HELP.filter((help) => help.all !== "mortar_all");
  if (name === "all") return groups.flatMap((help) => Object.keys(help.fields));
  const found = findColumn(tool, name);
  if (found !== undefined) return [found.name];
  throw new LvmExit(5, [...helpLines(), "   ", `  ${errorPrefix}Unrecognised field: ${name}`]);
}

/** One column, by its name or one that stands for it. */
export function findColumn(tool: string, name: string): ReportField | undefined {
  const bare = name.replaceAll("_", "");
  const matches = (candidate: string) => candidate.replaceAll("_", "") === bare;
  const names = [...known.keys()];
  const exact = names.find(matches);
  if (exact !== undefined) return known.get(exact)?.field;
  for (const prefix of PREFIXES[tool] ?? []) {
    const full = names.find(
      (candidate) => candidate.startsWith(prefix) && matches(candidate.slice(prefix.length)),
    );
    if (full !== undefined) return known.get(full)?.field;
  }
  return undefined;
}

export function columnByName(name: string): ReportField | undefined {
  return known.get(name)?.field;
}

function helpLines(): string[] {
  const lines: string[] = [];
  for (const { title, all, fields: names } of FIELD_HELP) {
    if (lines.length > 0) lines.push("   ");
    lines.push(`  ${title}`, `  ${"-".repeat(title.length)}`);
    const line = (name: string, text: string) => lines.push(`    ${name.padEnd(27)} - ${text}`);
    if (all !== undefined) line(all, "All fields in this section.");
    for (const [name, text] of Object.entries(names)) line(name, text);
    if (title === "Special Fields") {
      line("help", "Show help.");
      line("?", "Show help.");
    }
  }
  return lines;
}
