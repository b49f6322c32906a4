/**
 * An origin held still while the kernel takes its snapshot: requests under way are finished, later
 * ones wait, and the file system on it is frozen unless the caller has done so.
 */
import { suspendedWhile } from "@mortar/dm";
import type { LogicalVolume } from "@mortar/lvm2";
import { findMapped, readBlockState } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { VgError } from "./vg-error.ts";

const LIMIT_MS = 10_000;

/** One that is not active needs nothing. */
export async function suspended(
  host: VgHost,
  loaded: LoadedVg,
  origin: LogicalVolume,
  freeze: boolean,
  work: () => Promise<void>,
): Promise<void> {
  const device = findMapped(readBlockState(), loaded, origin);
  if (device === undefined) {
    await work();
    return;
  }
  const name = `${loaded.vg.name}/${origin.name}`;
  let begun = false;
  try {
    const { heldThroughout } = await suspendedWhile(
      device.uuid,
      { limitMs: LIMIT_MS, freeze },
      async () => {
        begun = true;
        host.step("origin-held");
        await work();
      },
    );
    if (heldThroughout) return;
    host.warn(`WARNING: ${name} was resumed before the snapshot of it was complete.`);
  } catch (error) {
    if (begun) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const sentence = `Failed to suspend logical volume ${name}: ${reason}`;
    throw new VgError("device-failed", sentence, { cause: error });
  }
}
