import { OPTION_MAGIC, optionHeader, optionReply, OPTION_REPLY_MAGIC } from "./layouts.ts";
import type { Wire } from "./wire.ts";

/** More than any option needs whose strings are within the protocol's limit of 4096 bytes. */
export const OPTION_BYTES_MAX = 64 * 1024;

/**
 * `none`: it has not come whole yet. `too-big`: it is passed over, and wants an error for an
 * answer. `broken`: these are no options.
 */
export type ReadOption = "none" | "option" | "too-big" | "broken";

/** Takes options off the wire, one at a time. */
export class OptionReader {
  /** Of the option that `next` found; its data is `length` bytes of the input at `begin`. */
  option = 0;
  begin = 0;
  length = 0;
  readonly #wire: Wire;
  /** Of an option that was too big: bytes still to be passed over. */
  #excess = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  next(): ReadOption {
    const wire = this.#wire;
    const passed = Math.min(this.#excess, wire.available);
    wire.inBegin += passed;
    this.#excess -= passed;
    if (this.#excess > 0 || wire.available < optionHeader.size) return "none";
    const { magicHigh, magicLow, option, length } = optionHeader.decode(wire.in, wire.inBegin);
    if (magicHigh !== OPTION_MAGIC[0] || magicLow !== OPTION_MAGIC[1]) return "broken";
    this.option = option;
    this.length = length;
    if (length > OPTION_BYTES_MAX) {
      wire.inBegin += optionHeader.size;
      this.#excess = length;
      return "too-big";
    }
    if (wire.available < optionHeader.size + length) return "none";
    this.begin = wire.inBegin + optionHeader.size;
    wire.inBegin = this.begin + length;
    return "option";
  }
}

/** An answer to an option: `type` of OptionReply. */
export interface Answer {
  readonly option: number;
  readonly type: number;
  readonly payload: Uint8Array;
}

/** False when there is no room for it now. */
export function putAnswer(wire: Wire, { option, type, payload }: Answer): boolean {
  if (wire.room < optionReply.size + payload.length) return false;
  const [magicHigh, magicLow] = OPTION_REPLY_MAGIC;
  const { length } = payload;
  optionReply.encode(wire.out, wire.outEnd, { magicHigh, magicLow, option, type, length });
  wire.output.set(payload, wire.outEnd + optionReply.size);
  wire.outEnd += optionReply.size + length;
  return true;
}
