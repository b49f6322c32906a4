/** Where an LV has data, and where it differs from another, in runs of bytes. */
import type { ThinDevice } from "@mortar/thin";
import type { VolumeBody } from "./volume.ts";

/**
 * How many bytes from `offset` on, `lengthBytes` at most, are mapped (a positive number) or not
 * mapped (negated). The next run may be of the same kind.
 */
export function mappedRun(body: VolumeBody, offset: number, lengthBytes: number): number {
  const { thin, chunkBytes } = body;
  if (thin === undefined || chunkBytes === undefined) return lengthBytes;
  const chunk = Math.floor(offset / chunkBytes);
  const inChunk = offset - chunk * chunkBytes;
  const found = thin.lookupRun(chunk, Math.ceil((inChunk + lengthBytes) / chunkBytes));
  const run = Math.min(lengthBytes, found * chunkBytes - inChunk);
  return thin.runDataBlock < 0 ? -run : run;
}

/**
 * The same, positive where the mappings of the two LVs of one pool differ. Chunks that map to one
 * data block are the same for sure, for a shared block is never written. Others may happen to hold
 * the same bytes.
 */
export function changedRun(
  body: VolumeBody,
  base: VolumeBody,
  offset: number,
  lengthBytes: number,
): number {
  const { thin, chunkBytes } = body;
  if (thin === undefined || chunkBytes === undefined || base.thin === undefined) return lengthBytes;
  const chunk = Math.floor(offset / chunkBytes);
  const inChunk = offset - chunk * chunkBytes;
  const count = Math.ceil((inChunk + lengthBytes) / chunkBytes);
  const length = runOfBoth(thin, base.thin, chunk, count);
  const run = Math.min(lengthBytes, length * chunkBytes - inChunk);
  return thin.runDataBlock === base.thin.runDataBlock ? -run : run;
}

/** Each of the two maps consecutive blocks, or none, on the chunks that are counted. */
function runOfBoth(thin: ThinDevice, base: ThinDevice, chunk: number, count: number): number {
  return base.lookupRun(chunk, thin.lookupRun(chunk, count));
}
