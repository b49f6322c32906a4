/**
 * Records in a stream: fragments, each with a mark of 4 bytes (bit 31: the last one; 31 bits of
 * length). Almost always there is one. Several are pushed together in place, over their marks.
 */
import type { Memory } from "../wire/memory.ts";

const LAST = 0x8000_0000;
const MARK_BYTES = 4;

export class RecordFrame {
  /** Of the record that `find` found. */
  start = 0;
  end = 0;
  /** Where the next record begins. */
  next = 0;
  /** How long the stream must be, from `from` on, before it is worth asking again. */
  wanted = 0;

  /** "found", "partial", or "too-long": then the connection is of no use any more. */
  find(memory: Memory, from: number, to: number, lengthMax: number): "found" | "partial" | "long" {
    const { view } = memory;
    let at = from;
    let end = from + MARK_BYTES;
    for (;;) {
      if (to - at < MARK_BYTES) {
        this.wanted = at + MARK_BYTES - from;
        return "partial";
      }
      const mark = view.getUint32(at, false);
      const length = mark & ~LAST;
      if (end - from + length > lengthMax) return "long";
      const isLast = (mark & LAST) !== 0;
      if (isLast && at === from) {
        this.start = from + MARK_BYTES;
        this.end = this.start + length;
        this.next = this.end;
        this.wanted = this.next - from;
        return this.end <= to ? "found" : "partial";
      }
      end += length;
      at += MARK_BYTES + length;
      if (at > to) {
        this.wanted = at - from;
        return "partial";
      }
      if (isLast) break;
    }
    this.next = at;
    this.#join(memory, from);
    return "found";
  }

  /** All fragments are there. */
  #join(memory: Memory, from: number): void {
    let at = from;
    let target = from + MARK_BYTES;
    this.start = target;
    while (at < this.next) {
      const length = memory.view.getUint32(at, false) & ~LAST;
      memory.bytes.copyWithin(target, at + MARK_BYTES, at + MARK_BYTES + length);
      target += length;
      at += MARK_BYTES + length;
    }
    this.end = target;
  }
}
