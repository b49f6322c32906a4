/** All that a physical volume says of itself and of its group. */

import type { PvDevice } from "./device.ts";
import { Lvm2Error } from "./errors.ts";
import type { Label } from "./label.ts";
import { readLabel } from "./label-read.ts";
import type { MetadataArea } from "./metadata-area.ts";
import { readMetadataArea, readText } from "./metadata-area-read.ts";
import { parseRecentText } from "./recent-texts.ts";
import type { MetadataText } from "./vg-parse.ts";

export interface PvContents {
  readonly label: Label;
  /** The areas whose header is sound; pass them to `commitText`. */
  readonly areas: readonly MetadataArea[];
  /** The committed text with the highest seqno among them; undefined when they hold none. */
  readonly metadata: MetadataText | undefined;
  /**
   * What was found damaged. No `metadata` and no defects: the PV is free, or keeps no metadata.
   * No `metadata` but defects: it may belong to a group, and must not be overwritten lightly.
   */
  readonly defects: readonly Lvm2Error[];
}

/** Undefined when the device carries no label. Throws `bad-label` when the label is damaged. */
export function readPhysicalVolume(device: PvDevice): PvContents | undefined {
  const label = readLabel(device);
  if (!label) return undefined;
  const areas: MetadataArea[] = [];
  const defects: Lvm2Error[] = [];
  let metadata: MetadataText | undefined;
  const attempt = (read: () => void): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Lvm2Error)) throw error;
      defects.push(error);
    }
  };
  for (const place of label.metadataAreas) {
    attempt(() => {
      const area = readMetadataArea(device, place);
      areas.push(area);
      if (area.ignored || !area.committed) return;
      const found = parseRecentText(readText(device, area, area.committed), device.name);
      if (!metadata || found.vg.seqno > metadata.vg.seqno) metadata = found;
    });
  }
  return { label, areas, metadata, defects };
}
