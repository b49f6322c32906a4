/** One difference of two trees. */
import type { GfapiStat } from "@mortar/linux";
import type { FileKind } from "./browse-messages.ts";
import { kindOf } from "./snapshot-reader.ts";

/**
 * `content`: size or time of modification is another one. `times`: only the time of change is: times
 * were set, or something was done and undone.
 */
export type ChangedPart = "content" | "mode" | "owner" | "links" | "device" | "xattr" | "times";

export interface TreeChange {
  readonly change: "added" | "removed" | "modified" | "renamed";
  /** In the later tree; of what was removed, in the earlier one. One character a byte. */
  readonly path: string;
  readonly formerPath?: string;
  readonly kind: FileKind;
  /** Of what was modified or renamed. */
  readonly parts: readonly ChangedPart[];
  /** 0 of what is no file. */
  readonly sizeBytes: number;
  readonly formerSizeBytes?: number;
}

export function sizeOf(stat: GfapiStat): number {
  return kindOf(stat) === "file" ? stat.size : 0;
}
