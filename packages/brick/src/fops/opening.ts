import { constants } from "node:fs";
import { WANT } from "@mortar/brick-services";
import { O_CLOEXEC } from "@mortar/linux";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { TOP } from "../services/top-counts.ts";
import { Errno } from "../store/errno.ts";
import { slotOfRequest, takeGfidRequest } from "../store/new-object.ts";
import { addressAt, calls, DOT } from "../store/scratch.ts";
import { learnStartTimes, touch, touchParent } from "../store/times.ts";
import type { Call } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import type { Out } from "../wire/out.ts";
import { inherit, wantAt, wantOf, wantOpen } from "./access-check.ts";
import { refuseOpen } from "./descriptors.ts";
import { doubtName } from "./doubt.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { openIndex } from "./index-fops.ts";
import { nameAddress, takeEntry } from "./names.ts";
import { isStaleLayout, writeStaleCreate } from "./preop.ts";
import { addEcho, answerLocks, asksLocks } from "./reply-xdata.ts";

/** Size and counts of a dictionary, before its pairs. */
const DICTIONARY_HEAD = 12;
const OBJECT = 0;
const BEFORE = 1;
const AFTER = 2;
const NAME = 0;
const CHANGE = WANT.write | WANT.execute;
const S_IFREG = 0o100000;
const O_ACCMODE = 3;
/**
 * What of a client's flags is given to open(2). O_DIRECT is a matter of the client's cache; with
 * O_SYNC and O_DSYNC a write would wait for the disk: a worker flushes behind it instead.
 */
const OPEN_FLAGS = O_ACCMODE | constants.O_APPEND | constants.O_TRUNC;
const ALWAYS = constants.O_NOFOLLOW | constants.O_NONBLOCK;

export const open: Handler = (brick, client, call, out) => {
  const { objects } = brick;
  const slot = objects.resolve(call.view, call.gfid());
  const flags = call.u32();
  if (slot < 0) return -slot;
  // glusterfsd opens it; but a client that reads it so is told nothing that it understands.
  if (objects.isDirectory(slot)) return Errno.EISDIR;
  const refused = wantOpen(brick, call, slot, flags);
  if (refused !== 0) return refused;
  const number = openFile(brick, client, slot, flags);
  if (number < 0) return -number;
  if ((flags & constants.O_TRUNC) !== 0 && objects.stat(slot, OBJECT) === 0) {
    touch(objects, slot, call, OBJECT, -1);
  }
  out.common(0);
  out.u64(number);
  return DONE;
};

/** The number for the client, or a negated errno. */
function openFile(brick: Brick, client: Client, slot: number, flags: number): number {
  const { objects } = brick;
  const wrong = refuseOpen(brick, slot);
  if (wrong !== 0) return -wrong;
  const fd = objects.openHandle(slot, (flags & OPEN_FLAGS) | ALWAYS);
  if (fd < 0) return fd;
  brick.top.opened(slot);
  const file = brick.openFiles.open(objects.table.words, 4 * slot, fd, flags, false);
  brick.leases.opened(file);
  return client.add(file);
}

export const opendir: Handler = (brick, client, call, out) => {
  const { objects } = brick;
  const args = call.at;
  const slot = objects.resolveDirectory(call.view, call.gfid());
  brick.xdata.begin(call);
  if (slot === -Errno.ESTALE) return openIndex(brick, client, call, out, args);
  if (slot < 0) return -slot;
  const refused = wantOf(brick, call, slot, WANT.read);
  if (refused !== 0) return refused;
  // A descriptor of its own: it has a position.
  const fd = calls.openat(
    objects.fd(slot), addressAt(DOT), constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC, 0,
  );
  if (fd < 0) return -fd;
  const file = brick.openFiles.open(objects.table.words, 4 * slot, fd, 0, true);
  brick.top.count(TOP.opendir, slot);
  out.i32(0);
  out.i32(0);
  answerLocks(brick, call, out, slot);
  out.u64(client.add(file));
  return DONE;
};

export const release: Handler = (brick, client, call, out) => {
  call.gfid();
  const file = client.remove(call.i64());
  if (file === undefined) return Errno.EBADF;
  brick.closeFile(file);
  out.common(0);
  return DONE;
};

export const create: Handler = (brick, client, call, out) => {
  const { objects, xdata } = brick;
  const parentAt = call.gfid();
  const flags = call.u32();
  const mode = call.u32();
  call.u32();
  const nameAt = call.opaque();
  const xdataAt = call.at;
  xdata.begin(call);
  const xdataEnd = call.at;
  const parent = takeEntry(objects, call, parentAt, nameAt, NAME);
  if (parent < 0) return -parent;
  let status = objects.stat(parent, BEFORE);
  if (status < 0) return -status;
  if (isStaleLayout(brick, call, parent)) {
    writeStaleCreate(out);
    return DONE;
  }
  if (!takeGfidRequest(call, xdata)) return Errno.EINVAL;
  if (brick.space.isFull && call.pid >= 0) return Errno.ENOSPC;
  const refused = wantAt(brick, call, parent, BEFORE, CHANGE);
  if (refused !== 0) return refused;
  const object = inherit(brick, call, parent, BEFORE, (mode & 0o7777) | S_IFREG);
  let fd = brick.entries.createFile(parent, nameAddress(NAME), object);
  let number: number;
  let slot: number;
  if (fd >= 0) {
    slot = slotOfRequest(objects);
    if (call.timeFlags !== 0) learnStartTimes(objects, slot, call);
    fd = withFlags(brick, slot, fd, flags);
    if (fd < 0) return -fd;
    brick.top.created();
    const file = brick.openFiles.open(objects.table.words, 4 * slot, fd, flags, false);
    brick.leases.opened(file);
    number = client.add(file);
    brick.seenNames.note(client.id, objects, parent, NAME);
    status = objects.statFd(fd, OBJECT);
    objects.enterAtStat(OBJECT);
  } else {
    if (fd !== -Errno.EEXIST) return -fd;
    if ((flags & constants.O_EXCL) !== 0) {
      doubtName(brick, client, call, parent, NAME);
      return -fd;
    }
    status = objects.statChild(parent, NAME, OBJECT);
    // It was the gfid that is there already.
    if (status === -Errno.ENOENT) return Errno.EEXIST;
    slot = status < 0 ? status : objects.slotOfChild(parent, NAME, OBJECT);
    if (slot < 0) return -slot;
    if (objects.isDirectory(slot)) return Errno.EISDIR;
    const closed = wantOpen(brick, call, slot, flags);
    if (closed !== 0) return closed;
    number = openFile(brick, client, slot, flags);
    if (number < 0) return -number;
    status = objects.stat(slot, OBJECT);
  }
  if (status === 0) status = objects.stat(parent, AFTER);
  if (status < 0) return -status;
  writeEcho(brick, call, out, slot, xdataAt, xdataEnd);
  return writeCreated(brick, call, out, slot, parent, number);
};

/**
 * op_ret, op_errno, and the request's own dictionary, as glusterfsd sends it back.
 */
function writeEcho(
  brick: Brick, call: Call, out: Out, slot: number, xdataAt: number, xdataEnd: number,
): void {
  const from = xdataAt + DICTIONARY_HEAD;
  const length = xdataEnd - from;
  out.reserve(length + 2 * DICTIONARY_HEAD);
  out.i32(0);
  out.i32(0);
  const start = out.beginDictionary();
  if (asksLocks(brick.xdata)) {
    out.endDictionary(start, addEcho(brick, call, out, slot));
    return;
  }
  out.copy(call.memory.bytes, from, length);
  out.endDictionary(start, brick.xdata.count);
}

function writeCreated(
  brick: Brick, call: Call, out: Out, slot: number, parent: number, number: number,
): number {
  const { objects } = brick;
  out.reserve(3 * IATT_BYTES + 8);
  writeIatt(out, objects, slot, OBJECT);
  out.u64(number);
  writeIatt(out, objects, parent, BEFORE);
  touchParent(objects, parent, call, AFTER);
  writeIatt(out, objects, parent, AFTER);
  return DONE;
}

/** A new file is open for reading and writing; what else is wanted takes another descriptor. */
function withFlags(brick: Brick, slot: number, fd: number, flags: number): number {
  if ((flags & constants.O_APPEND) === 0) return fd;
  calls.close(fd);
  return brick.objects.openHandle(slot, (flags & OPEN_FLAGS & ~constants.O_TRUNC) | ALWAYS);
}
