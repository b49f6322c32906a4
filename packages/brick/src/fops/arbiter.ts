/**
 * An arbiter brick has names and attributes, and no data: it tells which of two copies is right.
 * What changes data succeeds and changes nothing, what reads it is not served. The attributes that
 * it answers are those of an empty file; clients take sizes from the other bricks.
 */
import type { Brick } from "../brick.ts";
import type { Call } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import type { Out } from "../wire/out.ts";
import { DONE } from "./handler.ts";
import { answerWrite } from "./reply-xdata.ts";

/** Reads and seeks. */
const STAT = 0;

/** The reply of a change of `count` bytes: attributes twice. An errno, or DONE. */
export function pretendChange(
  brick: Brick, call: Call, out: Out, slot: number, count: number,
): number {
  const { objects } = brick;
  const status = objects.stat(slot, STAT);
  if (status < 0) return -status;
  out.i32(count);
  out.i32(0);
  answerWrite(brick, call, out, slot, true);
  out.reserve(2 * IATT_BYTES);
  writeIatt(out, objects, slot, STAT);
  writeIatt(out, objects, slot, STAT);
  return DONE;
}
