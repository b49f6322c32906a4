/** Snapshot streams: what is whole is read as it was written, what is not is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  dataOf, encodeData, encodeFrame, type Frame, FrameReader, type FrameDraft,
} from "./stream-frame.ts";
import { StreamError } from "./stream-error.ts";
import type { StreamHeader } from "./stream-header.ts";
import { StreamOrder, StreamWriter } from "./stream-order.ts";
import { encodeToken, tokenOf } from "./stream-token.ts";

const id = (digit: number) => `${String(digit).repeat(8)}-0000-4000-8000-000000000000`;
const MIB = 1024 * 1024;
const brick = (kind: "full" | "delta", sizeBytes: number, number: number) =>
  ({ id: `v-client-${number}`, kind, sizeBytes, fsType: "xfs", mountOptions: "noatime", below: "/brick" });
const header: StreamHeader = {
  snapshot: { name: "tuesday", id: id(2), state: 0 },
  base: { name: "monday", id: id(1), state: 3 },
  createdAtMs: 1,
  volume: {
    name: "v", id: id(9), kind: "distribute", replicaCount: 1, arbiterCount: 0, disperseCount: 0,
    redundancyCount: 0, options: [{ name: "features.shard", value: "on" }],
  },
  bricks: [brick("full", 3 * MIB, 0), brick("delta", 2 * MIB, 1)],
};

const text = new Uint8Array(MIB).map((_, at) => (at % 61) + 32);
const noise = new Uint8Array(MIB).map((_, at) => (Math.imul(at, 2654435761) >>> 13) & 255);
const ranges: Uint8Array[] = [
  encodeData({ brick: 0, offset: 0 }, text, 1),
  encodeFrame({ type: "hole", brick: 0, offset: MIB, length: MIB }),
  encodeData({ brick: 0, offset: 2 * MIB }, noise, 1),
  encodeFrame({ type: "brickEnd", brick: 0, offset: 3 * MIB }),
  encodeFrame({ type: "same", brick: 1, offset: 0, length: 2 * MIB }),
  encodeFrame({ type: "brickEnd", brick: 1, offset: 2 * MIB }),
];

function streamOf(frames: readonly Uint8Array[], of: StreamHeader = header): Buffer {
  const writer = new StreamWriter();
  const parts = [writer.begin(of)];
  for (const bytes of frames) {
    for (const frame of new FrameReader({ preamble: false }).take(bytes)) writer.count(frame);
    parts.push(bytes);
  }
  return Buffer.concat([...parts, writer.end()]);
}

/** All frames; throws as a receiver would. */
function read(stream: Uint8Array, partBytes = stream.length): Frame[] {
  const reader = new FrameReader();
  const order = new StreamOrder();
  const frames: Frame[] = [];
  for (let at = 0; at < stream.length; at += partBytes) {
    for (const frame of reader.take(stream.subarray(at, at + partBytes))) {
      order.accept(frame);
      if (frame.type === "data") dataOf(frame);
      frames.push(frame);
    }
  }
  reader.finish();
  order.finish();
  return frames;
}

const stream = streamOf(ranges);

test("a stream is read as it was written, in parts of any size", () => {
  for (const partBytes of [stream.length, 100_000, 4096, 33]) {
    const frames = read(stream, partBytes);
    assert.deepEqual(frames.map((it) => it.type), [
      "header", "data", "hole", "data", "brickEnd", "same", "brickEnd", "end",
    ]);
    assert.deepEqual(Buffer.from(dataOf(frames[1]!)), Buffer.from(text));
    assert.deepEqual(Buffer.from(dataOf(frames[3]!)), Buffer.from(noise));
    assert.ok(frames[1]!.payload.length < MIB / 2, "text is sent compressed");
  }
});

test("cut off at any frame, or anywhere in one, it is refused", () => {
  const cuts = [0, 1, 15, 16, 17, 47, 48, stream.length - 1];
  let at = 0;
  for (const bytes of ranges) cuts.push((at += bytes.length), at + 31, at + 40);
  for (const cut of cuts) {
    assert.throws(() => read(stream.subarray(0, Math.min(cut, stream.length - 1))), StreamError);
  }
});

test("one flipped bit, wherever it is, is found", () => {
  for (let round = 0; round < 500; round++) {
    const bit = Math.floor(((round * 0.6180339887) % 1) * stream.length * 8);
    const bad = Buffer.from(stream);
    bad[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => read(bad), StreamError, `bit ${bit}`);
  }
  for (let bit = 0; bit < 48 * 8; bit++) {
    const bad = Buffer.from(stream);
    bad[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => read(bad), StreamError, `bit ${bit}`);
  }
});

test("more than the end is refused, as are frames that say impossible things", () => {
  assert.throws(() => read(Buffer.concat([stream, Buffer.of(0)])), /more after its end/);
  assert.throws(() => read(Buffer.concat([stream, stream])), /more after its end/);
  const strange: readonly (readonly [FrameDraft, RegExp])[] = [
    [{ type: "hole", offset: MIB, length: 1 }, /begins at/],
    [{ type: "hole", length: 4 * MIB }, /range of/],
    [{ type: "hole", length: 0 }, /range of/],
    [{ type: "hole", brick: 1, length: 1 }, /of brick 2/],
    [{ type: "same", length: 1 }, /nothing it could be the same as/],
    [{ type: "brickEnd" }, /ends here/],
    [{ type: "data", length: 2, payload: new Uint8Array(1) }, /as long as it says/],
    [{ type: "data", length: 2 * MIB, isDeflated: true, payload: new Uint8Array(1) }, /data of/],
    [{ type: "hole", length: 1, payload: new Uint8Array(1) }, /has 1 bytes/],
    [{ type: "hole", offset: 2 ** 53, length: 1 }, /beyond/],
    [{ type: "header", payload: new TextEncoder().encode("{}") }, /two headers/],
    [{ type: "end", payload: new TextEncoder().encode("{}") }, /before its last brick/],
  ];
  const begun = new StreamWriter().begin(header);
  for (const [draft, reason] of strange) {
    assert.throws(() => read(Buffer.concat([begun, encodeFrame(draft)])), reason);
  }
});

test("data that unpacks to another length is refused, and is not unpacked further", () => {
  const [packed] = [...new FrameReader({ preamble: false }).take(ranges[0]!)];
  for (const length of [MIB - 1, 10]) {
    const lie = encodeFrame({ type: "data", length, isDeflated: true, payload: packed!.payload });
    const [frame] = [...new FrameReader({ preamble: false }).take(lie)];
    assert.throws(() => dataOf(frame!), StreamError);
  }
});

test("what is no stream, or a later one, is said to be so", () => {
  assert.throws(() => read(Buffer.from("#!/bin/sh\necho this is a script\n")), /no snapshot stream/);
  const later = Buffer.from(stream);
  later.writeUInt32LE(2, 8);
  assert.throws(() => read(later), /version 2/);
});

test("a header must be of its schema, and fit itself", () => {
  const refused = (of: object, reason: RegExp): void => {
    assert.throws(() => read(streamOf(ranges, { ...header, ...of })), reason);
  };
  refused({ bricks: [] }, /header/);
  refused({ base: undefined }, /nothing that they are to/);
  refused({ resume: { brick: 2, offset: 0 } }, /no brick/);
  refused({ resume: { brick: 0, offset: 4 * MIB } }, /no brick/);
  refused({ bricks: [{ ...header.bricks[0]!, below: "/../etc\n" }] }, /below/);
});

test("a stream goes on in the middle of a brick, and covers the rest", () => {
  const resumed = { ...header, resume: { brick: 0, offset: MIB } };
  assert.equal(read(streamOf(ranges.slice(1), resumed)).length, 7);
  assert.throws(() => read(streamOf(ranges, resumed)), /begins at 0/);
});

test("a token comes back as it was; other words are none", () => {
  const token = { snapshot: header.snapshot, place: { brick: 1, offset: 512 } };
  assert.deepEqual(tokenOf(encodeToken(token)), token);
  for (const word of ["", "mortar1-", "mortar1-e30", encodeToken(token).slice(1)]) {
    assert.equal(tokenOf(word), undefined);
  }
});

test("random bytes, and random changes of a stream, never do anything but be refused", () => {
  let seed = 12_345;
  const random = (max: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * max);
  };
  const small = streamOf([
    encodeFrame({ type: "hole", brick: 0, offset: 0, length: 3 * MIB }), ...ranges.slice(3),
  ]);
  for (let round = 0; round < 1000; round++) {
    const bad = Buffer.from(small);
    const from = random(bad.length);
    const length = 1 + random(40);
    for (let at = from; at < Math.min(from + length, bad.length); at++) bad[at] = random(256);
    if (bad.equals(small)) continue;
    assert.throws(() => read(bad, 1 + random(200)), StreamError);
  }
});
