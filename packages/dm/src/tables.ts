/**
 * The lines of tables that a volume group needs, in the words of the kernel's targets
 * (Documentation/admin-guide/device-mapper: linear, thin-provisioning).
 *
 *     linear     DEVICE OFFSET
 *     striped    COUNT UNIT-SECTORS DEVICE OFFSET DEVICE OFFSET …
 *     thin-pool  METADATA DATA BLOCK-SECTORS LOW-WATER-BLOCKS COUNT [feature …]
 *     thin       POOL ID
 *
 * Devices are numbers, "253:2": a number needs no node under /dev.
 */
import type { Target } from "./request.ts";

export interface StripeStart {
  readonly deviceNumber: string;
  readonly offsetSectors: number;
}

/** One run of a device; with `striped` the first of several stripes that take turns. */
export interface LinearRun extends StripeStart {
  /** Of all stripes together. */
  readonly lengthSectors: number;
  readonly striped?: { readonly unitSectors: number; readonly more: readonly StripeStart[] };
}

/** Runs one after the other. */
export function linearTable(runs: readonly LinearRun[]): Target[] {
  let startSectors = 0;
  return runs.map((run) => {
    const { lengthSectors, striped } = run;
    const starts = [run, ...(striped?.more ?? [])]
      .map(({ deviceNumber, offsetSectors }) => `${deviceNumber} ${offsetSectors}`)
      .join(" ");
    const target: Target =
      striped === undefined
        ? { startSectors, lengthSectors, type: "linear", parameters: starts }
        : {
            startSectors,
            lengthSectors,
            type: "striped",
            parameters: `${striped.more.length + 1} ${striped.unitSectors} ${starts}`,
          };
    startSectors += lengthSectors;
    return target;
  });
}

export interface ThinPoolTarget {
  readonly metadata: string;
  readonly data: string;
  readonly lengthSectors: number;
  readonly chunkSectors: number;
  /** An event tells when fewer chunks are free; 0: never. */
  readonly lowWaterChunks: number;
  readonly zeroNewBlocks: boolean;
  readonly discards: "ignore" | "nopassdown" | "passdown";
  readonly errorWhenFull: boolean;
}

export function thinPoolTable(pool: ThinPoolTarget): Target[] {
  const features: string[] = [];
  if (!pool.zeroNewBlocks) features.push("skip_block_zeroing");
  if (pool.discards === "ignore") features.push("ignore_discard");
  if (pool.discards === "nopassdown") features.push("no_discard_passdown");
  if (pool.errorWhenFull) features.push("error_if_no_space");
  const { metadata, data, lengthSectors, chunkSectors, lowWaterChunks } = pool;
  const words = [metadata, data, chunkSectors, lowWaterChunks, features.length, ...features];
  return [{ startSectors: 0, lengthSectors, type: "thin-pool", parameters: words.join(" ") }];
}

export function thinTable(pool: string, deviceId: number, lengthSectors: number): Target[] {
  return [{ startSectors: 0, lengthSectors, type: "thin", parameters: `${pool} ${deviceId}` }];
}

/** The kernel prints a table with a blank after the last word where a list is empty. */
export function sameTable(one: readonly Target[], other: readonly Target[]): boolean {
  return (
    one.length === other.length &&
    one.every((target, index) => {
      const against = other[index];
      return (
        against !== undefined &&
        target.type === against.type &&
        target.startSectors === against.startSectors &&
        target.lengthSectors === against.lengthSectors &&
        target.parameters.trim() === against.parameters.trim()
      );
    })
  );
}
