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

function perform(
  { from, into, ...order }: RestoreOrder, opened: { close(): void }[],
): FileRestored {
  const source = new GfapiVolume(from);
  opened.push(source);
  const target = new GfapiWriter(into);
  opened.push(target);
  return restoreTree({ ...order, source, target });
}

function outcome(order: RestoreOrder, opened: { close(): void }[]): RestoreOutcome {
  try {
    return { ok: true, result: perform(order, opened) };
  } catch (error) {
    const isKnown = error instanceof BrowseError || error instanceof LinuxError;
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, refusal: { errno: isKnown ? error.errno : EIO, message } };
  }
}

const opened: { close(): void }[] = [];
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
parentPort!.postMessage(outcome(workerData as RestoreOrder, opened));
// What was brought back is there. To leave, the library often takes ten seconds a client, which nobody has to wait for.
for (const client of opened.toReversed()) client.close();
parentPort!.close();
