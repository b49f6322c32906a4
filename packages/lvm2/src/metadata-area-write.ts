/**
 * Committing a text to metadata areas, in the three steps of LVM:
 *
 *   1. `stageText`         the text, in the free part of the buffer of every area
 *   2. `precommitText`     every header names it as precommitted
 *   3. `commitStagedText`  every header names it as committed
 *
 * Each step is durable when it returns, and is done on all areas before the next begins. A crash
 * before the first commit leaves the old text everywhere; after it, the highest seqno wins.
 */

import type { PvDevice } from "./device.ts";
import { Lvm2Error } from "./errors.ts";
import type { Area } from "./label.ts";
import { checksum, SECTOR } from "./label.ts";
import type { MetadataArea, TextLocation } from "./metadata-area.ts";
import {
  AREA_CHECKSUM_START,
  AREA_MAGIC,
  AREA_VERSION,
  areaHeader,
  circularPieces,
  IGNORED,
  nextTextOffset,
  rawLocation,
  textSizeMax,
} from "./metadata-area.ts";

/** An area as it was last read or committed. */
export interface CommitTarget {
  readonly device: PvDevice;
  readonly area: MetadataArea;
}

export interface StagedText extends CommitTarget {
  readonly location: TextLocation;
}

/** Write the text where it harms nothing. Throws `metadata-too-large` or `metadata-area-full`. */
export function stageText(target: CommitTarget, text: string): StagedText {
  const { device, area } = target;
  const encoded = new TextEncoder().encode(`${text}\0`);
  const most = textSizeMax(area.sizeBytes);
  if (encoded.length > most) {
    throw new Lvm2Error(
      "metadata-too-large",
      `VG metadata too large for metadata area on ${device.name}: ` +
        `${encoded.length} bytes, at most ${most} fit.`,
      { device: device.name },
    );
  }
  const location: TextLocation = {
    offset: nextTextOffset(area.sizeBytes, area.committed),
    sizeBytes: encoded.length,
    checksum: checksum(encoded, 0, encoded.length),
  };
  const padded = new Uint8Array(Math.ceil(encoded.length / SECTOR) * SECTOR);
  padded.set(encoded);
  const pieces = circularPieces(area.sizeBytes, location.offset, padded.length);
  requireNoOverlap(target, pieces);
  let at = 0;
  for (const piece of pieces) {
    device.write(area.offset + piece.offset, padded.subarray(at, at + piece.lengthBytes));
    at += piece.lengthBytes;
  }
  device.flush();
  return { device, area, location };
}

function requireNoOverlap(
  { device, area }: CommitTarget,
  pieces: readonly { readonly offset: number; readonly lengthBytes: number }[],
): void {
  if (!area.committed) return;
  const { offset, sizeBytes } = area.committed;
  const kept = circularPieces(area.sizeBytes, offset, sizeBytes);
  const clash = pieces.some((piece) =>
    kept.some(
      (old) =>
        piece.offset < old.offset + old.lengthBytes &&
        old.offset < piece.offset + piece.lengthBytes,
    ),
  );
  if (!clash) return;
  throw new Lvm2Error(
    "metadata-area-full",
    `VG metadata does not fit beside the committed one in the metadata area on ${device.name}.`,
    { device: device.name },
  );
}

export function precommitText(staged: StagedText): void {
  writeHeader(staged.device, { ...staged.area, precommitted: staged.location });
}

/** The area as it is now; the next commit starts from it. */
export function commitStagedText(staged: StagedText): MetadataArea {
  const area = { ...staged.area, committed: staged.location, precommitted: undefined };
  writeHeader(staged.device, area);
  return area;
}

/** Forget a precommitted text: the committed one stays. */
export function revertText(target: CommitTarget): MetadataArea {
  const area = { ...target.area, precommitted: undefined };
  writeHeader(target.device, area);
  return area;
}

/** vgremove and vgreduce: the area belongs to no group any more. */
export function clearText(target: CommitTarget): MetadataArea {
  const area = { ...target.area, committed: undefined, precommitted: undefined };
  writeHeader(target.device, area);
  return area;
}

/**
 * All three steps over all areas, ignored ones left out. If a step before the first commit fails
 * the areas are put back and the error goes on. Returns the areas in the order given.
 */
export function commitText(targets: readonly CommitTarget[], text: string): MetadataArea[] {
  const live = targets.filter((target) => !target.area.ignored);
  if (live.length === 0) {
    throw new Lvm2Error("bad-metadata-area", "No usable metadata area to write to.");
  }
  const staged = live.map((target) => stageText(target, text));
  const precommitted: StagedText[] = [];
  try {
    for (const step of staged) {
      precommitted.push(step);
      precommitText(step);
    }
  } catch (error) {
    for (const step of precommitted) revertQuietly(step);
    throw error;
  }
  const committed = new Map<CommitTarget, MetadataArea>();
  for (const [index, step] of staged.entries()) committed.set(live[index]!, commitStagedText(step));
  return targets.map((target) => committed.get(target) ?? target.area);
}

/** A device that cannot be written keeps a precommitted text, which readers pass over. */
function revertQuietly(step: StagedText): void {
  try {
    revertText(step);
  } catch {
    // The error that made us revert is the one to report.
  }
}

/** A header without any text, for a new physical volume. */
export function writeEmptyArea(device: PvDevice, area: Area): void {
  writeHeader(device, { ...area, ignored: false, committed: undefined, precommitted: undefined });
}

function writeHeader(device: PvDevice, area: MetadataArea): void {
  const data = new Uint8Array(SECTOR);
  const view = new DataView(data.buffer);
  areaHeader.encode(view, 0, {
    checksum: 0,
    magic: AREA_MAGIC,
    version: AREA_VERSION,
    start: area.offset,
    sizeBytes: area.sizeBytes,
  });
  const flags = area.ignored ? IGNORED : 0;
  let base = areaHeader.size;
  for (const where of [area.committed, area.precommitted]) {
    if (where) rawLocation.encode(view, base, { ...where, flags });
    else if (base === areaHeader.size) rawLocation.field.flags.set(view, base, flags);
    base += rawLocation.size;
  }
  areaHeader.field.checksum.set(view, 0, checksum(data, AREA_CHECKSUM_START, SECTOR));
  device.write(area.offset, data);
  device.flush();
}
