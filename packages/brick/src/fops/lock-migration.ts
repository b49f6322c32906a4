/**
 * A file moves to another brick with the locks that programs have on it: GETACTIVELK tells them,
 * with the identities of their clients; SETACTIVELK gives them to the same clients here. A client
 * that is not connected here yet has its locks given to whoever brings them.
 */
import { LOCK, LOCK_COMMAND, wireLength } from "@mortar/brick-services";
import { fops } from "@mortar/gluster";
import { Errno } from "../store/errno.ts";
import { declared, OK } from "./declared.ts";
import { slotOfGfid } from "./xattr.ts";

export const getactivelk = declared(fops.getactivelk, (brick, request, _call, client) => {
  const slot = slotOfGfid(brick, client, request.gfid);
  if (slot < 0) return -slot;
  const held = brick.locks.posix.held(brick.objects.table.words, 4 * slot);
  const locks = held.map((lock) => ({
    flock: {
      type: lock.type, whence: 0, start: { high: lock.startHigh, low: lock.startLow },
      length: wireLength(lock), pid: lock.pid, lockOwner: lock.owner,
    },
    clientUid: brick.locks.identityOf(lock.client), lockFlags: 0,
  }));
  return { ...OK, opRet: locks.length, locks };
});

export const setactivelk = declared(fops.setactivelk, (brick, request, _call, client) => {
  const slot = slotOfGfid(brick, client, request.gfid);
  if (slot < 0) return -slot;
  const { words } = brick.objects.table;
  const { posix } = brick.locks;
  // Locks that are here already would mix with those that come.
  if (request.locks.length === 0 || posix.any(words, 4 * slot)) return Errno.EINVAL;
  for (const { flock, clientUid } of request.locks) {
    const lock = {
      words, at: 4 * slot, client: brick.locks.clientOf(clientUid) ?? client.id,
      owner: flock.lockOwner.slice(), pid: flock.pid, command: LOCK_COMMAND.set, type: flock.type,
      startHigh: flock.start.high, startLow: flock.start.low,
      lengthHigh: flock.length.high, lengthLow: flock.length.low,
    };
    const nobody = {
      client, xid: 0, procedure: 0, results: new Uint8Array(0), sinceMs: 0,
    };
    const status = posix.request(lock, nobody);
    if (status !== LOCK.granted) return status > 0 ? status : Errno.EAGAIN;
  }
  return OK;
});
