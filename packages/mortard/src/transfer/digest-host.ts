/**
 * A process that reads a brick's LV once and writes the digests of its pieces into a file:
 *
 *     node digest-host.js SPEC < runs > lines of progress
 *
 * Its input is that of read-host.ts, its output that of write-host.ts: `durable` is how far it has
 * read. The file has its name when it is whole, and on the disk. It yields to whoever else has work.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { blockDeviceSize, flushBlockCache } from "@mortar/linux";
import { PIECE_BYTES, type PieceRun } from "./digest-format.ts";
import { DigestWriter } from "./digest-writer.ts";
import { LvRuns } from "./lv-runs.ts";

export interface DigestSpec {
  readonly device: string;
  readonly file: string;
  readonly sizeBytes: number;
}

const READ_BYTES = 16 * PIECE_BYTES;
const SAY_BYTES = 64 * 1024 * 1024;

async function main(): Promise<void> {
  setPriority(constants.priority.PRIORITY_LOW);
  const { device, file, sizeBytes } = JSON.parse(process.argv[2] ?? "") as DigestSpec;
  const lines = new LvRuns("full");
  for await (const line of createInterface({ input: process.stdin })) lines.take(line);
  const runs = runsOf(lines, sizeBytes);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const [source, target] = [openSync(device, "r"), openSync(`${file}.new`, "w", 0o600)];
  try {
    if (blockDeviceSize(source, device) !== sizeBytes) throw new Error(`${device} has another size`);
    flushBlockCache(source, device);
    const writer = new DigestWriter({ sizeBytes, runs, write: (bytes) => writeAll(target, bytes) });
    readRuns(source, runs, sizeBytes, writer);
    writer.end();
    fsyncSync(target);
  } finally {
    closeSync(source);
    closeSync(target);
  }
  renameSync(`${file}.new`, file);
  syncDirectory(dirname(file));
  say({ durable: sizeBytes, isDone: true });
}

/** Chunks that touch are one run. */
function runsOf(lines: LvRuns, sizeBytes: number): PieceRun[] {
  const runs: { begin: number; count: number }[] = [];
  lines.tile(0, sizeBytes, (kind, offset, length) => {
    if (kind !== "data") return;
    const [begin, count] = [offset / PIECE_BYTES, Math.ceil(length / PIECE_BYTES)];
    const last = runs.at(-1);
    if (last !== undefined && last.begin + last.count === begin) last.count += count;
    else runs.push({ begin, count });
  });
  return runs;
}

function readRuns(
  source: number, runs: readonly PieceRun[], sizeBytes: number, writer: DigestWriter,
): void {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let unsaid = 0;
  for (const { begin, count } of runs) {
    const end = Math.min((begin + count) * PIECE_BYTES, sizeBytes);
    for (let at = begin * PIECE_BYTES; at < end; ) {
      const length = Math.min(READ_BYTES, end - at);
      readAll(source, buffer.subarray(0, length), at);
      for (let from = 0; from < length; from += PIECE_BYTES) {
        writer.piece(buffer.subarray(from, Math.min(from + PIECE_BYTES, length)));
      }
      at += length;
      unsaid += length;
      if (unsaid < SAY_BYTES) continue;
      say({ durable: at, isDone: false });
      unsaid = 0;
    }
  }
}

function readAll(fd: number, target: Uint8Array, offset: number): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(fd, target, done, target.length - done, offset + done);
    if (count === 0) throw new Error(`The logical volume ends at byte ${offset + done}`);
    done += count;
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
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
