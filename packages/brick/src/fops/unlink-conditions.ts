import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { addressAt, cString, statAt, statx, VALUE } from "../store/scratch.ts";
import { XDATA } from "../wire/xdata.ts";

const LINKTO = cString("trusted.glusterfs.dht.linkto");
const OBJECT = 0;
const LINKTO_MODE = 0o1000;

/** Conditions that an UNLINK carries: 0, or the errno of the first that is not met. */
export function refuseUnlink(brick: Brick, slot: number, isOpen: boolean): number {
  const { xdata } = brick;
  xdata.rewind();
  while (xdata.next()) {
    if (xdata.id === XDATA.onlyIfLinkto && !isLinkto(brick, slot)) return Errno.EBUSY;
    if (xdata.id === XDATA.keepIfOpen && isOpen) return Errno.EBUSY;
  }
  return 0;
}

/** A pointer to another brick: mode exactly sticky, and the attribute that says where. */
function isLinkto(brick: Brick, slot: number): boolean {
  if (slot < 0 || (statx.mode(statAt(OBJECT)) & 0o7777) !== LINKTO_MODE) return false;
  return brick.objects.getAttribute(slot, LINKTO, addressAt(VALUE), 4096) > 0;
}
