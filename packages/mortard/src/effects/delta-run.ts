/**
 * One run of `mortar pool delta --json`: a line. A reader that was ended leaves a line that is cut
 * off; whoever reads the lines takes one that is no run as the end of what can be believed.
 */

export interface DeltaLine {
  readonly kind: "same" | "different" | "left_only" | "right_only";
  /** In chunks of the pool. */
  readonly begin: number;
  readonly length: number;
}

const kinds: ReadonlySet<unknown> = new Set(["same", "different", "left_only", "right_only"]);
/** Virtual blocks have 64 bits; offsets of them in bytes must stay exact. */
const BLOCK_MAX = 2 ** 40;

export function isDeltaLine(line: string): boolean {
  return line.startsWith("{\"kind\"");
}

/** Undefined: it is cut off, or says what no pool can hold. */
export function deltaLineOf(line: string): DeltaLine | undefined {
  let told: Partial<DeltaLine> | null;
  try {
    told = JSON.parse(line.replace(/,$/, "")) as Partial<DeltaLine> | null;
  } catch {
    return undefined;
  }
  const { kind, begin, length } = told ?? {};
  if (kind === undefined || !kinds.has(kind) || !isCount(begin) || !isCount(length)) return undefined;
  return length > 0 && begin + length <= BLOCK_MAX ? { kind, begin, length } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The pool's chunk in sectors, of the line that tells it. */
export function chunkSectorsOf(line: string): number | undefined {
  const [, sectors] = /"dataBlockSectors":(\d{1,10}),/.exec(line) ?? [];
  return sectors === undefined ? undefined : Number(sectors);
}
