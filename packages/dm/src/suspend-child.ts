/**
 * The process that holds a device suspended, and resumes it: linux's held-by-child.ts says when.
 *
 *     node suspend-child.js UUID freeze|still LIMIT-MS
 */
import { holdAsChild } from "@mortar/linux";
import { DeviceMapper } from "./device-mapper.ts";

const [uuid = "", how = "", limit = ""] = process.argv.slice(2);
const dm = DeviceMapper.open();
await holdAsChild(
  Number(limit),
  async () => await dm.suspend({ uuid }, { skipLockFs: how === "still" }),
  async () => {
    const wasHeld = (await dm.info({ uuid }))?.suspended === true;
    if (wasHeld) await dm.resume({ uuid }, { hidden: false });
    return wasHeld;
  },
);
