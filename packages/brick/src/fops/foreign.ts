/**
 * A file that was put into the brick behind the server's back has no gfid; it gets the one that a
 * client proposes in its lookup.
 */
import { constants } from "node:fs";
import { O_CLOEXEC } from "@mortar/linux";
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { linkDirectoryHandle } from "../store/handles.ts";
import {
  addressAt, ATTRIBUTE_NAME, calls, GFID, nameAt, S_IFDIR, S_IFREG, statAt, statx,
} from "../store/scratch.ts";

const XATTR_CREATE = 1;

/** The gfid is in scratch GFID, the attributes are at `stat`. The slot or a negated errno. */
export function adoptForeign(brick: Brick, parent: number, name: number, stat: number): number {
  const { objects } = brick;
  const kind = statx.kind(statAt(stat));
  if (kind !== S_IFREG && kind !== S_IFDIR) return -Errno.ENODATA;
  const address = addressAt(nameAt(name));
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | O_CLOEXEC;
  const fd = objects.openChild(objects.fd(parent), address, flags);
  if (fd < 0) return fd;
  const result = calls.fsetxattr(fd, ATTRIBUTE_NAME.gfid, addressAt(GFID), 16, XATTR_CREATE);
  calls.close(fd);
  if (result < 0) return result;
  const slot = objects.enterAtStat(stat);
  if (kind === S_IFDIR) linkDirectoryHandle(objects, slot, parent, address);
  return slot;
}
