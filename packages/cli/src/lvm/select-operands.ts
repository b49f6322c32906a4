/** `--select` of commands that change something: which of the operands they are to act on. */
import type { MachineView } from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import { LvmExit } from "./lvm-exit.ts";
import { sourceOf } from "./report-columns.ts";
import type { ReportRow } from "./report-field.ts";
import { makeRows, rowKindOf } from "./report-rows.ts";
import { fieldsOf, isSelected } from "./selection-match.ts";
import { parseSelection } from "./selection-parse.ts";

export const selectOption: OptionSpec = { long: "select", short: "S", value: true };

/** The selected LVs as `VG/LV`. One of several segments is enough. */
export function selectedLvs(machine: MachineView, text: string): ReadonlySet<string> {
  return new Set(
    selectedRows("lvs", machine, text).flatMap(({ view, lv }) =>
      view === undefined || lv === undefined ? [] : `${view.vg.name}/${lv.name}`,
    ),
  );
}

/** The names of the selected groups. One LV or physical volume that fits is enough. */
export function selectedGroups(machine: MachineView, text: string): ReadonlySet<string> {
  return new Set(selectedRows("vgs", machine, text).flatMap(({ view }) => view?.vg.name ?? []));
}

/** The paths of the selected physical volumes. */
export function selectedPvs(machine: MachineView, text: string): ReadonlySet<string> {
  return new Set(selectedRows("pvs", machine, text).flatMap(({ found }) => found?.path ?? []));
}

function selectedRows(
  tool: "lvs" | "vgs" | "pvs",
  machine: MachineView,
  text: string,
): ReportRow[] {
  const selection = parseSelection(tool, text);
  const kind = rowKindOf(tool, new Set(fieldsOf(selection).map(sourceOf)));
  if (kind === undefined) {
    const type = tool.slice(0, 2);
    throw new LvmExit(5, [
      `  Can't report LV and PV fields at the same time in report type "${type}".`,
    ]);
  }
  return makeRows(machine, kind, { all: true }).filter((row) => isSelected(selection, row));
}
