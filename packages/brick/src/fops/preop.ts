/**
 * A client that makes an entry by an outdated layout of its directory is told so: the request
 * names an attribute of the parent, and what it should be. Neither belongs to the new object.
 */
import type { Procedure } from "@mortar/gluster";
import { fops, NO_IATT, typed } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { addressAt, attributeName, scratch, VALUE, VALUE_BYTES } from "../store/scratch.ts";
import type { Call } from "../wire/call.ts";
import type { Out } from "../wire/out.ts";
import { XDATA } from "../wire/xdata.ts";

const xdata = new Map([["glusterfs.preop.check.failed", typed.int(1)]]);
const FAILED = { opRet: -1, opErrno: Errno.EIO, xdata } as const;
const PARENTS = { parentBefore: NO_IATT, parentAfter: NO_IATT } as const;

/** True: the layout is another by now. To be called after the dictionary was begun. */
export function isStaleLayout(brick: Brick, call: Call, parent: number): boolean {
  const asked = brick.xdata;
  if (asked.count < 2 || !asked.find(XDATA.preopParentKey)) return false;
  const name = asked.text();
  asked.rewind();
  while (asked.next()) {
    if (asked.id !== XDATA.other || asked.key() !== name) continue;
    asked.skippedKey = name;
    const address = attributeName(name);
    if (address === 0) return true;
    const length = brick.objects.getAttribute(parent, address, addressAt(VALUE), VALUE_BYTES);
    const { valueAt, valueLength } = asked;
    return length !== valueLength || Buffer.compare(
      scratch.bytes.subarray(VALUE, VALUE + length),
      call.memory.bytes.subarray(valueAt, valueAt + valueLength),
    ) !== 0;
  }
  return false;
}

/** The reply of a MKDIR, and of a CREATE. */
export function writeStaleMkdir(out: Out): void {
  writeReply(out, fops.mkdir, { ...FAILED, ...PARENTS, stat: NO_IATT });
}

export function writeStaleCreate(out: Out): void {
  writeReply(out, fops.create, { ...FAILED, ...PARENTS, stat: NO_IATT, fd: 0 });
}

function writeReply<Q, R>(out: Out, procedure: Procedure<Q, R>, value: R): void {
  out.raw(procedure.encodeReply(value));
}
