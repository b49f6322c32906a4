/** Requests of one connection that are answered later than they came, by their cookies. */
import type { ReplyWriter } from "./reply-writer.ts";
import { REPLY_BYTES_MAX } from "./reply-writer.ts";
import type { Wire } from "./wire.ts";

interface Cookie {
  readonly cookieHigh: number;
  readonly cookieLow: number;
}

/** More than any client has in flight. */
const FLUSHES_MAX = 4096;

export class LateAnswers {
  readonly #wire: Wire;
  readonly #writer: ReplyWriter;
  /** Their flush is under way. */
  #flushing: Cookie[] = [];
  /** To be put out when there is room. */
  #due: (Cookie & { readonly error: number })[] = [];

  constructor(wire: Wire, writer: ReplyWriter) {
    this.#wire = wire;
    this.#writer = writer;
  }

  /** No more can be taken on now. */
  get isFull(): boolean {
    return this.#flushing.length >= FLUSHES_MAX;
  }

  awaitFlush({ cookieHigh, cookieLow }: Cookie): void {
    this.#flushing.push({ cookieHigh, cookieLow });
  }

  flushed(count: number, error: number): void {
    for (const cookie of this.#flushing.splice(0, count)) this.add(cookie, error);
  }

  add({ cookieHigh, cookieLow }: Cookie, error: number): void {
    this.#due.push({ cookieHigh, cookieLow, error });
  }

  /** As far as there is room. The request at hand keeps its own cookie. */
  put(): void {
    if (this.#due.length === 0) return;
    const writer = this.#writer;
    const { cookieHigh, cookieLow } = writer;
    let count = 0;
    for (; count < this.#due.length && this.#wire.room >= REPLY_BYTES_MAX; count++) {
      const due = this.#due[count]!;
      writer.cookieHigh = due.cookieHigh;
      writer.cookieLow = due.cookieLow;
      writer.simple(due.error, 0);
    }
    this.#due = this.#due.slice(count);
    writer.cookieHigh = cookieHigh;
    writer.cookieLow = cookieLow;
  }
}
