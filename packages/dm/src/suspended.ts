/**
 * Running something while a device lets no request through. A device left suspended hangs whoever
 * uses it, so a child process holds it (suspend-child.ts) and resumes it in every case.
 */
import { fileURLToPath } from "node:url";
import { heldByChild, type HeldResult } from "@mortar/linux";
import { DeviceMapper } from "./device-mapper.ts";

export interface SuspendedOptions {
  /** The longest it may stay suspended. */
  readonly limitMs: number;
  /** Freeze the file system that is mounted from it first; not when it is frozen already: EBUSY. */
  readonly freeze: boolean;
}

/** Throws without running `work` when it cannot be suspended. */
export async function suspendedWhile<T>(
  uuid: string,
  { limitMs, freeze }: SuspendedOptions,
  work: () => Promise<T>,
): Promise<HeldResult<T>> {
  const hold = {
    subject: uuid,
    program: fileURLToPath(new URL("./suspend-child.js", import.meta.url)),
    words: [uuid, freeze ? "freeze" : "still"],
    limitMs,
    release: async () => await resumeIfSuspended(uuid),
  };
  return await heldByChild(hold, work);
}

async function resumeIfSuspended(uuid: string): Promise<void> {
  const dm = DeviceMapper.open();
  try {
    if ((await dm.info({ uuid }))?.suspended === true) await dm.resume({ uuid }, { hidden: false });
  } finally {
    dm.close();
  }
}
