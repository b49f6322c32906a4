/** Below that a column of words is no better than lines that the terminal breaks. */
const WRAPPED_WIDTH_MIN = 20;

export interface TableOptions {
  /** Of the terminal: the last column is broken between words to fit. */
  readonly width?: number | undefined;
  /** What a cell looks like once it has its width: for colours, which take none. */
  readonly paint?: (cell: string, column: number) => string;
}

/** Columns of text: every cell padded to its column's widest, two blanks between. */
export function table(
  rows: readonly (readonly string[])[], { width, paint = (cell) => cell }: TableOptions = {},
): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  const indent = widths.slice(0, -1).reduce((sum, it) => sum + it + 2, 0);
  const room = width === undefined ? Infinity : Math.max(width - indent, WRAPPED_WIDTH_MIN);
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => {
        const isLast = column === widths.length - 1;
        const text = isLast ? wrapped(cell, room).join(`\n${" ".repeat(indent)}`) : cell;
        return paint(text.padEnd(widths[column] ?? 0), column);
      });
      return `${cells.join("  ").trimEnd()}\n`;
    })
    .join("");
}

/** Lines of at most so many letters, where words allow it. */
function wrapped(text: string, room: number): string[] {
  if (text.length <= room) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line.trimEnd());
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
