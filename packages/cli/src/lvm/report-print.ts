/** A finished table, as text. Every line begins with two blanks, as all that LVM prints does. */
import type { Cell, ReportField, ReportFormat, ReportRow } from "./report-field.ts";
import type { SortKey } from "./report-columns.ts";

export interface PrintChoices {
  readonly headings: boolean;
  /** Pad the cells to the width of their column. */
  readonly aligned: boolean;
  readonly separator: string;
  /** A line for each column instead of one for each row. */
  readonly transposed: boolean;
  /** LVM2_LV_NAME='x' */
  readonly namePrefixes: boolean;
  readonly quoted: boolean;
}

export function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

export function sortRows(
  rows: readonly ReportRow[],
  keys: readonly SortKey[],
  format: ReportFormat,
): ReportRow[] {
  const keyed = rows.map((row) => ({
    row,
    cells: keys.map(({ field }) => field.value(row, format)),
  }));
  keyed.sort((a, b) => {
    for (const [index, { descending }] of keys.entries()) {
      const order = compareCells(a.cells[index] ?? "", b.cells[index] ?? "");
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  });
  return keyed.map(({ row }) => row);
}

/** Numbers by value, texts by their bytes. Brackets around a hidden name do not count. */
function compareCells(a: Cell, b: Cell): number {
  if (typeof a === "object" && typeof b === "object") return a.sort - b.sort;
  const [left, right] = [bare(textOf(a)), bare(textOf(b))];
  return left < right ? -1 : left > right ? 1 : 0;
}

function bare(text: string): string {
  return text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
}

export function printTable(
  columns: readonly ReportField[],
  rows: readonly ReportRow[],
  format: ReportFormat,
  choices: PrintChoices,
): string {
  if (rows.length === 0) return "";
  const cells = rows.map((row) =>
    columns.map((field) => cellText(field, textOf(field.value(row, format)), choices)),
  );
  const headings = columns.map((field) => field.heading);
  const lines = choices.headings ? [headings, ...cells] : cells;
  if (choices.transposed) return transposed(lines, choices);
  if (!choices.aligned || choices.namePrefixes) {
    return lines.map((line) => `  ${line.join(choices.separator)}\n`).join("");
  }
  const widths = columns.map((field, index) =>
    Math.max(field.width, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  return lines
    .map((line, lineIndex) => {
      const isHeading = choices.headings && lineIndex === 0;
      const padded = line.map((text, index) => {
        const width = widths[index] ?? 0;
        const field = columns[index];
        return !isHeading && field !== undefined && alignsRight(field)
          ? text.padStart(width)
          : text.padEnd(width);
      });
      return `  ${padded.join(choices.separator)}\n`;
    })
    .join("");
}

function alignsRight({ kind }: ReportField): boolean {
  return kind === "number" || kind === "size" || kind === "yes-or-no";
}

function transposed(lines: readonly (readonly string[])[], choices: PrintChoices): string {
  const [first] = lines;
  return (first ?? [])
    .map((_, index) => `  ${lines.map((line) => line[index]).join(choices.separator)}\n`)
    .join("");
}

function cellText(field: ReportField, text: string, choices: PrintChoices): string {
  if (!choices.namePrefixes) return text;
  const quote = choices.quoted ? "'" : "";
  return `LVM2_${field.name.toUpperCase()}=${quote}${text}${quote}`;
}

/** `--reportformat json`: every value is a string. */
export function printJson(
  kind: string,
  columns: readonly ReportField[],
  rows: readonly ReportRow[],
  format: ReportFormat,
): string {
  const objects = rows.map((row) => {
    const items = columns.map((field) => {
      return `${JSON.stringify(field.name)}:${JSON.stringify(textOf(field.value(row, format)))}`;
    });
    return `                  {${items.join(", ")}}`;
  });
  const lines = [
    "  {",
    '      "report": [',
    "          {",
    `              "${kind}": [`,
    ...(objects.length === 0 ? [] : [objects.join(",\n")]),
    "              ]",
    "          }",
    "      ]",
    "  }",
  ];
  return `${lines.join("\n")}\n`;
}
