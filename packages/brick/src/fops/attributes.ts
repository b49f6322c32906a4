import { chmodMode } from "@mortar/brick-services";
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { KNOWN } from "../store/inode-table.ts";
import { addressAt, calls, scratch, TIMES } from "../store/scratch.ts";
import {
  ACCESS, advanceTime, CHANGE, MODIFY, prepareTimes, setTime, storeTimes, touch,
} from "../store/times.ts";
import type { Call } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import type { Out } from "../wire/out.ts";
import { guard, wantAt, wantSetAttributes } from "./access-check.ts";
import { slotOfFd } from "./descriptors.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { answerXdata, TELLS } from "./reply-xdata.ts";

const BEFORE = 0;
const AFTER = 1;
const AT_SYMLINK_NOFOLLOW = 0x100;
const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;
const TWO_32 = 2 ** 32;

/** Which members of the iatt are to be set. */
const VALID = {
  mode: 1, uid: 2, gid: 4, size: 8, atime: 0x10, mtime: 0x20, ctime: 0x40, atimeNow: 0x80,
  mtimeNow: 0x100,
} as const;
const OMIT = 0xffff_ffff;

export const setattr: Handler = (brick, _client, call, out) => {
  const slot = brick.objects.resolve(call.view, call.gfid());
  return setAttributes(brick, call, out, slot, TELLS.size);
};

export const fsetattr: Handler = (brick, client, call, out) => {
  const gfidAt = call.gfid();
  const number = call.i64();
  return setAttributes(
    brick, call, out, slotOfFd(brick, client, call, gfidAt, number), TELLS.openFile,
  );
};

function setAttributes(
  brick: Brick, call: Call, out: Out, slot: number, tells: number,
): number {
  const { objects } = brick;
  const iattAt = call.skip(IATT_BYTES);
  const valid = call.i32();
  brick.xdata.begin(call);
  if (slot < 0) return -slot;
  let status = objects.stat(slot, BEFORE);
  if (status < 0) return -status;
  const refused = wantSetAttributes(
    brick, call, slot, BEFORE, valid, call.view.getUint32(iattAt + 132, false),
    call.view.getUint32(iattAt + 136, false), modeOf(call, iattAt),
  );
  if (refused !== 0) return refused;
  status = changeOwnerAndMode(brick, call, slot, iattAt, valid);
  if (status < 0) return -status;
  const times = valid & (VALID.atime | VALID.mtime | VALID.atimeNow | VALID.mtimeNow);
  if (times !== 0) status = changeTimes(brick, call, slot, iattAt, valid);
  if (status < 0) return -status;
  status = objects.stat(slot, AFTER);
  if (status < 0) return -status;
  out.i32(0);
  out.i32(0);
  answerXdata(brick, call, out, slot, AFTER, tells);
  out.reserve(2 * IATT_BYTES);
  writeIatt(out, objects, slot, BEFORE);
  touch(objects, slot, call, AFTER, -1);
  if (times !== 0) changeOwnTimes(brick, call, slot, iattAt, valid);
  writeIatt(out, objects, slot, AFTER);
  return DONE;
}

function modeOf(call: Call, iattAt: number): number {
  return call.view.getUint32(iattAt + 144, false) & 0o7777;
}

/** The owner first: changing it takes special bits away. */
function changeOwnerAndMode(
  brick: Brick, call: Call, slot: number, iattAt: number, valid: number,
): number {
  const { objects } = brick;
  const isDirectory = objects.isDirectory(slot);
  const fd = isDirectory ? objects.openDirectory(slot) : -1;
  const { glusterfsFd } = objects.directory;
  if ((valid & (VALID.uid | VALID.gid)) !== 0) {
    const uid = (valid & VALID.uid) === 0 ? OMIT : call.view.getUint32(iattAt + 132, false);
    const gid = (valid & VALID.gid) === 0 ? OMIT : call.view.getUint32(iattAt + 136, false);
    const status = isDirectory
      ? calls.fchown(fd, uid, gid)
      : calls.fchownat(glusterfsFd, objects.handle(slot, 0), uid, gid, AT_SYMLINK_NOFOLLOW);
    if (status < 0) return objects.gone(slot, status);
  }
  if ((valid & VALID.mode) !== 0) {
    // The kernel would follow the link.
    if (objects.table.has(slot, KNOWN.symlink)) return -Errno.EOPNOTSUPP;
    const mode = chmodMode(call, guard(brick, slot, BEFORE), modeOf(call, iattAt));
    const status = isDirectory
      ? calls.fchmod(fd, mode)
      : calls.fchmodat(glusterfsFd, objects.handle(slot, 0), mode, 0);
    if (status < 0) return objects.gone(slot, status);
  }
  return 0;
}

/** The times of the inode itself, for whoever looks at the brick. */
function changeTimes(
  brick: Brick, call: Call, slot: number, iattAt: number, valid: number,
): number {
  const { objects } = brick;
  putTime(TIMES, call, iattAt + 80, iattAt + 112, valid & VALID.atime, valid & VALID.atimeNow);
  putTime(
    TIMES + 16, call, iattAt + 88, iattAt + 116, valid & VALID.mtime, valid & VALID.mtimeNow,
  );
  if (objects.isDirectory(slot)) {
    return calls.futimens(objects.openDirectory(slot), addressAt(TIMES));
  }
  return objects.gone(slot, calls.utimensat(
    objects.directory.glusterfsFd, objects.handle(slot, 0), addressAt(TIMES), AT_SYMLINK_NOFOLLOW,
  ));
}

function putTime(
  at: number, call: Call, secondsAt: number, nanosecondsAt: number, isGiven: number, isNow: number,
): void {
  const { view } = scratch;
  view.setUint32(at, call.view.getUint32(secondsAt + 4, false), true);
  view.setUint32(at + 4, call.view.getUint32(secondsAt, false), true);
  const nanoseconds = call.view.getUint32(nanosecondsAt, false) % 1_000_000_000;
  const special = isNow !== 0 ? UTIME_NOW : UTIME_OMIT;
  view.setUint32(at + 8, isGiven !== 0 && isNow === 0 ? nanoseconds : special, true);
  view.setUint32(at + 12, 0, true);
}

/** And those that clients see. */
function changeOwnTimes(
  brick: Brick, call: Call, slot: number, iattAt: number, valid: number,
): void {
  const { objects } = brick;
  if (call.timeFlags === 0 && !objects.table.has(slot, KNOWN.times)) return;
  prepareTimes(objects, slot, AFTER);
  takeTime(brick, call, slot, ACCESS, iattAt + 80, valid & VALID.atime, valid & VALID.atimeNow);
  takeTime(brick, call, slot, MODIFY, iattAt + 88, valid & VALID.mtime, valid & VALID.mtimeNow);
  // Setting a time is a change, whether or not the request says so.
  advanceTime(objects, slot, CHANGE, call);
  storeTimes(objects, slot);
}

function takeTime(
  brick: Brick, call: Call, slot: number, index: number, at: number, isGiven: number,
  isNow: number,
): void {
  if (isNow !== 0) {
    setTime(brick.objects, slot, index, call.timeSeconds, call.timeNanoseconds);
  } else if (isGiven !== 0) {
    const seconds = call.view.getInt32(at, false) * TWO_32 + call.view.getUint32(at + 4, false);
    const nanosecondsAt = index === ACCESS ? at + 32 : at + 28;
    const nanoseconds = call.view.getUint32(nanosecondsAt, false);
    setTime(brick.objects, slot, index, seconds, nanoseconds);
  }
}

export const statfs: Handler = (brick, _client, call, out) => {
  const slot = brick.objects.resolve(call.view, call.gfid());
  if (slot < 0) return -slot;
  out.common(0);
  return -brick.space.write(out);
};

export const access: Handler = (brick, _client, call, out) => {
  const slot = brick.objects.resolve(call.view, call.gfid());
  const mask = call.u32();
  if (slot < 0) return -slot;
  const status = brick.objects.stat(slot, BEFORE);
  if (status < 0) return -status;
  const refused = wantAt(brick, call, slot, BEFORE, mask & 7);
  if (refused !== 0) return refused;
  out.common(0);
  return DONE;
};
