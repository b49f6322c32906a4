/**
 * A process that writes a brick's part of a snapshot stream into an LV:
 *
 *     node write-host.js SPEC < frames > lines of progress
 *
 * Every frame is checked once more. What a line calls durable is on the disk, so that a stream can go
 * on there. The LV is one that nobody else has; doing a range twice gives the same.
 */
import { closeSync, fsyncSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { realpathSync } from "node:fs";
import { BrickOrder, dataOf, type Frame, FrameReader, StreamError } from "@mortar/api";
import { blockDeviceSize, discardBlocks, zeroBlocks } from "@mortar/linux";

export interface WriteSpec {
  readonly device: string;
  readonly kind: "full" | "delta";
  readonly brick: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

const READ_BYTES = 1024 * 1024;
const DURABLE_BYTES = 64 * 1024 * 1024;
const ZEROS = Buffer.alloc(READ_BYTES);

async function main(): Promise<void> {
  const spec = JSON.parse(process.argv[2] ?? "") as WriteSpec;
  const fd = openSync(spec.device, "r+");
  try {
    if (blockDeviceSize(fd, spec.device) < spec.sizeBytes) {
      throw new Error(`${spec.device} is smaller than what is sent`);
    }
    await new BrickWriter(fd, spec).run();
  } finally {
    closeSync(fd);
  }
}

class BrickWriter {
  readonly #fd: number;
  readonly #spec: WriteSpec;
  readonly #order: BrickOrder;
  #at: number;
  #durable: number;

  constructor(fd: number, spec: WriteSpec) {
    this.#fd = fd;
    this.#spec = spec;
    this.#order = new BrickOrder(spec, spec.brick, spec.offset);
    this.#at = spec.offset;
    this.#durable = spec.offset;
  }

  async run(): Promise<void> {
    const reader = new FrameReader({ preamble: false });
    for (;;) {
      // The reader keeps what it was given.
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      const count = readSync(0, buffer, 0, READ_BYTES, null);
      if (count === 0) break;
      for (const frame of reader.take(buffer.subarray(0, count))) {
        if (await this.#take(frame)) return;
      }
    }
    this.#makeDurable(false);
    throw new StreamError("cut-off", "The stream was cut off");
  }

  async #take(frame: Frame): Promise<boolean> {
    const isLast = this.#order.accept(frame);
    if (frame.type === "data") writeAll(this.#fd, dataOf(frame), frame.offset);
    else if (frame.type === "hole") await this.#hole(frame);
    this.#at = frame.offset + frame.length;
    if (isLast || this.#at - this.#durable >= DURABLE_BYTES) this.#makeDurable(isLast);
    return isLast;
  }

  #makeDurable(isDone: boolean): void {
    if (this.#at === this.#durable && !isDone) return;
    fsyncSync(this.#fd);
    this.#durable = this.#at;
    say({ durable: this.#durable, isDone });
  }

  /** A new LV has nothing there. In a copy of another one it becomes zeros, and takes no space. */
  async #hole({ offset, length }: Frame): Promise<void> {
    const { kind, device } = this.#spec;
    if (kind === "full") return;
    const chunkBytes = discardUnitOf(device);
    if (chunkBytes === undefined) return await zeroBlocks(this.#fd, device, offset, length);
    const begin = Math.ceil(offset / chunkBytes) * chunkBytes;
    const end = Math.floor((offset + length) / chunkBytes) * chunkBytes;
    if (begin >= end) return writeZeros(this.#fd, offset, offset + length);
    writeZeros(this.#fd, offset, begin);
    await discardBlocks(this.#fd, device, begin, end - begin);
    writeZeros(this.#fd, end, offset + length);
  }
}

/**
 * The kernel's dm-thin has no way to make zeros but to write them, and gives whole chunks back.
 * Undefined of a loop device: the pool server behind it does the right thing.
 */
function discardUnitOf(device: string): number | undefined {
  const name = basename(realpathSync(device));
  if (name.startsWith("loop")) return undefined;
  const text = readFileSync(`/sys/class/block/${name}/queue/discard_granularity`, "latin1");
  const bytes = Number(text);
  return bytes > 0 ? bytes : undefined;
}

function writeZeros(fd: number, begin: number, end: number): void {
  for (let at = begin; at < end; at += ZEROS.length) {
    writeAll(fd, ZEROS.subarray(0, Math.min(ZEROS.length, end - at)), at);
  }
}

function writeAll(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}

function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

try {
  await main();
} catch (error) {
  say({ error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
