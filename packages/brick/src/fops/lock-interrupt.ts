/**
 * A program that waits for a lock (F_SETLKW) got a signal: its client reads an attribute whose name
 * tells which wait is over.
 *
 *     glusterfs.intrlk.tposix.kblocked.WHENCE,START-LENGTH       decimal; length 0: to the end
 */
import { typed } from "@mortar/gluster";
import type { TypedValue } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import type { Call } from "../wire/call.ts";
import { refusedLock } from "./lock-reply.ts";

const NAME = /^glusterfs\.intrlk\.tposix\.kblocked\.(-?\d+),(\d+)-(\d+)$/;
const UNLOCK = 2;
const SET_WAIT = 7;

/** The answer, an errno, or undefined: it is another name. */
export function interruptLock(
  brick: Brick, client: Client, call: Call, slot: number, name: string,
): TypedValue | number | undefined {
  const found = NAME.exec(name);
  if (found === null) return undefined;
  const start = BigInt.asUintN(64, BigInt(found[2]!));
  const length = BigInt.asUintN(64, BigInt(found[3]!));
  const ended = brick.locks.posix.interrupt({
    words: brick.objects.table.words, at: 4 * slot, client: client.id, owner: call.owner(),
    pid: call.pid, command: SET_WAIT, type: UNLOCK,
    startHigh: Number(start >> 32n), startLow: Number(start & 0xffff_ffffn),
    lengthHigh: Number(length >> 32n), lengthLow: Number(length & 0xffff_ffffn),
  });
  if (ended === undefined) return Errno.EINVAL;
  brick.locks.giveUp(ended, refusedLock(Errno.EINTR));
  return typed.text(ended.length === 0
    ? "No locks cleared."
    : `${brick.spec.path}: posix blocked locks=${ended.length} granted locks=0`);
}
