/** Whether a line of a report passes a selection. */
import { textOf } from "./report-print.ts";
import type { Cell, ReportField, ReportFormat, ReportRow } from "./report-field.ts";
import type { SelectionValue } from "./selection-value.ts";

export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~";

export type Selection =
  | { readonly kind: "everything" }
  | { readonly kind: "not"; readonly operand: Selection }
  | { readonly kind: "all" | "any"; readonly operands: readonly Selection[] }
  | {
      readonly kind: "comparison";
      readonly field: ReportField;
      readonly comparison: Comparison;
      readonly value: SelectionValue;
    };

/** Yes-or-no values as digits, sizes wherever they have a number. */
const FORMAT: ReportFormat = { size: String, binary: true };

export function isSelected(selection: Selection, row: ReportRow): boolean {
  switch (selection.kind) {
    case "everything":
      return true;
    case "not":
      return !isSelected(selection.operand, row);
    case "all":
      return selection.operands.every((operand) => isSelected(operand, row));
    case "any":
      return selection.operands.some((operand) => isSelected(operand, row));
    default: {
      const { field, comparison, value } = selection;
      return compare(field, field.value(row, FORMAT), comparison, value);
    }
  }
}

/** The columns that a selection speaks of. */
export function fieldsOf(selection: Selection): ReportField[] {
  if (selection.kind === "comparison") return [selection.field];
  if (selection.kind === "not") return fieldsOf(selection.operand);
  return selection.kind === "everything" ? [] : selection.operands.flatMap(fieldsOf);
}

function compare(
  field: ReportField,
  cell: Cell,
  comparison: Comparison,
  value: SelectionValue,
): boolean {
  switch (value.kind) {
    case "string":
      return (bare(textOf(cell)) === value.text) === (comparison === "=");
    case "regex":
      return value.regex.test(bare(textOf(cell))) === (comparison === "=~");
    case "list":
      return isListed(textOf(cell), value) === (comparison === "=");
    case "word":
      return (textOf(cell) === value.text) === (comparison === "=");
    case "time":
      return typeof cell === "object" && compareTime(cell.sort, comparison, value.range);
    default:
      return compareNumber(field, numberOf(field, cell), comparison, value.number);
  }
}

/** Brackets mark what users do not see; they are no part of the name. */
function bare(text: string): string {
  return text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
}

function isListed(text: string, value: SelectionValue & { kind: "list" }): boolean {
  const items = text.split(/[, ]/).filter((item) => item !== "");
  const isThere = (item: string) => items.includes(item);
  if (value.mode === "any") return value.items.some(isThere);
  if (!value.items.every(isThere)) return false;
  return value.mode === "all" || items.length === new Set(value.items).size;
}

/** Undefined for what is not known. A percentage counts as it is printed. */
function numberOf(field: ReportField, cell: Cell): number | undefined {
  if (typeof cell === "object" && field.kind !== "percent") {
    return cell.sort === -1 ? undefined : cell.sort;
  }
  const text = textOf(cell);
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** What is not known is equal only to itself, and neither more nor less than anything. */
function compareNumber(
  field: ReportField,
  left: number | undefined,
  comparison: Comparison,
  right: number | undefined,
): boolean {
  if (left === undefined && field.kind === "percent") return false;
  if (comparison === "=") return left === right;
  if (comparison === "!=") return left !== right;
  if (left === undefined || right === undefined) return false;
  if (comparison === ">") return left > right;
  if (comparison === ">=") return left >= right;
  return comparison === "<" ? left < right : left <= right;
}

/** A time is after a range when it is after its end, and before it when before its begin. */
function compareTime(
  time: number,
  comparison: Comparison,
  { begin, end }: { readonly begin: number; readonly end: number },
): boolean {
  switch (comparison) {
    case ">":
      return time > end;
    case ">=":
      return time >= begin;
    case "<":
      return time < begin;
    case "<=":
      return time <= end;
    default:
      return (time >= begin && time <= end) === (comparison === "=");
  }
}
