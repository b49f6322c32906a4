/**
 * Status lines of the thin targets.
 *
 *     thin-pool  TRANSACTION USED/TOTAL USED/TOTAL HELD-ROOT MODE DISCARDS WHEN-FULL CHECK LOW
 *                metadata, 4 KiB    data, chunks     rw | ro | out_of_data_space
 *     thin       MAPPED-SECTORS HIGHEST-MAPPED-SECTOR
 *
 * "Fail" or "Error" in the place of all that: the target lost its metadata. "-" is nothing. Words
 * after the known ones are of newer kernels, and ignored; older kernels leave out the last.
 */

export type ThinPoolMode = "rw" | "ro" | "out-of-data-space" | "fail";

export interface ThinPoolStatus {
  readonly mode: ThinPoolMode;
  readonly transactionId: number;
  /** Blocks of 4 KiB, the kernel's reserve included. */
  readonly metadataUsedBlocks: number;
  readonly metadataTotalBlocks: number;
  readonly dataUsedChunks: number;
  readonly dataTotalChunks: number;
  /** The block of the metadata snapshot; undefined without one. */
  readonly heldRoot: number | undefined;
  readonly needsCheck: boolean;
}

const FAILED: ThinPoolStatus = {
  mode: "fail",
  transactionId: 0,
  metadataUsedBlocks: 0,
  metadataTotalBlocks: 0,
  dataUsedChunks: 0,
  dataTotalChunks: 0,
  heldRoot: undefined,
  needsCheck: true,
};

const MODES: ReadonlyMap<string, ThinPoolMode> = new Map([
  ["rw", "rw"],
  ["ro", "ro"],
  ["out_of_data_space", "out-of-data-space"],
]);

/** Throws Error for a line that is none. */
export function parseThinPoolStatus(line: string): ThinPoolStatus {
  const words = line.trim().split(/\s+/);
  if (words[0] === "Fail" || words[0] === "Error") return FAILED;
  const numbers = /^(\d+) (\d+)\/(\d+) (\d+)\/(\d+) (\d+|-) (\w+)/.exec(line);
  const mode = MODES.get(numbers?.[7] ?? "");
  if (numbers === null || mode === undefined) {
    throw new Error(`no status of a thin pool: "${line}"`);
  }
  const at = (index: number) => Number(numbers[index]);
  return {
    mode,
    transactionId: at(1),
    metadataUsedBlocks: at(2),
    metadataTotalBlocks: at(3),
    dataUsedChunks: at(4),
    dataTotalChunks: at(5),
    heldRoot: numbers[6] === "-" ? undefined : at(6),
    needsCheck: words.includes("needs_check"),
  };
}

export interface ThinStatus {
  readonly mappedSectors: number;
  /** Undefined when nothing is mapped. */
  readonly highestMappedSector: number | undefined;
}

/** Undefined when the device has failed. */
export function parseThinStatus(line: string): ThinStatus | undefined {
  const [mapped = "", highest = ""] = line.trim().split(/\s+/);
  if (mapped === "Fail" || mapped === "Error") return undefined;
  if (!/^\d+$/.test(mapped) || !/^(\d+|-)$/.test(highest)) {
    throw new Error(`no status of a thin volume: "${line}"`);
  }
  return {
    mappedSectors: Number(mapped),
    highestMappedSector: highest === "-" ? undefined : Number(highest),
  };
}
