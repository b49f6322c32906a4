/**
 * Counters in extended attributes, by which replicas note what their siblings have missed. All keys
 * of a request are one step: nobody runs in between. What is pending is noted in the index first,
 * see HealIndex.
 *
 * The reply has xdata before the results, but tells of the object as it is after: so the results
 * are collected aside.
 */
import { isZero, XATTROP, XATTROP_FLAG, xattrop as combine, xattropLength } from
  "@mortar/brick-services";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import { gfidText } from "../store/handle-path.ts";
import { KNOWN } from "../store/inode-table.ts";
import { addressAt, scratch, VALUE } from "../store/scratch.ts";
import type { Call } from "../wire/call.ts";
import { IATT_BYTES } from "../wire/iatt.ts";
import { Out } from "../wire/out.ts";
import { VALUE as TYPE, Xdata, XDATA } from "../wire/xdata.ts";
import { slotOfFd } from "./descriptors.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { answerXdata, TELLS } from "./reply-xdata.ts";
import { isOwn } from "./xattr.ts";

const OPERAND_BYTES_MAX = 4096;
const KEY_PREFIX = "trusted.";
const STAT = 0;
const TARGET = VALUE + 8192;
const operands = new Xdata();
const results = new Out(16_384);

export const xattrop: Handler = (brick, client, call, out) => {
  client.keepsCopies = true;
  const slot = brick.objects.resolve(call.view, call.gfid());
  return perform(brick, call, out, slot, TELLS.size);
};

export const fxattrop: Handler = (brick, client, call, out) => {
  client.keepsCopies = true;
  return perform(brick, call, out, takeFd(brick, client, call), TELLS.openFile);
};

function takeFd(brick: Brick, client: Client, call: Call): number {
  const gfidAt = call.gfid();
  return slotOfFd(brick, client, call, gfidAt, call.i64());
}

function perform(brick: Brick, call: Call, out: Out, slot: number, tells: number): number {
  const flags = call.u32();
  operands.begin(call);
  brick.xdata.begin(call);
  if (slot < 0) return -slot;
  const isIndexed = flags === XATTROP_FLAG.addArray || flags === XATTROP_FLAG.addArray64;
  const wrong = prepare(brick, call, slot, isIndexed);
  if (wrong !== 0) return wrong;
  results.at = 0;
  let count = 0;
  operands.rewind();
  while (operands.next()) {
    const added = performOne(brick, call, slot, flags);
    if (added < 0) return -added;
    count += added;
  }
  if (isIndexed) conclude(brick, slot);
  const status = brick.objects.stat(slot, STAT);
  if (status < 0) return -status;
  out.i32(0);
  out.i32(0);
  answerXdata(brick, call, out, slot, STAT, tells);
  out.reserve(results.at + 12 + 2 * IATT_BYTES);
  const start = out.beginDictionary();
  out.copy(results.bytes, 0, results.at);
  out.endDictionary(start, count);
  out.zeros(2 * IATT_BYTES);
  return DONE;
}

/** Operands are checked, and what they make pending is in the index. 0 or an errno. */
function prepare(brick: Brick, call: Call, slot: number, isIndexed: boolean): number {
  const { decision } = brick.index;
  decision.reset();
  operands.rewind();
  while (operands.next()) {
    const key = operands.key();
    if (!key.startsWith(KEY_PREFIX) || isOwn(key)) return Errno.EINVAL;
    if (operands.type !== TYPE.bytes && operands.type !== TYPE.text) return Errno.EINVAL;
    if (operands.valueLength > OPERAND_BYTES_MAX) return Errno.EINVAL;
    if (isIndexed) decision.operand(key, operandOf(call));
  }
  if (!isIndexed) return 0;
  const linked = brick.index.before(slot);
  if (linked < 0) return -linked;
  const { xdata } = brick;
  if (xdata.count === 0 || !xdata.find(XDATA.entryCreate)) return 0;
  return -brick.index.directory.addEntry(gfidTextOf(brick, slot), xdata.text());
}

function operandOf(call: Call): Uint8Array {
  const { valueAt, valueLength } = operands;
  return call.memory.bytes.subarray(valueAt, valueAt + valueLength);
}

/** How many pairs of results were written; a negated errno. */
function performOne(brick: Brick, call: Call, slot: number, flags: number): number {
  const { objects } = brick;
  const name = call.memory.address + operands.keyAt;
  const operand = operandOf(call);
  const old = objects.getAttribute(slot, name, addressAt(TARGET), OPERAND_BYTES_MAX);
  if (old < 0 && old !== -Errno.ENODATA) return old;
  const length = xattropLength(flags, operand.length);
  const target = scratch.bytes.subarray(TARGET, TARGET + Math.max(length, old));
  const status = combine(flags, operand, target, old < 0 ? -1 : old);
  if (status > 0) return -status;
  // What was absent and comes to nothing stays absent.
  const stays = status === XATTROP.store && old < 0 && isZero(target, target.length);
  if (status !== XATTROP.unchanged && !stays) {
    const at = status === XATTROP.store ? TARGET : VALUE;
    if (at === VALUE) scratch.bytes.set(operand, VALUE);
    const size = at === VALUE ? operand.length : length;
    const result = objects.setAttribute(slot, name, addressAt(at), size, 0);
    if (result < 0) return result;
  }
  brick.index.decision.result(operands.key(), target);
  if (status === XATTROP.storeOperandSilently) return 0;
  results.key(call.memory.bytes, operands.keyAt, operands.keyLength);
  results.reserve(target.length + 16);
  results.i32(TYPE.bytes);
  results.u32(target.length);
  results.copy(target, 0, target.length);
  results.pad(target.length);
  return 1;
}

/** The index after the counters: of the object, and of the names in a directory. */
function conclude(brick: Brick, slot: number): void {
  const { index, xdata } = brick;
  const isClean = index.after(slot);
  if (!xdata.isNone) {
    if (xdata.find(XDATA.entryDelete)) {
      index.directory.removeEntry(gfidTextOf(brick, slot), xdata.text());
    }
    if (!xdata.find(XDATA.purgeIndex) || xdata.number() === 0) return;
  }
  if (isClean && brick.objects.table.has(slot, KNOWN.directory)) {
    index.directory.removeEntries(gfidTextOf(brick, slot));
  }
}

const gfidBytes = new Uint8Array(16);
const gfidView = new DataView(gfidBytes.buffer);

function gfidTextOf(brick: Brick, slot: number): string {
  const { words } = brick.objects.table;
  for (let word = 0; word < 4; word++) gfidView.setUint32(4 * word, words[4 * slot + word]!, false);
  return gfidText(gfidBytes);
}
