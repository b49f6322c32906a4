/** The thread of one restore: a client of the snapshot, and one of the live volume. */
import { parentPort, workerData } from "node:worker_threads";
import { type GfapiPlace, GfapiVolume, GfapiWriter, LinuxError } from "@mortar/linux";
import { BrowseError } from "./browse-error.ts";
import type { BrowseRefusal, FileRestored } from "./browse-messages.ts";
import { restoreTree } from "./restore-tree.ts";

export interface RestoreOrder {
  readonly from: GfapiPlace;
  readonly into: GfapiPlace;
  readonly gfid: Uint8Array;
  readonly to: string;
  readonly replace: boolean;
  readonly dryRun: boolean;
  readonly mark: string;
}

export type RestoreOutcome =
  | { readonly ok: true; readonly result: FileRestored }
  | { readonly ok: false; readonly refusal: BrowseRefusal };

const EIO = 5;

function perform({ from, into, ...order }: RestoreOrder): FileRestored {
  const source = new GfapiVolume(from);
  try {
    const target = new GfapiWriter(into);
    try {
      return restoreTree({ ...order, source, target });
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}

function outcome(order: RestoreOrder): RestoreOutcome {
  try {
    return { ok: true, result: perform(order) };
  } catch (error) {
    const isKnown = error instanceof BrowseError || error instanceof LinuxError;
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, refusal: { errno: isKnown ? error.errno : EIO, message } };
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
parentPort!.postMessage(outcome(workerData as RestoreOrder));
parentPort!.close();
