/**
 * Counters in extended attributes, by which replicas note what their siblings have missed. All keys
 * of a request are one step: nobody runs in between.
 */
import { isZero, XATTROP, xattrop as combine, xattropLength } from "@mortar/brick-services";
import { fops, NO_IATT, typed } from "@mortar/gluster";
import type { TypedDictionary, TypedValue } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { addressAt, attributeName, scratch, VALUE } from "../store/scratch.ts";
import { declared, OK } from "./declared.ts";
import { slotOfGfid } from "./xattr.ts";

const OPERAND_BYTES_MAX = 4096;
const KEY_PREFIX = "trusted.";

/** The reply's dictionary, or an errno. */
function perform(
  brick: Brick, slot: number, flags: number, dictionary: TypedDictionary,
): TypedDictionary | number {
  const answers = new Map<string, TypedValue>();
  for (const [key, value] of dictionary) {
    if (!key.startsWith(KEY_PREFIX) || !(value.value instanceof Uint8Array)) return Errno.EINVAL;
    const operand = value.value;
    if (operand.length > OPERAND_BYTES_MAX) return Errno.EINVAL;
    const answer = performOne(brick, slot, flags, key, operand);
    if (typeof answer === "number") return answer;
    if (answer !== undefined) answers.set(key, typed.bytes(answer));
  }
  return answers;
}

function performOne(
  brick: Brick, slot: number, flags: number, key: string, operand: Uint8Array,
): Uint8Array | number | undefined {
  const { objects } = brick;
  const name = attributeName(key);
  if (name === 0) return Errno.ERANGE;
  const old = objects.getAttribute(slot, name, addressAt(VALUE), OPERAND_BYTES_MAX);
  if (old < 0 && old !== -Errno.ENODATA) return -old;
  const target = new Uint8Array(Math.max(xattropLength(flags, operand.length), old));
  target.set(scratch.bytes.subarray(VALUE, VALUE + Math.max(old, 0)));
  const status = combine(flags, operand, target, old < 0 ? -1 : old);
  if (status > 0) return status;
  if (status === XATTROP.unchanged) return target;
  const stored = status === XATTROP.store ? target : operand;
  if (status === XATTROP.store && old < 0 && isZero(target, target.length)) return target;
  scratch.bytes.set(stored, VALUE);
  const result = objects.setAttribute(slot, name, addressAt(VALUE), stored.length, 0);
  if (result < 0) return -result;
  return status === XATTROP.storeOperandSilently ? undefined : target;
}

function reply(brick: Brick, slot: number, flags: number, dictionary: TypedDictionary) {
  if (slot < 0) return -slot;
  const answers = perform(brick, slot, flags, dictionary);
  if (typeof answers === "number") return answers;
  return { ...OK, dictionary: answers, before: NO_IATT, after: NO_IATT };
}

export const xattrop = declared(fops.xattrop, (brick, request, _call, client) =>
  reply(brick, slotOfGfid(brick, client, request.gfid), request.flags, request.dictionary));

export const fxattrop = declared(fops.fxattrop, (brick, request, _call, client) =>
  reply(
    brick, slotOfGfid(brick, client, request.gfid, request.fd), request.flags, request.dictionary,
  ));
