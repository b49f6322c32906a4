import { fops, numberOf } from "@mortar/gluster";
import type { Flock } from "@mortar/gluster";
import { LOCK, LOCK_COMMAND, LOCK_SHARED, wireLength } from "@mortar/brick-services";
import type { PosixLock } from "@mortar/brick-services";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import type { Call } from "../wire/call.ts";
import { OK, withoutEmptyXdata } from "./declared.ts";
import { PID_SELF_HEAL } from "./doubt.ts";
import { DONE, HELD } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { slotOfFd } from "./descriptors.ts";
import { refusedLock } from "./lock-reply.ts";
import type { Out } from "../wire/out.ts";

const ANONYMOUS = -2;
const LK_GET = 0;
const UNLOCK = 2;
/** In the request's dictionary: what the lock is to be. */
const LOCK_MODE = "glusterfs.lk.lkmode";
const MANDATORY = 1;
/** The domain in which AFR locks what it is about to change: its own name. */
const REPLICATE = /-replicate-\d+$/;

/** The slot of the object that a lock is on; the cursor stays at the start of the arguments. */
function slotOf(brick: Brick, client: Client, call: Call, hasFd: boolean): number {
  const start = call.at;
  const gfidAt = call.gfid();
  const number = hasFd ? call.i64() : ANONYMOUS;
  call.at = start;
  if (number === ANONYMOUS) return brick.objects.resolve(call.view, gfidAt);
  return slotOfFd(brick, client, call, gfidAt, number);
}

/** Where the gfid of the object is that a lock is on. One object serves all requests. */
const place: { words: Uint32Array; at: number } = { words: new Uint32Array(0), at: 0 };
const goneWords = new Uint32Array(4);

/**
 * Of internal locks: 0 or an errno. They outlive what they are on: a directory is locked, removed,
 * and unlocked.
 */
function findPlace(brick: Brick, client: Client, call: Call, hasFd: boolean): number {
  const slot = slotOf(brick, client, call, hasFd);
  if (slot >= 0) {
    place.words = brick.objects.table.words;
    place.at = 4 * slot;
    return 0;
  }
  if (slot !== -Errno.ESTALE) return -slot;
  for (let word = 0; word < 4; word++) {
    goneWords[word] = call.view.getUint32(call.at + 4 * word, false);
  }
  const { inode, entry } = brick.locks;
  if (!inode.any(goneWords, 0) && !entry.any(goneWords, 0)) return Errno.ESTALE;
  place.words = goneWords;
  place.at = 0;
  return 0;
}

/** DONE with the reply, HELD until it is granted, or an errno. */
function conclude(out: Out, status: number, results: Uint8Array): number {
  if (status === LOCK.waiting) return HELD;
  if (status !== LOCK.granted) return status;
  out.raw(results);
  return DONE;
}

function waiterOf(client: Client, call: Call, results: Uint8Array) {
  return { client, xid: call.xid, procedure: call.procedure, results, sinceMs: performance.now() };
}

function inodeLock(hasFd: boolean): Handler {
  const procedure = hasFd ? fops.finodelk : fops.inodelk;
  const results = withoutEmptyXdata(procedure.encodeReply(OK).slice());
  return (brick, client, call, out) => {
    const wrong = findPlace(brick, client, call, hasFd);
    const { command, type, flock, domain } = procedure.decodeRequest(call.rest());
    if (wrong !== 0) return wrong;
    if (call.pid === PID_SELF_HEAL) brick.catchingUp.goOn();
    const status = brick.locks.inode.request({
      words: place.words, at: place.at, domain, client: client.id,
      owner: call.owner(), pid: call.pid, type, command,
      startHigh: flock.start.high, startLow: flock.start.low,
      lengthHigh: flock.length.high, lengthLow: flock.length.low,
    }, waiterOf(client, call, results), performance.now());
    return conclude(out, status, results);
  };
}

function entryLock(hasFd: boolean): Handler {
  const procedure = hasFd ? fops.fentrylk : fops.entrylk;
  const results = withoutEmptyXdata(procedure.encodeReply(OK).slice());
  return (brick, client, call, out) => {
    const wrong = findPlace(brick, client, call, hasFd);
    const { command, type, nameLength, name, domain } = procedure.decodeRequest(call.rest());
    if (wrong !== 0) return wrong;
    if (call.pid === PID_SELF_HEAL) brick.catchingUp.goOn();
    if (!client.replicates && REPLICATE.test(domain)) {
      client.replicates = true;
      client.keepsCopies = true;
    }
    const status = brick.locks.entry.request({
      words: place.words, at: place.at, domain, client: client.id,
      owner: call.owner(), pid: call.pid, type, command,
      name: nameLength === 0 ? undefined : name.slice(),
    }, waiterOf(client, call, results), performance.now());
    return conclude(out, status, results);
  };
}

export const inodelk = inodeLock(false);
export const finodelk = inodeLock(true);
export const entrylk = entryLock(false);
export const fentrylk = entryLock(true);

/** Locks of programs. A file that is closed takes its owner's with it. */
export const lk: Handler = (brick, client, call, out) => {
  const slot = slotOf(brick, client, call, true);
  // The request's own dictionary is sent back.
  const { fd, command, type, flock, xdata } = fops.lk.decodeRequest(call.rest());
  if (slot < 0) return -slot;
  const { posix } = brick.locks;
  const descriptor = client.file(fd)?.id ?? 0;
  const request = {
    words: brick.objects.table.words, at: 4 * slot, client: client.id, owner: call.owner(),
    pid: flock.pid, command, type, descriptor,
    isMandatory: numberOf(xdata.get(LOCK_MODE)) === MANDATORY,
    startHigh: flock.start.high, startLow: flock.start.low,
    lengthHigh: flock.length.high, lengthLow: flock.length.low,
  };
  if (command === LK_GET) {
    const found = posix.find(request);
    if (found === undefined) return Errno.EINVAL;
    const answer = found === null ? { ...flock, type: UNLOCK } : flockOf(found);
    out.raw(withoutEmptyXdata(fops.lk.encodeReply({ ...OK, xdata, flock: answer })));
    return DONE;
  }
  const answer = (told: number): Uint8Array => withoutEmptyXdata(
    fops.lk.encodeReply({ ...OK, xdata, flock: { ...flock, type: told } }).slice(),
  );
  brick.locks.introduce(client);
  const isSet = command === LOCK_COMMAND.set || command === LOCK_COMMAND.setWait;
  if (isSet && type !== UNLOCK && brick.mandatory.isEnforced(slot)) {
    const ended = posix.preempt(request);
    if (ended === undefined) return Errno.EINVAL;
    brick.locks.giveUp(ended, refusedLock(Errno.EBUSY));
    return conclude(out, LOCK.granted, answer(type));
  }
  const status = posix.request(request, waiterOf(client, call, answer(type)));
  if (status !== LOCK.granted || type !== UNLOCK) return conclude(out, status, answer(type));
  // What tells a client that is an NFS server whether that was the descriptor's last one.
  const { words, at } = request;
  const isLast = !posix.some(words, at, (lock) => lock.descriptor === descriptor);
  return conclude(out, status, answer(isLast ? UNLOCK : LOCK_SHARED));
};

function flockOf(lock: PosixLock): Flock {
  return {
    type: lock.type, whence: 0, start: { high: lock.startHigh, low: lock.startLow },
    length: wireLength(lock), pid: lock.pid, lockOwner: lock.owner,
  };
}
