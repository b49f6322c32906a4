/**
 * Texts are read far more often than they change, and that of a group with a thousand snapshots takes
 * tens of milliseconds to parse. A model is never changed in place, so one is handed to all.
 */
import type { VolumeGroup } from "./model.ts";
import { parseMetadataText, type MetadataText } from "./vg-parse.ts";
import { isVisible } from "./vg-query.ts";

const TEXTS_MAX = 8;

/** The last one used is the last. */
const recent = new Map<string, MetadataText>();

/** As `parseMetadataText`, whose errors are not kept. */
export function parseRecentText(text: string, device: string): MetadataText {
  const parsed = recent.get(text) ?? parseMetadataText(text, { device });
  remember(text, parsed);
  return parsed;
}

/**
 * What was just written need not be parsed when it is read again; and what is the same in the next
 * text need not be printed anew (vg-print.ts). `printed` is what the text was printed from.
 */
export function rememberText(text: string, printed: MetadataText): void {
  remember(text, { ...printed, vg: asRead(printed.vg) });
}

/** Logical volumes are in the order of the text: the visible ones first. */
export function asRead(vg: VolumeGroup): VolumeGroup {
  const visible = vg.logicalVolumes.filter(isVisible);
  const hidden = vg.logicalVolumes.filter((lv) => !isVisible(lv));
  return { ...vg, logicalVolumes: [...visible, ...hidden] };
}

function remember(text: string, parsed: MetadataText): void {
  recent.delete(text);
  recent.set(text, parsed);
  if (recent.size <= TEXTS_MAX) return;
  const [oldest = ""] = recent.keys();
  recent.delete(oldest);
}
