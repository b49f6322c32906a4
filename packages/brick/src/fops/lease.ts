import { fops } from "@mortar/gluster";
import { Errno } from "../store/errno.ts";
import { declared, OK } from "./declared.ts";
import { slotOfGfid } from "./xattr.ts";

const ANONYMOUS = -2;

/** A lease is had only while nobody else has the file open in a way that it excludes. */
export const lease = declared(fops.lease, (brick, request, _call, client) => {
  if (!brick.leases.isActive) return Errno.ENOSYS;
  const slot = slotOfGfid(brick, client, request.gfid, ANONYMOUS);
  if (slot < 0) return -slot;
  if (brick.objects.isDirectory(slot)) return Errno.EISDIR;
  const type = brick.leases.command(client, slot, request.lease, performance.now());
  if (type < 0) return -type;
  return { ...OK, lease: { ...request.lease, type } };
});

const UPCALL = 2;

/** A client's cache says which attributes it wants to hear of; it hears of all, if of any. */
export const ipc = declared(fops.ipc, (_brick, request) =>
  request.op === UPCALL ? OK : Errno.EOPNOTSUPP);
