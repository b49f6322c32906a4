/**
 * Locks of one file taken away on a brick of glusterfsd: by reading an attribute whose name says
 * which.
 *
 *     glusterfs.clrlk.t<inode|entry|posix>.k<blocked|granted|all>[.<0,START-LENGTH | NAME>]
 *
 * Its value has `blocked locks=N granted locks=N` in it, or says that there were none.
 */
import { join } from "node:path";
import type { ClearedLocks, LockChoice } from "@mortar/cluster";
import { fops } from "@mortar/gluster";
import { getXattr } from "@mortar/linux";
import { BrickError } from "../bricks/brick-error.ts";
import { type BrickPlace, withBrickSession } from "../bricks/brick-session.ts";

const GFID = "trusted.gfid";
const GFID_BYTES = 16;

/** Null: the brick, at `brickPath`, has no such file. Throws BrickError. */
export async function clearStockLocks(
  brick: BrickPlace, brickPath: string, locks: LockChoice,
): Promise<ClearedLocks | null> {
  const gfid = gfidOf(brickPath, locks.path);
  if (gfid === undefined) return null;
  const name = attributeOf(locks);
  let told = "";
  await withBrickSession(brick, async (call) => {
    const request = { gfid, nameLength: name.length, name, xdata: new Map() };
    const { opRet, opErrno, dictionary } = await call(fops.getxattr, request);
    if (opRet < 0) {
      const text = `The brick ${brick.name} did not clear locks of ${locks.path}: errno ${opErrno}`;
      throw new BrickError("refused", text);
    }
    told = [...dictionary.values()].map(({ value }) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : "").join(" ");
  });
  const found = /blocked locks=(\d+) granted locks=(\d+)/.exec(told);
  return { blocked: Number(found?.[1] ?? 0), granted: Number(found?.[2] ?? 0) };
}

function attributeOf({ which, kind, name, range }: LockChoice): Buffer {
  const part = kind === "entry" ? name : range && `0,${range.start}-${range.length}`;
  const more = part === undefined ? "" : `.${part}`;
  return Buffer.from(`glusterfs.clrlk.t${kind}.k${which}${more}`);
}

function gfidOf(brickPath: string, path: string): Uint8Array | undefined {
  const names = path.split("/");
  if (names.includes("..")) throw new RangeError(`${path} is not a path`);
  try {
    const gfid = getXattr(join(brickPath, ...names), GFID);
    return gfid?.length === GFID_BYTES ? gfid : undefined;
  } catch {
    return undefined;
  }
}
