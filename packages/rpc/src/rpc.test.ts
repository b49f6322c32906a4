import assert from "node:assert/strict";
import { test } from "node:test";
import { XdrWriter } from "@mortar/binary";
import {
  AUTH_STATUS, beginRecord, decodeCall, decodeCredential, decodeReply, denialOf, encodeCall,
  encodeCredential, encodeRecord, encodeReply, endRecord, messageKind, RecordDecoder, RpcError,
  writeSuccess,
} from "./index.ts";
import type { Credential, ReplyOutcome } from "./index.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

/** Small deterministic pseudo-random numbers (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

const none = encodeCredential({ kind: "none" });
const target = { xid: 7, program: 123_451_501, version: 1, procedure: 2 };

test("a call is the bytes of RFC 5531", () => {
  const record = encodeCall(target, none, Uint8Array.of(1, 2, 3, 4));
  const want = `8000002c 00000007 00000000 00000002 075bb86d 00000001 00000002
    00000000 00000000 00000000 00000000 01020304`;
  assert.equal(hex(record), want.replaceAll(/\s/g, ""));
  const call = decodeCall(record.subarray(4));
  assert.deepEqual({ ...call, args: hex(call.args) }, {
    ...target, credential: { flavor: 0, body: new Uint8Array(0) }, args: "01020304",
  });
});

test("a successful reply is the bytes of RFC 5531, however it is written", () => {
  const want = "8000001c 00000007 00000001 00000000 00000000 00000000 00000000 0a0b0c0d";
  const results = bytes("0a0b0c0d");
  assert.equal(hex(encodeReply(7, { kind: "success", results })), want.replaceAll(" ", ""));
  const writer = new XdrWriter(4);
  const start = beginRecord(writer);
  writeSuccess(writer, 7);
  endRecord(writer, start, results.length);
  assert.equal(hex(writer.view()) + hex(results), want.replaceAll(" ", ""));
});

test("every outcome of a call is read back as it was sent", () => {
  const outcomes: ReplyOutcome[] = [
    { kind: "success", results: bytes("00000001") },
    { kind: "program-unavailable" },
    { kind: "program-mismatch", low: 2, high: 3 },
    { kind: "procedure-unavailable" },
    { kind: "garbage-arguments" },
    { kind: "system-error" },
    { kind: "rpc-mismatch", low: 2, high: 2 },
    { kind: "authentication-error", why: AUTH_STATUS.tooWeak },
  ];
  for (const outcome of outcomes) {
    const [record] = new RecordDecoder().push(encodeReply(9, outcome));
    assert.ok(record);
    assert.equal(messageKind(record), "reply");
    assert.deepEqual(decodeReply(record), { xid: 9, ...outcome });
  }
});

test("a call of another RPC version is denied with its own xid", () => {
  const record = encodeCall(target, none).slice(4);
  record[11] = 3;
  try {
    decodeCall(record);
    assert.fail("decoded");
  } catch (error) {
    assert.ok(error instanceof RpcError);
    assert.equal(error.code, "rpc-version");
    assert.deepEqual(decodeReply(denialOf(error)!.subarray(4)), {
      xid: 7, kind: "rpc-mismatch", low: 2, high: 2,
    });
  }
});

const owner = { uid: 1, gid: 2, groups: [3, 4, 5] };
const lockOwner = bytes("0102030405060708");
const credentials: Credential[] = [
  { kind: "none" },
  { kind: "unix", stamp: 9, machine: "host", ...owner },
  { kind: "gluster1", pid: -6, lockOwner, ...owner },
  { kind: "gluster2", pid: -6, lockOwner, ...owner },
  {
    kind: "gluster3", pid: 77, lockOwner, ...owner, timeFlags: 0x1f, timeSeconds: 1_800_000_000,
    timeNanoseconds: 5,
  },
];

test("every kind of credential is read back as it was written", () => {
  for (const credential of credentials) {
    const raw = encodeCredential(credential);
    const decoded = decodeCredential(raw);
    assert.deepEqual(JSON.stringify(sorted(decoded)), JSON.stringify(sorted(credential)));
  }
});

const sorted = (value: object) =>
  Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, item instanceof Uint8Array ? hex(item) : item as unknown]);

test("GlusterFS credentials are the bytes of its wire", () => {
  const [, , first, second, third] = credentials.map((item) => encodeCredential(item));
  assert.equal(first!.body.length, 8 + 16 + 64);
  assert.equal(hex(second!.body), `fffffffa 00000001 00000002 00000003 00000003 00000004 00000005
    00000008 0102030405060708`.replaceAll(/\s/g, ""));
  assert.equal(hex(third!.body), `0000004d 00000001 00000002 0000001f 00000005 00000000 6b49d200
    00000003 00000003 00000004 00000005 00000008 0102030405060708`.replaceAll(/\s/g, ""));
  assert.deepEqual([first!.flavor, second!.flavor, third!.flavor], [5, 390_039, 390_040]);
});

test("credentials that do not fit, or are not known, are refused", () => {
  const groups = Array.from({ length: 120 }, (_, group) => group);
  assert.throws(
    () => encodeCredential({ kind: "gluster2", pid: 1, uid: 1, gid: 1, groups, lockOwner }),
    { code: "malformed", message: /fewer groups/ },
  );
  assert.throws(() => decodeCredential({ flavor: 6, body: new Uint8Array(0) }), {
    code: "unknown-credential",
  });
  const cut = encodeCredential(credentials[4]!).body.slice(0, 30);
  assert.throws(() => decodeCredential({ flavor: 390_040, body: cut }), { code: "malformed" });
});

test("records are found however the stream is cut", () => {
  const messages = [0, 1, 3, 4, 5, 100, 5000].map((length) =>
    Uint8Array.from({ length }, (_, at) => at * 7 + length),
  );
  const stream = Buffer.concat(messages.map((message) => encodeRecord(message)));
  for (const step of [1, 2, 3, 5, 7, 64, 1000, stream.length]) {
    const decoder = new RecordDecoder();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += step) {
      found.push(...decoder.push(stream.subarray(at, at + step)).map(hex));
    }
    assert.deepEqual(found, messages.map(hex), `step ${step}`);
    assert.equal(decoder.pendingBytes, 0);
  }
});

test("a record of several fragments is put together, empty ones included", () => {
  const stream = bytes("00000002 aabb 00000000 00000001 cc 80000000 80000001 dd");
  assert.deepEqual(new RecordDecoder().push(stream).map(hex), ["aabbcc", "dd"]);
  const decoder = new RecordDecoder();
  const found = [...stream].flatMap((byte) => decoder.push(Uint8Array.of(byte)).map(hex));
  assert.deepEqual(found, ["aabbcc", "dd"]);
});

test("a record that announces too much is refused before it is stored", () => {
  const tooLong = bytes("ffffffff");
  assert.throws(() => new RecordDecoder().push(tooLong), { code: "record-too-large" });
  const decoder = new RecordDecoder({ recordBytesMax: 10 });
  decoder.push(bytes("00000008 0000000000000000"));
  assert.throws(() => decoder.push(bytes("80000003")), { code: "record-too-large" });
  assert.throws(() => decoder.push(bytes("80000001 00")), { code: "record-too-large" });
});

test("an announced record allocates little before its bytes come", () => {
  const decoder = new RecordDecoder();
  const before = process.memoryUsage().arrayBuffers;
  decoder.push(bytes("87ffffff 00"));
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * 1024 * 1024);
  assert.equal(decoder.pendingBytes, 1);
});

test("random, cut and flipped messages throw nothing but RpcError", () => {
  const next = random(4);
  const samples = credentials.map((item) =>
    encodeCall(target, encodeCredential(item), Uint8Array.of(1, 2, 3, 4)).slice(4),
  );
  samples.push(encodeReply(1, { kind: "program-mismatch", low: 1, high: 2 }).slice(4));
  for (let round = 0; round < 20_000; round++) {
    const message = samples[round % samples.length]!.slice();
    message[next() % message.length]! ^= 1 << (next() % 8);
    const broken = round % 3 === 0
      ? message.subarray(0, next() % message.length)
      : round % 3 === 1 ? message : Uint8Array.from({ length: next() % 80 }, () => next());
    for (const action of [
      () => decodeCredential(decodeCall(broken).credential),
      () => decodeReply(broken),
      () => new RecordDecoder({ recordBytesMax: 4096 }).push(broken),
    ]) {
      try {
        action();
      } catch (error) {
        assert.ok(error instanceof RpcError, String(error));
      }
    }
  }
});
