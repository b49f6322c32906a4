/**
 * Columns that LVM does not have: who owns how much of a thin pool. Exact, and kept by the pool's
 * server; empty while the pool is not active.
 */
import type { LvSpace } from "@mortar/vg";
import { fields, sectors, type ReportField, type ReportRow } from "./report-field.ts";

const SECTOR_BYTES = 512;

function ofSpace(bytes: (space: LvSpace) => number): ReportField["value"] {
  return ({ view, lv }: ReportRow, format) => {
    const space = lv && view?.states.get(lv.name)?.space;
    return sectors(space && bytes(space) / SECTOR_BYTES, format);
  };
}

export const spaceFields = fields([
  ["mortar_mapped", "Mapped", 0, "size", ofSpace((space) => space.mappedBytes)],
  ["mortar_exclusive", "Exclusive", 0, "size", ofSpace((space) => space.exclusiveBytes)],
  ["mortar_shared", "Shared", 0, "size", ofSpace((space) => space.sharedBytes)],
]);

const names = new Set(spaceFields.map(({ name }) => name));

export function isSpaceField({ name }: ReportField): boolean {
  return names.has(name);
}
