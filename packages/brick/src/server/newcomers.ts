/** What a client says of itself when it comes: which process it is, which directory it mounts. */
import type { Brick } from "../brick.ts";
import { isHidden } from "../fops/names.ts";
import { nameAt, NAME_BYTES_MAX, S_IFDIR, scratch, statAt, statx } from "../store/scratch.ts";
import type { Newcomer } from "./handshake.ts";

const NAME = 0;
const STAT = 0;
const GFID_BYTES = 16;
const ROOT = new DataView(new ArrayBuffer(GFID_BYTES));
ROOT.setUint32(12, 1, false);
const wholeScratch = Buffer.from(scratch.bytes.buffer);

/**
 * The same for all connections of one client process to this brick, one after the other:
 * `…-PC_NAME:v-client-0-RECON_NO:-3` without the number, from one address. A client has one of them
 * at a time, so an older one is dead, even if its end was not heard yet.
 */
export function connectionKey(newcomer: Newcomer): string | undefined {
  const at = newcomer.identity.lastIndexOf("-RECON_NO:");
  return at < 0 ? undefined : `${newcomer.applicant.address} ${newcomer.identity.slice(0, at)}`;
}

/** The gfid of a path's directory; it is followed one name at a time and through no link. */
export function findDirectory(brick: Brick, path: string): Uint8Array | undefined {
  const { objects } = brick;
  let slot = objects.resolveDirectory(ROOT, 0);
  for (const part of path.split("/")) {
    if (slot < 0) return undefined;
    if (part === "") continue;
    if (!takeName(part) || isHidden(objects, slot, NAME)) return undefined;
    if (objects.statChild(slot, NAME, STAT) < 0) return undefined;
    if (statx.kind(statAt(STAT)) !== S_IFDIR) return undefined;
    slot = objects.slotOfChild(slot, NAME, STAT);
    if (slot >= 0) {
      const fd = objects.openDirectory(slot);
      if (fd < 0) return undefined;
    }
  }
  if (slot < 0) return undefined;
  const gfid = new Uint8Array(GFID_BYTES);
  const view = new DataView(gfid.buffer);
  const { words } = objects.table;
  for (let word = 0; word < 4; word++) view.setUint32(4 * word, words[4 * slot + word]!, false);
  return gfid;
}

function takeName(part: string): boolean {
  const length = Buffer.byteLength(part);
  if (length > NAME_BYTES_MAX || part === "." || part === ".." || part.includes("\0")) return false;
  wholeScratch.write(part, nameAt(NAME));
  scratch.bytes[nameAt(NAME) + length] = 0;
  return true;
}
