/**
 * Healing makes an object that may be here, under another name: it has been moved, or has got a name
 * more, while this brick was away. The gfid is in scratch GFID; ESTALE when it is not here.
 */
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { KNOWN } from "../store/inode-table.ts";
import { GFID, scratch } from "../store/scratch.ts";
import { nameAddress } from "./names.ts";

const STAT = 0;
const PLACE = 3;
/** Where scratch name `OLD_NAME` is of the place that a directory leaves. */
const OLD_NAME = 2;

/** A file gets one name more. Its slot, or a negated errno. */
export function linkKnown(brick: Brick, parent: number, name: number): number {
  const { objects } = brick;
  const slot = objects.resolve(scratch.view, GFID);
  if (slot < 0) return slot;
  const opened = objects.openDirectory(parent);
  if (opened < 0) return opened;
  const open = objects.table.has(slot, KNOWN.unlinked) ? brick.openOf(slot) : undefined;
  const result = open === undefined
    ? brick.entries.link(slot, parent, nameAddress(name))
    : brick.entries.linkUnlinked(slot, parent, nameAddress(name), open);
  return result < 0 ? result : slot;
}

/**
 * A directory has one place, and leaves the one where it is. AFR moves it itself, by way of a
 * directory of its own. Disperse does not: it asks for the directory at its new place, and would
 * wait for good for the old one to go, which goes with all that is in it when it is there. (glusterfsd
 * makes a second directory with the gfid of the first.) The slot, or a negated errno.
 */
export function moveKnown(brick: Brick, parent: number, name: number): number {
  const { objects } = brick;
  const slot = objects.resolve(scratch.view, GFID);
  if (slot < 0) return slot;
  if (!objects.isDirectory(slot) || objects.table.isRoot(slot)) return -Errno.EEXIST;
  const oldParent = objects.placeOf(slot, OLD_NAME);
  // Opening one may have closed the other.
  const opened = oldParent < 0 ? oldParent : objects.openDirectory(parent);
  if (opened < 0) return opened;
  if (objects.statChild(parent, name, STAT) === 0) return -Errno.EEXIST;
  if (objects.statChild(oldParent, OLD_NAME, PLACE) < 0) return -Errno.EEXIST;
  if (objects.slotOfChild(oldParent, OLD_NAME, PLACE) !== slot) return -Errno.EEXIST;
  const result = brick.entries.rename(
    oldParent, nameAddress(OLD_NAME), parent, nameAddress(name), slot, -1, undefined,
  );
  return result < 0 ? result : slot;
}
