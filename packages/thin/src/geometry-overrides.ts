/** What a dump, a restore or a repair may be told to write instead of what it found. */
import { requireDataBlockSectors } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";

export interface GeometryOverrides {
  readonly transactionId?: number | undefined;
  readonly dataBlockSectors?: number | undefined;
  readonly dataBlockCount?: number | undefined;
}

const DATA_BLOCKS_MAX = 2 ** 40;

/** Throws "invalid-argument". */
export function requireOverrides(overrides: GeometryOverrides): void {
  const { transactionId, dataBlockSectors, dataBlockCount } = overrides;
  if (dataBlockSectors !== undefined) requireDataBlockSectors(dataBlockSectors, "invalid-argument");
  requireInteger("a transaction id", transactionId, Number.MAX_SAFE_INTEGER);
  requireInteger("a number of data blocks", dataBlockCount, DATA_BLOCKS_MAX);
}

function requireInteger(what: string, value: number | undefined, max: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0 && value <= max)) return;
  throw new ThinError("invalid-argument", `${what} is 0 to ${max}, which ${value} is not`);
}
