/**
 * PUT: a whole new file in one request. It gets its name when its content and attributes are
 * there, so that nobody ever sees a part of it.
 */
import { WANT } from "@mortar/brick-services";
import { fileIo } from "@mortar/linux";
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { slotOfRequest, takeGfidRequest } from "../store/new-object.ts";
import { addressAt, calls, scratch, VALUE } from "../store/scratch.ts";
import { learnStartTimes, touchParent } from "../store/times.ts";
import type { Call } from "../wire/call.ts";
import { Malformed } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import { Xdata } from "../wire/xdata.ts";
import { inherit, wantAt } from "./access-check.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { nameAddress, takeEntry } from "./names.ts";
import { isOwn } from "./xattr.ts";

const OBJECT = 0;
const BEFORE = 1;
const AFTER = 2;
const NAME = 0;
const S_IFREG = 0o100000;
const VALUE_BYTES_MAX = 65_536;
const PREFIXES = ["user.", "trusted.", "security.", "system."];
const attributes = new Xdata();
const io = fileIo();

export const put: Handler = (brick, client, call, out) => {
  const { objects, xdata } = brick;
  const parentAt = call.gfid();
  const nameAt = call.opaque();
  const mode = call.u32();
  call.skip(8);
  const offset = call.u64();
  const size = call.u32();
  attributes.begin(call);
  xdata.begin(call);
  if (size > call.remaining) throw new Malformed(`${size} bytes to write, ${call.remaining} came`);
  const parent = takeEntry(objects, call, parentAt, nameAt, NAME);
  if (parent < 0) return -parent;
  let status = objects.stat(parent, BEFORE);
  if (status < 0) return -status;
  if (!takeGfidRequest(call, xdata) || !Number.isSafeInteger(offset)) return Errno.EINVAL;
  if (brick.space.isFull && call.pid >= 0) return Errno.ENOSPC;
  const refused = wantAt(brick, call, parent, BEFORE, WANT.write | WANT.execute);
  if (refused !== 0) return refused;
  const object = inherit(brick, call, parent, BEFORE, (mode & 0o7777) | S_IFREG);
  const fd = brick.entries.createFile(
    parent, nameAddress(NAME), object, (file) => fill(call, file, size, offset),
  );
  if (fd < 0) return -fd;
  const slot = slotOfRequest(objects);
  if (call.timeFlags !== 0) learnStartTimes(objects, slot, call);
  status = objects.statFd(fd, OBJECT);
  calls.close(fd);
  if (status === 0) status = objects.stat(parent, AFTER);
  if (status < 0) return -status;
  objects.enterAtStat(OBJECT);
  brick.seenNames.note(client.id, objects, parent, NAME);
  brick.statistics.write(size);
  return reply(brick, call, out, slot, parent);
};

/** Data and attributes of a file that has no name yet; 0 or a negated errno. */
function fill(call: Call, fd: number, size: number, offset: number): number {
  for (let done = 0; done < size;) {
    const address = call.memory.address + call.at + done;
    const count = io.pwrite(fd, address, size - done, offset + done);
    if (count < 0) return count;
    done += count;
  }
  attributes.rewind();
  while (attributes.next()) {
    const key = attributes.key();
    if (isOwn(key)) return -Errno.EPERM;
    if (!PREFIXES.some((prefix) => key.startsWith(prefix))) return -Errno.EOPNOTSUPP;
    const { valueAt, valueLength, keyAt } = attributes;
    if (valueLength > VALUE_BYTES_MAX) return -Errno.ERANGE;
    scratch.bytes.set(call.memory.bytes.subarray(valueAt, valueAt + valueLength), VALUE);
    const name = call.memory.address + keyAt;
    const result = calls.fsetxattr(fd, name, addressAt(VALUE), valueLength, 0);
    if (result < 0) return result;
  }
  return 0;
}

function reply(
  brick: Brick, call: Call, out: Parameters<Handler>[3], slot: number, parent: number,
): number {
  const { objects } = brick;
  out.common(0);
  out.reserve(3 * IATT_BYTES);
  writeIatt(out, objects, slot, OBJECT);
  writeIatt(out, objects, parent, BEFORE);
  touchParent(objects, parent, call, AFTER);
  writeIatt(out, objects, parent, AFTER);
  return DONE;
}
