/** Makes two runs of the same command comparable: whatever differs from run to run has a name. */

export interface Normalising {
  /** Replaced in this order, before anything else: this run's names by those of the recording. */
  readonly names: readonly (readonly [ours: string, recorded: string])[];
  /** Percentages of LVM's columns are compared, too. */
  readonly exactPercentages: boolean;
  /** Columns are as wide as the widest entry on the machine: blanks count as one. */
  readonly looseColumns: boolean;
}

const changing: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "UUID"],
  [/\b[0-9a-f]{32}/g, "HEX"],
  [/\b[A-Za-z0-9]{6}(?:-[A-Za-z0-9]{4}){5}-[A-Za-z0-9]{6}\b/g, "LVM-UUID"],
  [/_GMT-\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d/g, "_GMT-TIME"],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+\d{4}/g, "TIME"],
  [/\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d\b/g, "DATE"],
];

const percentage = /\b\d{1,3}\.\d\d(?=\s|$)/g;

export function normalised(lines: readonly string[], how: Normalising): string[] {
  return lines.map((line) => {
    let text = line;
    for (const [ours, recorded] of how.names) text = text.replaceAll(ours, recorded);
    for (const [pattern, name] of changing) text = text.replaceAll(pattern, name);
    if (!how.exactPercentages) text = text.replaceAll(percentage, "N.NN");
    if (how.looseColumns) text = text.replaceAll(/ +/g, " ").trimEnd();
    return text;
  });
}

/** Lines that differ, as a diff would show them; empty when there are none. */
export function differences(ours: readonly string[], recorded: readonly string[]): string[] {
  const lines: string[] = [];
  for (let index = 0; index < Math.max(ours.length, recorded.length); index += 1) {
    if (ours[index] === recorded[index]) continue;
    if (recorded[index] !== undefined) lines.push(`- ${recorded[index]}`);
    if (ours[index] !== undefined) lines.push(`+ ${ours[index]}`);
  }
  return lines;
}
