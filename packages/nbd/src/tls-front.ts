/**
 * What is spoken on a TLS-only port before TLS: the greeting, and no option but STARTTLS and ABORT.
 * Once TLS is up, the host speaks to a local server in the client's place: it swallows that
 * server's greeting, which the client has had, sends on the client's flags, and then everything.
 *
 * FORCEDTLS in the protocol's words: whoever asks for anything else is told that TLS is required.
 */
import { greeting, Option, OptionReply } from "./layouts.ts";
import { putGreeting, takeClientFlags } from "./negotiation.ts";
import { OPTION_BYTES_MAX, OptionReader, putAnswer } from "./option-reader.ts";
import { Wire } from "./wire.ts";

/** What a local server says first, and the client has been told already. */
export const GREETING_BYTES = greeting.size;
/** Nobody needs many tries to find out that TLS is required. */
const REFUSALS_MAX = 16;
const OUTPUT_BYTES = 4096;
const NOTHING = new Uint8Array();

/** `close`: hang up after the output. `tls`: upgrade after the output; nothing else was received. */
export type FrontState = "plain" | "tls" | "close";

export class TlsFront {
  #state: FrontState = "plain";
  readonly #wire = new Wire(new Uint8Array(2 * OPTION_BYTES_MAX), new Uint8Array(OUTPUT_BYTES));
  readonly #options = new OptionReader(this.#wire);
  #flags: number | undefined;
  #refusals = 0;

  constructor() {
    putGreeting(this.#wire);
  }

  get state(): FrontState {
    return this.#state;
  }

  /** The four bytes with which the client answered the greeting. */
  get clientFlags(): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, this.#flags ?? 0);
    return bytes;
  }

  /** Take what was received, in full. Then `takeOutput` and look at `state`. */
  receive(bytes: Uint8Array): void {
    const wire = this.#wire;
    for (let taken = 0; taken < bytes.length && this.#state === "plain"; ) {
      const position = wire.receivePosition();
      const part = bytes.subarray(taken, taken + wire.input.length - position);
      wire.input.set(part, position);
      wire.inEnd += part.length;
      taken += part.length;
      while (this.#step());
      if (this.state !== "tls") continue;
      // A byte behind STARTTLS was not sent by TLS: somebody may have put it there.
      if (taken < bytes.length || wire.available > 0) this.#state = "close";
    }
  }

  takeOutput(): Uint8Array {
    const wire = this.#wire;
    const output = wire.output.slice(wire.outBegin, wire.outEnd);
    wire.sent(output.length);
    return output;
  }

  #step(): boolean {
    if (this.#state !== "plain") return false;
    if (this.#flags === undefined) {
      this.#flags = takeClientFlags(this.#wire);
      if (this.#flags === undefined) return false;
      if (this.#flags < 0) this.#state = "close";
      return true;
    }
    const read = this.#options.next();
    if (read === "none") return false;
    if (read === "broken" || ++this.#refusals > REFUSALS_MAX) this.#state = "close";
    else this.#answer(read === "too-big");
    return true;
  }

  #answer(tooBig: boolean): void {
    const { option, length } = this.#options;
    let type: number = OptionReply.errTlsRequired;
    if (option === Option.exportName) {
      this.#state = "close"; // It has no answer that could say why.
      return;
    }
    if (option === Option.abort) {
      type = OptionReply.ack;
      this.#state = "close";
    } else if (option === Option.startTls) {
      const isPlain = length === 0 && !tooBig;
      type = isPlain ? OptionReply.ack : OptionReply.errInvalid;
      if (isPlain) this.#state = "tls";
    }
    putAnswer(this.#wire, { option, type, payload: NOTHING });
  }
}
