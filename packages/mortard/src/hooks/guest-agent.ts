/**
 * The QEMU guest agent: file systems of a virtual machine are frozen and thawed from inside.
 *
 * The channel is a byte stream of JSON. What a former user left in it is thrown away by
 * `guest-sync-delimited`, whose answer comes behind a byte 0xff (QEMU, qga/qapi-schema.json).
 */
import { type Socket, createConnection } from "node:net";

const DELIMITER = 0xff;
const NEWLINE = 10;
const ANSWER_BYTES_MAX = 1 << 20;

export class GuestAgentError extends Error {
  override readonly name = "GuestAgentError";
}

/** Gives how many file systems are frozen. Throws `GuestAgentError`. */
export function freezeGuest(socket: string, limitMs: number): Promise<number> {
  return asked(socket, "guest-fsfreeze-freeze", limitMs);
}

/** Gives how many were thawed; those that thawed by themselves are not counted. */
export function thawGuest(socket: string, limitMs: number): Promise<number> {
  return asked(socket, "guest-fsfreeze-thaw", limitMs);
}

async function asked(path: string, command: string, limitMs: number): Promise<number> {
  const channel = await Channel.open(path, limitMs);
  try {
    const id = (Date.now() % 1_000_000_000) + 1;
    channel.send(Buffer.concat([
      Buffer.from([DELIMITER]),
      Buffer.from(`${JSON.stringify({ execute: "guest-sync-delimited", arguments: { id } })}\n`),
    ]));
    await channel.until((byte) => byte === DELIMITER);
    const synced = await channel.line();
    if (synced !== id) throw new GuestAgentError(`${path}: the agent did not answer the sync`);
    channel.send(Buffer.from(`${JSON.stringify({ execute: command })}\n`));
    const count = await channel.line();
    if (typeof count !== "number") throw new GuestAgentError(`${path}: ${command}: no number`);
    return count;
  } finally {
    channel.close();
  }
}

/** A connection with one time limit for all that is done over it. */
class Channel {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #bytes = Buffer.alloc(0);
  #failure: GuestAgentError | undefined;
  #wake: () => void = () => undefined;

  private constructor(path: string, limitMs: number) {
    this.#path = path;
    this.#socket = createConnection(path);
    this.#socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      if (this.#bytes.length > ANSWER_BYTES_MAX) this.#fail("its answer does not end");
      this.#wake();
    });
    this.#socket.on("error", (error) => this.#fail(error.message));
    this.#socket.on("close", () => this.#fail("the connection was closed"));
    this.#timer = setTimeout(() => this.#fail(`no answer within ${limitMs} ms`), limitMs);
  }

  static async open(path: string, limitMs: number): Promise<Channel> {
    const channel = new Channel(path, limitMs);
    channel.#socket.once("connect", () => channel.#wake());
    await channel.#more();
    return channel;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Throws away what comes up to this byte, and the byte. */
  async until(is: (byte: number) => boolean): Promise<void> {
    for (;;) {
      const at = this.#bytes.findIndex(is);
      if (at >= 0) {
        this.#bytes = this.#bytes.subarray(at + 1);
        return;
      }
      this.#bytes = Buffer.alloc(0);
      await this.#more();
    }
  }

  /** What the agent returned. Throws what it says is wrong. */
  async line(): Promise<unknown> {
    let end: number;
    while ((end = this.#bytes.indexOf(NEWLINE)) < 0) await this.#more();
    const text = this.#bytes.subarray(0, end).toString("utf8");
    this.#bytes = this.#bytes.subarray(end + 1);
    let answer: { readonly return?: unknown; readonly error?: { readonly desc?: string } };
    try {
      answer = JSON.parse(text) as typeof answer;
    } catch {
      throw new GuestAgentError(`${this.#path}: the agent's answer is not JSON`);
    }
    if (answer.error === undefined) return answer.return;
    throw new GuestAgentError(`${this.#path}: ${answer.error.desc ?? "the agent refused"}`);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  #fail(reason: string): void {
    this.#failure ??= new GuestAgentError(`${this.#path}: ${reason}`);
    this.close();
    this.#wake();
  }

  async #more(): Promise<void> {
    if (this.#failure === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure !== undefined) throw this.#failure;
  }
}
