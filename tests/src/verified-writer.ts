/**
 * A program that works on files of a directory, and knows what must be in each: makes, overwrites,
 * appends, renames and removes them, one operation after the other, and reads one back in between.
 * Each change is durable before the next one begins.
 *
 *     node verified-writer.js DIRECTORY SEED       until SIGTERM
 *
 * Then all files are compared; `operations N files N bytes N` is printed. The first error, or byte
 * that is not as it was written, ends it with exit code 1 and a sentence.
 */
import {
  closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, unlinkSync, writeSync,
} from "node:fs";
import { join } from "node:path";

const FILES_MAX = 60;
const BYTES_MAX = 48 * 1024;
const FILE_BYTES_MAX = 128 * 1024;
const PAUSE_MS = 5;

const [directory = "", seed = "1"] = process.argv.slice(2);
const files = new Map<string, Buffer>();
let state = Number(seed) >>> 0;
let operations = 0;
let nextName = 0;
let ended = false;

/** xorshift32: the same operations for the same seed. */
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  state >>>= 0;
  return state % below;
}

function content(): Buffer {
  return Buffer.alloc(1 + random(BYTES_MAX), `${seed}.${operations}.`);
}

function some(): string {
  return [...files.keys()][random(files.size)]!;
}

function write(name: string, flags: "wx" | "r+", bytes: Buffer, at: number): void {
  const file = openSync(join(directory, name), flags);
  try {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(file, bytes, done, bytes.length - done, at + done);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function make(): void {
  const name = `file-${++nextName}`;
  const bytes = content();
  write(name, "wx", bytes, 0);
  files.set(name, bytes);
}

function change(): void {
  const name = some();
  const former = files.get(name)!;
  const bytes = content();
  const at = random(former.length + 1);
  const length = Math.max(former.length, at + bytes.length);
  if (length > FILE_BYTES_MAX) return;
  write(name, "r+", bytes, at);
  const now = Buffer.alloc(length);
  former.copy(now);
  bytes.copy(now, at);
  files.set(name, now);
}

function rename(): void {
  const name = some();
  const target = `file-${++nextName}`;
  renameSync(join(directory, name), join(directory, target));
  files.set(target, files.get(name)!);
  files.delete(name);
}

function remove(): void {
  const name = some();
  unlinkSync(join(directory, name));
  files.delete(name);
}

function check(name: string): void {
  if (readFileSync(join(directory, name)).equals(files.get(name)!)) return;
  throw new Error(`${name} is not as it was written, after ${operations} operations`);
}

function work(): void {
  const choice = random(10);
  if (files.size < 5 || (choice < 3 && files.size < FILES_MAX)) make();
  else if (choice < 6) change();
  else if (choice === 6) rename();
  else if (choice === 7 || files.size >= FILES_MAX) remove();
  else check(some());
  operations += 1;
}

function finish(): void {
  const names = readdirSync(directory).sort();
  if (names.join() !== [...files.keys()].sort().join()) {
    throw new Error(`the directory has ${names.join()}, not ${[...files.keys()].sort().join()}`);
  }
  let bytes = 0;
  for (const [name, { length }] of files) {
    check(name);
    bytes += length;
  }
  process.stdout.write(`operations ${operations} files ${files.size} bytes ${bytes}\n`);
}

function step(): void {
  try {
    if (ended) {
      finish();
      return;
    }
    work();
    setTimeout(step, PAUSE_MS);
  } catch (error) {
    process.stderr.write(`operation ${operations}: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

process.on("SIGTERM", () => (ended = true));
step();
