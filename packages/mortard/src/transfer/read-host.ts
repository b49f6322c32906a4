/**
 * A process that reads a brick's LV and writes frames of a snapshot stream:
 *
 *     node read-host.js SPEC < runs > frames
 *
 * Its input is what `mortar pool delta --json` writes, its output one brick's part of the stream. All
 * of the input is read first: whoever reads the metadata holds up others. It is a process of its own
 * since compressing takes a core.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { DATA_BYTES_MAX } from "@mortar/api";
import { blockDeviceSize, flushBlockCache } from "@mortar/linux";
import { FrameSink } from "./frame-sink.ts";
import { LvRuns } from "./lv-runs.ts";

export interface ReadSpec {
  readonly device: string;
  readonly kind: "full" | "delta";
  readonly brick: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly level: number;
}

async function main(): Promise<void> {
  const spec = JSON.parse(process.argv[2] ?? "") as ReadSpec;
  const { device, offset, sizeBytes, brick, level } = spec;
  const runs = new LvRuns(spec.kind);
  for await (const line of createInterface({ input: process.stdin })) runs.take(line);
  const fd = openSync(device, "r");
  try {
    if (blockDeviceSize(fd, device) !== sizeBytes) throw new Error(`${device} has another size`);
    // What the page cache of the device has may be older than what a file system wrote.
    flushBlockCache(fd, device);
    const sink = new FrameSink({ brick, level, write: writeAll });
    const buffer = Buffer.allocUnsafe(DATA_BYTES_MAX);
    runs.tile(offset, sizeBytes, (kind, begin, length) => {
      if (kind !== "data") return sink[kind](begin, length);
      for (let at = begin; at < begin + length; ) {
        // Pieces begin at multiples of their length, so that what was sent before can be told.
        const end = Math.min(begin + length, (Math.floor(at / DATA_BYTES_MAX) + 1) * DATA_BYTES_MAX);
        const piece = buffer.subarray(0, end - at);
        readAll(fd, piece, at);
        sink.data(at, piece);
        at = end;
      }
    });
    sink.end(sizeBytes);
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, target: Uint8Array, offset: number): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(fd, target, done, target.length - done, offset + done);
    if (count === 0) throw new Error(`The logical volume ends at byte ${offset + done}`);
    done += count;
  }
}

function writeAll(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
