/**
 * Texts are read far more often than they change, and that of a group with a thousand snapshots takes
 * tens of milliseconds to parse. A model is never changed in place, so one is handed to all.
 */
import { parseMetadataText, type MetadataText } from "./vg-parse.ts";

const TEXTS_MAX = 8;

/** The last one used is the last. */
const recent = new Map<string, MetadataText>();

/** As `parseMetadataText`, whose errors are not kept. */
export function parseRecentText(text: string, device: string): MetadataText {
  const parsed = recent.get(text) ?? parseMetadataText(text, { device });
  recent.delete(text);
  recent.set(text, parsed);
  if (recent.size > TEXTS_MAX) {
    const [oldest = ""] = recent.keys();
    recent.delete(oldest);
  }
  return parsed;
}
