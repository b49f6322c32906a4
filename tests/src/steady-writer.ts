/**
 * A program that works on files until it is told to end, and knows what has to be in them: it
 * makes, overwrites in place (under descriptors that it holds all the time), renames and removes.
 * Every failed call, and every byte that is not the one it wrote, ends it with exit code 1.
 *
 *     node steady-writer.js DIRECTORY        until SIGTERM; prints how many steps it took
 */
import {
  closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, readdirSync, readSync,
  renameSync, unlinkSync, writeSync,
} from "node:fs";
import { join } from "node:path";

const HELD = 6;
const FILES_MAX = 40;
const BLOCK_BYTES = 8192;
const BLOCKS = 24;
const SYNC_EVERY = 16;

class SteadyWriter {
  readonly #directory: string;
  readonly #held: { readonly fd: number; readonly content: Buffer }[] = [];
  readonly #files = new Map<string, Buffer>();
  steps = 0;
  #seed = 1;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    for (let index = 0; index < HELD; index++) {
      const fd = openSync(join(directory, `held-${index}`), "wx+");
      const content = Buffer.alloc(BLOCK_BYTES * BLOCKS);
      ftruncateSync(fd, content.length);
      this.#held.push({ fd, content });
    }
  }

  step(): void {
    this.steps += 1;
    this.#overwrite();
    if (this.steps % 4 === 0) this.#make();
    if (this.steps % 6 === 0) this.#rename();
    if (this.#files.size > FILES_MAX) this.#remove();
    if (this.steps % 10 === 0) this.#look();
  }

  /** Reads all of it, through descriptors and by name. */
  finish(): void {
    for (const [index, { fd, content }] of this.#held.entries()) {
      const seen = Buffer.alloc(content.length + 1);
      const length = readSync(fd, seen, 0, seen.length, 0);
      if (!seen.subarray(0, length).equals(content)) throw new Error(`held-${index} differs`);
      closeSync(fd);
      this.#compare(`held-${index}`, content);
    }
    for (const [name, content] of this.#files) this.#compare(name, content);
    const names = readdirSync(this.#directory).length;
    if (names !== HELD + this.#files.size) throw new Error(`${names} names are there`);
  }

  #compare(name: string, content: Buffer): void {
    if (!readFileSync(join(this.#directory, name)).equals(content)) {
      throw new Error(`${name} is not what was written`);
    }
  }

  #random(below: number): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#seed / 2 ** 32) * below);
  }

  #overwrite(): void {
    const { fd, content } = this.#held[this.#random(HELD)]!;
    const at = this.#random(BLOCKS) * BLOCK_BYTES;
    content.fill(`${this.steps}.`, at, at + BLOCK_BYTES);
    writeSync(fd, content, at, BLOCK_BYTES, at);
    if (this.steps % SYNC_EVERY === 0) fsyncSync(fd);
  }

  #make(): void {
    const name = `file-${this.steps}`;
    const content = Buffer.alloc(1 + this.#random(3 * BLOCK_BYTES), `${name} `);
    const fd = openSync(join(this.#directory, name), "wx");
    writeSync(fd, content);
    closeSync(fd);
    this.#files.set(name, content);
  }

  #any(): string | undefined {
    return [...this.#files.keys()][this.#random(this.#files.size)];
  }

  #rename(): void {
    const name = this.#any();
    if (name === undefined) return;
    const next = `moved-${this.steps}`;
    renameSync(join(this.#directory, name), join(this.#directory, next));
    this.#files.set(next, this.#files.get(name)!);
    this.#files.delete(name);
  }

  #remove(): void {
    const name = this.#any()!;
    unlinkSync(join(this.#directory, name));
    this.#files.delete(name);
  }

  #look(): void {
    const name = this.#any();
    if (name !== undefined) this.#compare(name, this.#files.get(name)!);
  }
}

const writer = new SteadyWriter(process.argv[2] ?? "");
let ended = false;
process.on("SIGTERM", () => (ended = true));

function work(): void {
  if (!ended) {
    writer.step();
    setTimeout(work, 4);
    return;
  }
  writer.finish();
  process.stdout.write(`${writer.steps}\n`);
}

work();
