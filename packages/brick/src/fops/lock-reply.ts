import { fops } from "@mortar/gluster";
import type { Flock } from "@mortar/gluster";
import { OK, withoutEmptyXdata } from "./declared.ts";

const UNLOCK = 2;
const NOBODY: Flock = {
  type: UNLOCK, whence: 0, start: { high: 0, low: 0 }, length: { high: 0, low: 0 }, pid: 0,
  lockOwner: new Uint8Array(0),
};

/** LK's results for who waited for a lock and does not get it. */
export function refusedLock(opErrno: number): Uint8Array {
  const results = fops.lk.encodeReply({ ...OK, opRet: -1, opErrno, flock: NOBODY });
  return withoutEmptyXdata(results.slice());
}
