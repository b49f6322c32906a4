// Streams in parts: in a directory, and in a bucket of a real S3 server (moto), are what was written;
// one that was cut off is none; a part that was changed is refused.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { StreamHeader } from "@mortar/api";
import { DirectoryStore } from "./directory-store.ts";
import {
  keptStreams, nextStream, PART_BYTES, PartSink, type PartStore, readParts,
} from "./directory-place.ts";
import { S3Store } from "./s3-store.ts";

const port = 20_000 + (process.pid % 10_000);
const endpoint = `http://127.0.0.1:${port}`;
const hasMoto = spawnSync("moto_server", ["--help"], { timeout: 60_000 }).status === 0;
const skip = hasMoto ? false : "moto_server is not installed (pip install 'moto[server]')";
const environment = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" };
const directory = mkdtempSync(join(tmpdir(), `mortar-parts-${process.pid}-`));
let server: ChildProcess | undefined;

before(async () => {
  if (!hasMoto) return;
  server = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(`${endpoint}/bucket-of-test`, { method: "PUT" }).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(200);
  }
  throw new Error("moto_server does not answer");
});
after(() => {
  server?.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

const id = (digit: number) => `${String(digit).repeat(8)}-0000-4000-8000-000000000000`;
const headerOf = (digit: number, base?: number): StreamHeader => ({
  snapshot: { name: `s ${digit}`, id: id(digit), state: 0 },
  ...(base === undefined ? {} : { base: { name: `s ${base}`, id: id(base), state: 0 } }),
  createdAtMs: digit,
  volume: {
    name: "v", id: id(9), kind: "distribute", replicaCount: 1, arbiterCount: 0, disperseCount: 0,
    redundancyCount: 0, options: [],
  },
  bricks: [],
});

async function keepsStreams(store: PartStore): Promise<void> {
  assert.deepEqual(await keptStreams(store), []);
  const bytes = Buffer.alloc(2 * PART_BYTES + 3, "0123456789");
  for (const header of [headerOf(1), headerOf(2, 1)]) {
    const sink = new PartSink(store, header);
    for (let at = 0; at < bytes.length; at += 3_000_000) {
      await sink.write(bytes.subarray(at, at + 3_000_000));
    }
    await sink.finish();
  }
  const cutOff = new PartSink(store, headerOf(3, 2));
  await cutOff.write(bytes);
  const streams = await keptStreams(store);
  assert.deepEqual(streams.map((it) => it.snapshot.name), ["s 1", "s 2"]);
  assert.equal(nextStream(streams, undefined)?.snapshot.name, "s 1");
  assert.equal(nextStream(streams, id(1))?.snapshot.name, "s 2");
  assert.equal(nextStream(streams, id(2)), undefined);
  const [first] = streams;
  const parts: Uint8Array[] = [];
  for await (const part of readParts(store, first!)) parts.push(part);
  assert.ok(parts.length > 1 && Buffer.concat(parts).equals(bytes));
  await store.put(`${first!.directory}/part-000001`, Buffer.from("other"));
  await assert.rejects(async () => {
    for await (const part of readParts(store, first!)) assert.ok(part.length > 0);
  }, /not as it was written/);
}

test("a directory keeps streams", async () => {
  await keepsStreams(new DirectoryStore(join(directory, "kept")));
});

test("a bucket keeps streams; a strange one is refused in words", { skip, timeout: 120_000 }, async () => {
  await keepsStreams(new S3Store({ url: "s3://bucket-of-test/below/here", endpoint, environment }));
  const none = new S3Store({ url: "s3://no-such-bucket", endpoint, environment });
  await assert.rejects(keptStreams(none), /no bucket/);
  await assert.rejects(none.put("a", Buffer.from("a")), /refused with 404/);
  assert.throws(() => new S3Store({ url: "s3://bucket-of-test", endpoint, environment: {} }), /keys/);
  assert.throws(() => new S3Store({ url: "s3://x", endpoint, environment }), /BUCKET/);
});
