/**
 * One pair of buffers with the views on it. A session takes each request through one lane; a
 * request that somebody else answers keeps its lane, and the session goes on with another.
 */
import { PAGE_BYTES, REPLY_POSITION, REQUEST_POSITION } from "./channel.ts";
import type { FuseChannel } from "./channel.ts";
import type { FlatFiles } from "./flat-files.ts";
import { inHeader, outHeader } from "./layouts.ts";
import { NodeAnswers } from "./node-answers.ts";
import { viewOf } from "./view.ts";

const SECTOR_BYTES = 512;
/** In `padding` of a request in the buffer: its write is done, only the answer was missing. */
const DONE = 1;

export class Lane {
  readonly channel: FuseChannel;
  readonly in: DataView;
  readonly out: DataView;
  readonly nodes: NodeAnswers;
  /** Payload views by length in sectors, made once each: a transfer allocates nothing. */
  readonly #sources: (Uint8Array | undefined)[];
  readonly #targets: (Uint8Array | undefined)[];

  constructor(channel: FuseChannel, files: FlatFiles, maxWriteBytes: number) {
    const bufferBytes = PAGE_BYTES + maxWriteBytes;
    if (channel.request.length < bufferBytes || channel.reply.length < bufferBytes) {
      throw new RangeError(`FUSE buffers must hold ${bufferBytes} bytes`);
    }
    this.channel = channel;
    this.in = viewOf(channel.request);
    this.out = viewOf(channel.reply);
    this.nodes = new NodeAnswers(channel, files, maxWriteBytes);
    const kinds = maxWriteBytes / SECTOR_BYTES + 1;
    this.#sources = Array.from<undefined>({ length: kinds });
    this.#targets = Array.from<undefined>({ length: kinds });
  }

  /** Where the data of a WRITE of `size` bytes is. */
  source(size: number): Uint8Array {
    return payload(this.#sources, this.channel.request, size);
  }

  /** Where the data of a READ of `size` bytes goes. */
  target(size: number): Uint8Array {
    return payload(this.#targets, this.channel.reply, size);
  }

  /** Write the header of an answer and send it. The result of `send`. */
  answer(error: number, bodyBytes: number): number {
    return sendAnswer(this.channel, this.in, this.out, error, bodyBytes);
  }

  /** Nothing is left over for a successor. */
  clear(): void {
    clearRequest(this.in);
  }
}

/**
 * For whoever answers in place of the session: the header of the answer to the request that `input`
 * has.
 */
export function sendAnswer(
  channel: Pick<FuseChannel, "send">,
  input: DataView,
  output: DataView,
  error: number,
  bodyBytes: number,
): number {
  const { field } = outHeader;
  const length = outHeader.size + bodyBytes;
  field.length.set(output, REPLY_POSITION, length);
  field.error.set(output, REPLY_POSITION, error);
  const low = inHeader.field.uniqueLow.get(input, REQUEST_POSITION);
  const high = inHeader.field.uniqueHigh.get(input, REQUEST_POSITION);
  field.uniqueLow.set(output, REPLY_POSITION, low);
  field.uniqueHigh.set(output, REPLY_POSITION, high);
  return channel.send(REPLY_POSITION, length);
}

/**
 * Mark a WRITE as done before its answer is sent. From the answer on, newer writes to the same
 * place may be done by others; a successor that finds the mark only answers again.
 */
export function markDone(input: DataView): void {
  inHeader.field.padding.set(input, REQUEST_POSITION, DONE);
}

export function isDone(input: DataView): boolean {
  return inHeader.field.padding.get(input, REQUEST_POSITION) === DONE;
}

export function clearRequest(input: DataView): void {
  inHeader.field.length.set(input, REQUEST_POSITION, 0);
}

function payload(cache: (Uint8Array | undefined)[], buffer: Uint8Array, size: number): Uint8Array {
  if (size % SECTOR_BYTES !== 0) return buffer.subarray(PAGE_BYTES, PAGE_BYTES + size);
  return (cache[size / SECTOR_BYTES] ??= buffer.subarray(PAGE_BYTES, PAGE_BYTES + size));
}
