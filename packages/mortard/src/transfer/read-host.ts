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
import { PIECE_BYTES } from "./digest-format.ts";
import { DigestReader } from "./digest-reader.ts";
import { FrameSink } from "./frame-sink.ts";
import { LvRuns } from "./lv-runs.ts";

export interface ReadSpec {
  readonly device: string;
  readonly kind: "full" | "delta";
  readonly brick: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly level: number;
  /** Of a bookmark: what is as they say is the same. */
  readonly digests?: string;
}

async function main(): Promise<void> {
  const spec = JSON.parse(process.argv[2] ?? "") as ReadSpec;
  const { device, offset, sizeBytes, brick, level } = spec;
  const { digests } = spec;
  // The runs are those of the LV alone then, and the digests tell which of them are the same.
  const runs = new LvRuns(digests === undefined ? spec.kind : "full");
  for await (const line of createInterface({ input: process.stdin })) runs.take(line);
  const fd = openSync(device, "r");
  const former = digests === undefined
    ? undefined : new DigestReader(openSync(digests, "r"), digests, sizeBytes);
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
        if (former === undefined) sink.data(at, piece);
        else changed(former, at, piece, sink);
        at = end;
      }
    });
    sink.end(sizeBytes);
  } finally {
    closeSync(fd);
  }
}

/** A piece of which only a part is here was sent before, as far as it was sent. */
function changed(former: DigestReader, offset: number, bytes: Uint8Array, sink: FrameSink): void {
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const place = offset + at;
    const length = Math.min(PIECE_BYTES - (place % PIECE_BYTES), bytes.length - at);
    const isPiece = place % PIECE_BYTES === 0;
    if (isPiece && former.isSame(place / PIECE_BYTES, bytes.subarray(at, at + length))) {
      sink.data(offset + from, bytes.subarray(from, at));
      sink.same(place, length);
      from = at + length;
    }
    at += length;
  }
  sink.data(offset + from, bytes.subarray(from));
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
