/**
 * Replies to BLOCK_STATUS: one chunk for each context, with as many extents as there is room for,
 * and never beyond the range that was asked for. A reply may tell less than was asked; so the work
 * for one request is bounded whatever its length.
 */
import type { NbdContext } from "./export-face.ts";
import { chunk, ChunkType, CONTEXT_ID_BYTES, extent } from "./layouts.ts";
import type { ReplyWriter } from "./reply-writer.ts";
import type { Wire } from "./wire.ts";

const EXTENTS_MAX = 8192;
const RUNS_MAX = 65_536;
/** With less room a request waits for the output to drain. */
export const STATUS_ROOM_BYTES = 64 * 1024;

/** Throws what a context throws; the chunks that are out by then are whole. */
export function putBlockStatus(
  wire: Wire,
  writer: ReplyWriter,
  contexts: readonly NbdContext[],
  range: { readonly offset: number; readonly length: number; readonly one: boolean },
): void {
  const share = Math.floor(wire.room / contexts.length) - chunk.size - CONTEXT_ID_BYTES;
  const extentMax = range.one ? 1 : Math.min(EXTENTS_MAX, Math.floor(share / extent.size));
  for (const [id, context] of contexts.entries()) {
    const payload = wire.outEnd + chunk.size;
    const count = putExtents(wire.out, payload + CONTEXT_ID_BYTES, context, range, extentMax);
    const payloadBytes = CONTEXT_ID_BYTES + count * extent.size;
    writer.chunk(ChunkType.blockStatus, id === contexts.length - 1, payloadBytes);
    wire.out.setUint32(payload, id);
    wire.outEnd = payload + payloadBytes;
  }
}

function putExtents(
  out: DataView,
  at: number,
  context: NbdContext,
  range: { readonly offset: number; readonly length: number },
  extentMax: number,
): number {
  const end = range.offset + range.length;
  let position = range.offset;
  let count = 0;
  let begin = position;
  let state = -1;
  for (let runs = 0; position < end && runs < RUNS_MAX; runs++) {
    const run = context.run(position, end - position);
    const stateOfRun = run > 0 ? context.positiveState : context.negativeState;
    if (stateOfRun !== state) {
      if (count === extentMax) break;
      count += 1;
      state = stateOfRun;
      begin = position;
    }
    position += Math.abs(run);
    extent.field.length.set(out, at + (count - 1) * extent.size, position - begin);
    extent.field.state.set(out, at + (count - 1) * extent.size, state);
  }
  return count;
}
