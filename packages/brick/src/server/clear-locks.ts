/**
 * `volume clear-locks`: an operator takes locks away whose holders do not give them back. Who waits for
 * one of them is told to try again.
 */
import { join } from "node:path";
import { type LockRange, setRange } from "@mortar/brick-services";
import { fops } from "@mortar/gluster";
import { getXattr } from "@mortar/linux";
import type { Brick } from "../brick.ts";
import { OK, withoutEmptyXdata } from "../fops/declared.ts";
import { refusedLock } from "../fops/lock-reply.ts";
import { Errno } from "../store/errno.ts";

export interface ClearedLocks {
  readonly blocked: number;
  readonly granted: number;
}

interface Choice {
  readonly path: string;
  readonly which: "blocked" | "granted" | "all";
  readonly kind: "inode" | "entry" | "posix";
  readonly name?: string;
  readonly range?: { readonly start: number; readonly length: number };
}

const GFID = "trusted.gfid";
const TWO_32 = 0x1_0000_0000;
const AGAIN = { ...OK, opRet: -1, opErrno: Errno.EAGAIN };

/** Null: the brick has no such file. Throws RangeError for what is no choice of locks. */
export function clearLocks(brick: Brick, asked: unknown, nowMs: number): ClearedLocks | null {
  const choice = checked(asked);
  const slot = slotOfPath(brick, choice.path);
  if (slot < 0) return null;
  const { words } = brick.objects.table;
  const range = rangeOf(choice);
  const name = choice.name === undefined ? undefined : Buffer.from(choice.name);
  const { which, kind } = choice;
  const { locks } = brick;
  const isInRange = (lock: LockRange): boolean => range === undefined || sameRange(lock, range);
  const cleared = kind === "posix"
    ? locks.posix.clear(words, 4 * slot, { which, isMeant: isInRange })
    : kind === "inode"
      ? locks.inode.clear(words, 4 * slot, { which, isMeant: isInRange }, nowMs)
      : locks.entry.clear(words, 4 * slot, {
          which,
          isMeant: (lock) => name === undefined || name.equals(lock.name ?? Buffer.alloc(0)),
        }, nowMs);
  const answer = kind === "posix" ? refusedLock(Errno.EAGAIN) : commonReply();
  locks.giveUp(cleared.ended, answer);
  return { blocked: cleared.ended.length, granted: cleared.granted };
}

function commonReply(): Uint8Array {
  return withoutEmptyXdata(fops.inodelk.encodeReply(AGAIN).slice());
}

function sameRange(lock: LockRange, range: LockRange): boolean {
  return lock.startHigh === range.startHigh && lock.startLow === range.startLow &&
    lock.endHigh === range.endHigh && lock.endLow === range.endLow;
}

/** Negative: there is none. */
function slotOfPath(brick: Brick, path: string): number {
  const names = path.split("/").filter((it) => it !== "");
  if (names.some((it) => it === "." || it === "..")) throw new RangeError(`${path} is not a path`);
  let gfid: Uint8Array | undefined;
  try {
    gfid = getXattr(join(brick.spec.path, ...names), GFID);
  } catch {
    return -1;
  }
  if (gfid?.length !== 16) return -1;
  return brick.objects.resolve(new DataView(gfid.buffer, gfid.byteOffset, 16), 0);
}

function rangeOf({ range }: Choice): LockRange | undefined {
  if (range === undefined) return undefined;
  const found: LockRange = { startHigh: 0, startLow: 0, endHigh: 0, endLow: 0 };
  const halves = (value: number): [number, number] => [Math.floor(value / TWO_32), value % TWO_32];
  if (setRange(found, ...halves(range.start), ...halves(range.length))) return found;
  throw new RangeError("the range is beyond the end of files");
}

function checked(asked: unknown): Choice {
  const { path, which, kind, name, range } = (asked ?? {}) as Partial<Choice>;
  const isPosition = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
  const isChoice =
    typeof path === "string" && path.startsWith("/") && !path.includes("\0") &&
    ["blocked", "granted", "all"].includes(String(which)) &&
    ["inode", "entry", "posix"].includes(String(kind)) &&
    (name === undefined || typeof name === "string") &&
    (range === undefined || (isPosition(range.start) && isPosition(range.length)));
  if (isChoice) return asked as Choice;
  throw new RangeError("locks is not a choice of locks");
}

