/**
 * The two buffers of a connection. Bytes are received at the end of `input` and parsed in place;
 * replies are put at the end of `output` and sent from its beginning.
 *
 *     input    [ parsed | inBegin  not parsed yet  inEnd | room ]
 *     output   [ sent   | outBegin  to be sent    outEnd | room ]
 *
 * Invariant: whoever puts bytes into `output` has asked for room first.
 */
export class Wire {
  readonly input: Uint8Array;
  readonly in: DataView;
  inBegin = 0;
  inEnd = 0;
  readonly output: Uint8Array;
  readonly out: DataView;
  outBegin = 0;
  outEnd = 0;

  constructor(input: Uint8Array, output: Uint8Array) {
    this.input = input;
    this.output = output;
    this.in = new DataView(input.buffer, input.byteOffset, input.byteLength);
    this.out = new DataView(output.buffer, output.byteOffset, output.byteLength);
  }

  /** Bytes that are not parsed yet. */
  get available(): number {
    return this.inEnd - this.inBegin;
  }

  /** Bytes that can still be put into `output`. */
  get room(): number {
    return this.output.length - this.outEnd;
  }

  /** Where the next bytes are to be received, up to the end of `input`. */
  receivePosition(): number {
    if (this.inBegin === this.inEnd) {
      this.inBegin = 0;
      this.inEnd = 0;
    } else if (this.inBegin > 0 && this.inEnd > this.input.length / 2) {
      this.input.copyWithin(0, this.inBegin, this.inEnd);
      this.inEnd -= this.inBegin;
      this.inBegin = 0;
    }
    return this.inEnd;
  }

  sent(count: number): void {
    this.outBegin += count;
    if (this.outBegin < this.outEnd) return;
    this.outBegin = 0;
    this.outEnd = 0;
  }
}
