/**
 * For tests: a client that speaks the bytes itself, and exports in memory. `pump` moves everything
 * both ways; `pipe` bounds how many bytes go through at once.
 */
import { PARKED } from "./export-face.ts";
import type { NbdContext, NbdExport, NbdExports } from "./export-face.ts";
import { NbdError, Option } from "./layouts.ts";
import { BUFFER_BYTES_MIN, NbdSession } from "./session.ts";

export const SIZE = 4 * 1024 * 1024;
const BLOCK = 4096;

/** Bytes, and which blocks are mapped; notes every call that changes anything. */
export class MemoryExport implements NbdExport {
  readonly name: string;
  readonly description = "memory";
  readonly sizeBytes = SIZE;
  readonly readOnly: boolean;
  readonly preferredBytes = BLOCK;
  readonly pieceBytes = 64 * 1024;
  readonly bytes = new Uint8Array(SIZE);
  readonly mapped = new Uint8Array(SIZE / BLOCK);
  readonly calls: string[] = [];
  openCount = 0;
  /** What flush answers. */
  flushAnswer = 0;
  /** What write and zero answer, when it is not 0. */
  refusal = 0;
  failReadsFrom = Infinity;

  constructor(name: string, readOnly = false) {
    this.name = name;
    this.readOnly = readOnly;
  }

  read(offset: number, target: Uint8Array): number {
    if (offset + target.length > this.failReadsFrom) throw new Error("unreadable");
    target.set(this.bytes.subarray(offset, offset + target.length));
    return 0;
  }

  run(offset: number, lengthBytes: number): number {
    const end = offset + lengthBytes;
    const kind = this.mapped[Math.floor(offset / BLOCK)];
    let at = offset;
    while (at < end && this.mapped[Math.floor(at / BLOCK)] === kind)
      at = Math.min(end, (Math.floor(at / BLOCK) + 1) * BLOCK);
    return kind === 1 ? at - offset : offset - at;
  }

  write(offset: number, source: Uint8Array): number {
    if (this.refusal !== 0) return this.refusal;
    this.calls.push(`write ${offset} ${source.length}`);
    this.bytes.set(source, offset);
    this.#map(offset, source.length, 1);
    return 0;
  }

  flush(): number {
    this.calls.push("flush");
    return this.flushAnswer;
  }

  trim(offset: number, lengthBytes: number): number {
    this.calls.push(`trim ${offset} ${lengthBytes}`);
    this.bytes.fill(0, offset, offset + lengthBytes);
    this.#map(offset, lengthBytes, 0);
    return 0;
  }

  zero(offset: number, lengthBytes: number, provisioned: boolean): number {
    if (this.refusal !== 0) return this.refusal;
    this.calls.push(`zero ${offset} ${lengthBytes} ${provisioned}`);
    this.bytes.fill(0, offset, offset + lengthBytes);
    this.#map(offset, lengthBytes, provisioned ? 1 : 0);
    return 0;
  }

  zeroIsFast(_offset: number, lengthBytes: number): boolean {
    return lengthBytes >= this.pieceBytes;
  }

  close(): void {
    this.openCount -= 1;
  }

  #map(offset: number, lengthBytes: number, kind: 0 | 1): void {
    const end = Math.min(Math.ceil((offset + lengthBytes) / BLOCK), this.mapped.length);
    this.mapped.fill(kind, Math.floor(offset / BLOCK), end);
  }
}

export class MemoryExports implements NbdExports {
  readonly all: MemoryExport[];

  listed: readonly { name: string; description: string }[];

  constructor(...all: MemoryExport[]) {
    this.all = all;
    this.listed = all;
  }

  list(): readonly { name: string; description: string }[] {
    return this.listed;
  }

  open(name: string): NbdExport | undefined {
    const found = this.all.find((each) => each.name === name);
    if (found !== undefined) found.openCount += 1;
    return found;
  }

  contextNames(exported: NbdExport): string[] {
    return this.all.filter((each) => each !== exported).map((each) => `x-test:since:${each.name}`);
  }

  context(exported: NbdExport, name: string): NbdContext | undefined {
    if (!this.contextNames(exported).includes(name)) return undefined;
    const run = (_offset: number, lengthBytes: number): number => lengthBytes;
    return { name, run, positiveState: 1, negativeState: 0 };
  }

  errorOf(): number {
    return NbdError.EIO;
  }
}

export class ScriptedClient {
  readonly exports: MemoryExports;
  readonly session: NbdSession;
  nowMs = 0;
  #parts: Buffer[] = [];
  readonly #input = new Uint8Array(BUFFER_BYTES_MIN);
  readonly #output = new Uint8Array(BUFFER_BYTES_MIN);

  constructor(exports: MemoryExports) {
    this.exports = exports;
    const buffers = { input: this.#input, output: this.#output };
    this.session = new NbdSession(buffers, exports, () => this.nowMs);
  }

  /** Everything that was received and not taken. */
  get received(): Buffer {
    if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0]!;
  }

  /** Send, at most `pipe` bytes at once, and receive all that comes. */
  send(bytes: Uint8Array, pipe = Infinity): this {
    const { wire } = this.session;
    for (let sent = 0; sent < bytes.length && !this.session.ended; ) {
      const position = wire.receivePosition();
      const room = Math.min(wire.input.length - position, pipe);
      const part = bytes.subarray(sent, sent + room);
      wire.input.set(part, position);
      this.session.received(part.length);
      sent += part.length;
      this.pump(pipe);
    }
    return this.pump(pipe);
  }

  pump(pipe = Infinity): this {
    const { session } = this;
    const { wire } = session;
    for (;;) {
      const processed = session.process();
      const count = Math.min(wire.outEnd - wire.outBegin, pipe);
      const part = wire.output.subarray(wire.outBegin, wire.outBegin + count);
      if (count > 0) this.#parts.push(Buffer.from(part));
      wire.sent(count);
      if (processed === "idle" && wire.outEnd === wire.outBegin) return this;
    }
  }

  take(count: number): Buffer {
    if (count > this.received.length)
      throw new Error(`${this.received.length} bytes were received, not ${count}`);
    const all = this.received;
    this.#parts = [all.subarray(count)];
    return all.subarray(0, count);
  }

  /** Greeting and flags. */
  begin(flags = 3): this {
    this.pump().take(18);
    return this.send(u32(flags));
  }

  option(option: number, data: Uint8Array = new Uint8Array()): OptionAnswer[] {
    this.send(optionBytes(option, data));
    return this.takeAnswers();
  }

  takeAnswers(): OptionAnswer[] {
    const answers: OptionAnswer[] = [];
    while (this.received.length >= 20 && this.received.readUInt32BE(0) === 0x3e889) {
      const head = this.take(20);
      const type = head.readUInt32BE(12);
      answers.push({ type, payload: this.take(head.readUInt32BE(16)) });
    }
    return answers;
  }

  /** Into transmission. */
  go(name: string, options: { structured?: boolean; contexts?: string[] } = {}): this {
    if (options.structured !== false) this.option(Option.structuredReply);
    if (options.contexts !== undefined)
      this.option(Option.setMetaContext, contextData(name, options.contexts));
    const answers = this.option(Option.go, infoData(name, []));
    if (answers.at(-1)?.type !== 1) throw new Error("GO was refused");
    return this;
  }

  /** The error of the only reply to a request, which is a simple one. */
  simple(type: number, request: Partial<Request>): number {
    this.send(requestBytes(type, request));
    const reply = this.take(16);
    if (reply.readUInt32BE(0) !== 0x67446698) throw new Error("not a simple reply");
    return reply.readUInt32BE(4);
  }

  /** The chunks of one structured reply. */
  chunks(type: number, request: Partial<Request>): Chunk[] {
    this.send(requestBytes(type, request));
    return this.takeChunks();
  }

  takeChunks(): Chunk[] {
    const chunks: Chunk[] = [];
    for (let done = false; !done; ) {
      const head = this.take(20);
      if (head.readUInt32BE(0) !== 0x668e33ef) throw new Error("not a chunk");
      done = head.readUInt16BE(4) === 1;
      const payload = this.take(head.readUInt32BE(16));
      chunks.push({ type: head.readUInt16BE(6), cookie: head.readUInt32BE(12), payload });
    }
    return chunks;
  }
}

export interface OptionAnswer {
  readonly type: number;
  readonly payload: Buffer;
}

export interface Chunk {
  readonly type: number;
  readonly cookie: number;
  readonly payload: Buffer;
}

export interface Request {
  flags: number;
  cookie: number;
  offset: number;
  length: number;
  data: Uint8Array;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
}

export function optionBytes(option: number, data: Uint8Array, length = data.length): Buffer {
  return Buffer.concat([Buffer.from("IHAVEOPT"), u32(option), u32(length), data]);
}

export function infoData(name: string, wanted: readonly number[]): Buffer {
  const types = Buffer.from([0, wanted.length, ...wanted.flatMap((type) => [0, type])]);
  return Buffer.concat([text(name), types]);
}

export function contextData(name: string, queries: readonly string[]): Buffer {
  return Buffer.concat([text(name), u32(queries.length), ...queries.map(text)]);
}

export function requestBytes(type: number, request: Partial<Request>): Buffer {
  const { flags = 0, cookie = 7, offset = 0, data = new Uint8Array() } = request;
  const head = Buffer.alloc(28);
  head.writeUInt32BE(0x25609513);
  head.writeUInt16BE(flags, 4);
  head.writeUInt16BE(type, 6);
  head.writeUInt32BE(cookie, 12);
  head.writeBigUInt64BE(BigInt(offset), 16);
  head.writeUInt32BE(request.length ?? data.length, 24);
  return Buffer.concat([head, data]);
}

export { PARKED };
