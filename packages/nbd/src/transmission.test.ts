import assert from "node:assert/strict";
import { test } from "node:test";
import { PENDING } from "./export-face.ts";
import { ChunkType, Command, CommandFlag, NbdError } from "./layouts.ts";
import {
  MemoryExport,
  MemoryExports,
  PARKED,
  requestBytes,
  ScriptedClient,
  SIZE,
} from "./scripted-client.fixture.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
/** Of a write that is taken in pieces, though all of it fits the input. */
const LONG = 300 * KiB;

function connect(options: { structured?: boolean; contexts?: string[] } = {}): {
  lv: MemoryExport;
  peer: ScriptedClient;
} {
  const lv = new MemoryExport("lv");
  const exports = new MemoryExports(lv, new MemoryExport("snap", true));
  return { lv, peer: new ScriptedClient(exports).begin().go("lv", options) };
}

function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + seed) & 0xff;
  return bytes;
}

test("what is written is read, with simple and with structured replies", () => {
  for (const structured of [false, true]) {
    const { peer } = connect({ structured });
    const data = pattern(8 * KiB);
    assert.equal(peer.simple(Command.write, { offset: 4096, data }), 0);
    if (structured) {
      const [chunk, ...others] = peer.chunks(Command.read, { offset: 4096, length: data.length });
      assert.equal(chunk!.type, ChunkType.offsetData);
      assert.equal(Number(chunk!.payload.readBigUInt64BE(0)), 4096);
      assert.deepEqual(chunk!.payload.subarray(8), data);
      assert.deepEqual(others, []);
    } else {
      assert.equal(peer.simple(Command.read, { offset: 4096, length: data.length }), 0);
      assert.deepEqual(peer.take(data.length), data);
    }
    assert.equal(peer.received.length, 0);
  }
});

test("a structured read tells holes as holes, unless it must not be fragmented", () => {
  const { peer } = connect();
  const data = pattern(4 * KiB);
  peer.simple(Command.write, { offset: 8192, data });
  const chunks = peer.chunks(Command.read, { offset: 0, length: 64 * KiB });
  assert.deepEqual(
    chunks.map(({ type, payload }) => [type, Number(payload.readBigUInt64BE(0))]),
    [
      [ChunkType.offsetHole, 0],
      [ChunkType.offsetData, 8192],
      [ChunkType.offsetHole, 12_288],
    ],
  );
  assert.equal(chunks[2]!.payload.readUInt32BE(8), 64 * KiB - 12_288);
  const request = { offset: 0, length: 64 * KiB, flags: CommandFlag.df };
  const [whole, ...others] = peer.chunks(Command.read, request);
  assert.deepEqual(others, []);
  assert.equal(whole!.payload.length, 8 + 64 * KiB);
  assert.deepEqual(whole!.payload.subarray(8 + 8192, 8 + 12_288), data);
});

test("transfers larger than the buffers go through in pieces, whatever the pipe lets through", () => {
  for (const structured of [false, true]) {
    for (const pipe of [777, 100_000, Infinity]) {
      const { lv, peer } = connect({ structured });
      const data = pattern(3 * MiB, pipe & 0xff);
      peer.send(requestBytes(Command.write, { offset: 512 * KiB, data }), pipe);
      assert.equal(peer.take(16).readUInt32BE(4), 0);
      assert.deepEqual(Buffer.from(lv.bytes.subarray(512 * KiB, 512 * KiB + data.length)), data);
      peer.send(requestBytes(Command.read, { length: SIZE }), pipe);
      const target = Buffer.alloc(SIZE, 0xee);
      if (structured) {
        for (const { type, payload } of peer.takeChunks()) {
          const offset = Number(payload.readBigUInt64BE(0));
          if (type === ChunkType.offsetData) target.set(payload.subarray(8), offset);
          else target.fill(0, offset, offset + payload.readUInt32BE(8));
        }
      } else {
        assert.equal(peer.take(16).readUInt32BE(4), 0);
        target.set(peer.take(SIZE));
      }
      assert.ok(target.equals(lv.bytes));
    }
  }
});

test("a hundred requests that come at once are all answered, in order", () => {
  const { lv, peer } = connect({ structured: false });
  const requests = Array.from({ length: 100 }, (_, index) => {
    const data = pattern(4096, index);
    return requestBytes(Command.write, { offset: index * 4096, data, cookie: index });
  });
  peer.send(Buffer.concat(requests));
  for (let index = 0; index < 100; index++) {
    const reply = peer.take(16);
    assert.deepEqual([reply.readUInt32BE(4), reply.readUInt32BE(12)], [0, index]);
    const written = lv.bytes.subarray(index * 4096, (index + 1) * 4096);
    assert.deepEqual(Buffer.from(written), pattern(4096, index));
  }
});

test("FUA makes durable before the answer, and so does FLUSH", () => {
  const { lv, peer } = connect();
  peer.simple(Command.write, { data: pattern(512), flags: CommandFlag.fua });
  peer.simple(Command.write, { data: pattern(MiB), flags: CommandFlag.fua });
  peer.simple(Command.trim, { offset: MiB, length: MiB, flags: CommandFlag.fua });
  peer.simple(Command.flush, {});
  const expected = ["write", "flush", "write", "flush", "trim", "flush", "flush"];
  const verbs = lv.calls.map((call) => call.split(" ")[0]);
  assert.deepEqual(
    verbs.filter((verb, index) => verb !== "write" || verbs[index - 1] !== "write"),
    expected,
  );
});

test("zeroing honours NO_HOLE and FAST_ZERO", () => {
  const { lv, peer } = connect();
  const zero = (flags: number, length: number): number =>
    peer.simple(Command.writeZeroes, { offset: 0, length, flags });
  assert.equal(zero(CommandFlag.noHole, 4096), 0);
  assert.equal(zero(CommandFlag.fastZero, 4096), NbdError.ENOTSUP);
  assert.equal(zero(CommandFlag.fastZero, 64 * KiB), 0);
  assert.deepEqual(lv.calls, ["zero 0 4096 true", "zero 0 65536 false"]);
});

test("requests outside the export, against read-only ones and with wrong flags are refused", () => {
  const { peer } = connect();
  const refusal = (type: number, request: Parameters<typeof peer.simple>[1]): number =>
    peer.simple(type, request);
  assert.equal(refusal(Command.write, { offset: SIZE, data: pattern(1) }), NbdError.ENOSPC);
  assert.equal(refusal(Command.write, { data: pattern(1), flags: 64 }), NbdError.EINVAL);
  assert.equal(refusal(Command.trim, { offset: SIZE - 1, length: 2 }), NbdError.EINVAL);
  assert.equal(refusal(Command.writeZeroes, { offset: 2 ** 53, length: 2 }), NbdError.ENOSPC);
  assert.equal(refusal(Command.cache, { length: 5 }), 0);
  assert.equal(refusal(Command.cache, { length: 5, flags: 2 }), NbdError.EINVAL);
  assert.equal(refusal(99, {}), NbdError.EINVAL);
  const [chunk] = peer.chunks(Command.read, { offset: SIZE - 1, length: 2 });
  assert.equal(chunk!.type, ChunkType.error);
  assert.equal(chunk!.payload.readUInt32BE(0), NbdError.EINVAL);

  const other = new ScriptedClient(peer.exports).begin().go("snap");
  for (const type of [Command.write, Command.trim, Command.writeZeroes])
    assert.equal(
      other.simple(type, type === Command.write ? { data: pattern(1) } : { length: 1 }),
      NbdError.EPERM,
    );
});

test("a read that fails is an error chunk, or hangs up when the header is out already", () => {
  const { lv, peer } = connect();
  lv.write(0, pattern(2 * MiB));
  lv.failReadsFrom = MiB;
  const chunks = peer.chunks(Command.read, { length: 2 * MiB });
  assert.equal(chunks.at(-1)!.type, ChunkType.error);
  assert.equal(chunks.at(-1)!.payload.readUInt32BE(0), NbdError.EIO);
  const plain = new ScriptedClient(peer.exports).begin().go("lv", { structured: false });
  assert.equal(plain.simple(Command.read, { offset: MiB, length: 4096 }), NbdError.EIO);
  plain.send(requestBytes(Command.read, { length: 2 * MiB }));
  assert.equal(plain.session.ended, true);
});

test("block status tells extents for each context, one of them if asked so", () => {
  const { lv, peer } = connect({ contexts: ["base:allocation", "x-test:since:snap"] });
  lv.write(64 * KiB, pattern(8 * KiB));
  const extents = (payload: Buffer): number[][] =>
    Array.from({ length: (payload.length - 4) / 8 }, (_, index) => [
      payload.readUInt32BE(4 + 8 * index),
      payload.readUInt32BE(8 + 8 * index),
    ]);
  const [base, since] = peer.chunks(Command.blockStatus, { offset: 4096, length: MiB });
  assert.deepEqual(extents(base!.payload), [
    [60 * KiB, 3],
    [8 * KiB, 0],
    [MiB - 68 * KiB, 3],
  ]);
  assert.deepEqual([base!.payload.readUInt32BE(0), since!.payload.readUInt32BE(0)], [0, 1]);
  assert.deepEqual(extents(since!.payload), [[MiB, 1]]);
  const [one] = peer.chunks(Command.blockStatus, {
    offset: 4096,
    length: MiB,
    flags: CommandFlag.reqOne,
  });
  assert.deepEqual(extents(one!.payload), [[60 * KiB, 3]]);
  const [refused] = peer.chunks(Command.blockStatus, { length: 0 });
  assert.equal(refused!.type, ChunkType.error);
  const { peer: without } = connect();
  assert.equal(without.chunks(Command.blockStatus, { length: 1 })[0]!.type, ChunkType.error);
});

test("what finds the pool full is answered when there is room, or fails after a minute", () => {
  const { lv, peer } = connect();
  lv.refusal = PARKED;
  peer.send(requestBytes(Command.write, { data: pattern(4096), cookie: 1 }));
  peer.send(requestBytes(Command.writeZeroes, { length: 4096, cookie: 2, flags: 2 }));
  peer.send(requestBytes(Command.write, { data: pattern(LONG, 9), cookie: 3 }));
  assert.equal(peer.received.length, 0);
  assert.equal(peer.session.parkedCount, 3);
  peer.nowMs = 30_000;
  peer.session.retryParked();
  assert.equal(peer.pump().received.length, 0);
  lv.refusal = 0;
  peer.session.retryParked();
  peer.pump();
  for (const cookie of [1, 2, 3]) {
    const reply = peer.take(16);
    assert.deepEqual([reply.readUInt32BE(4), reply.readUInt32BE(12)], [0, cookie]);
  }
  assert.deepEqual(Buffer.from(lv.bytes.subarray(0, LONG)), pattern(LONG, 9));
  lv.refusal = PARKED;
  peer.send(requestBytes(Command.write, { data: pattern(4096) }));
  peer.send(requestBytes(Command.write, { data: pattern(LONG) }));
  peer.nowMs += 61_000;
  peer.session.retryParked();
  peer.pump();
  for (let count = 0; count < 2; count++)
    assert.equal(peer.take(16).readUInt32BE(4), NbdError.ENOSPC);
  assert.equal(peer.simple(Command.flush, {}), 0);
});

test("reads go on while writes wait for room", () => {
  const { lv, peer } = connect();
  lv.refusal = PARKED;
  peer.send(requestBytes(Command.write, { data: pattern(4096), cookie: 1 }));
  assert.equal(peer.chunks(Command.read, { length: 4096 })[0]!.type, ChunkType.offsetHole);
});

test("flushes under way are answered when they are done, and nothing waits for them", () => {
  const { lv, peer } = connect();
  lv.flushAnswer = PENDING;
  peer.send(requestBytes(Command.flush, { cookie: 1 }));
  peer.send(requestBytes(Command.write, { data: pattern(512), flags: CommandFlag.fua, cookie: 2 }));
  peer.send(requestBytes(Command.flush, { cookie: 3 }));
  assert.equal(peer.received.length, 0);
  assert.equal(peer.simple(Command.cache, { length: 1, cookie: 4 }), 0);
  peer.session.flushed(2, 0);
  peer.pump();
  assert.deepEqual([peer.take(16).readUInt32BE(12), peer.take(16).readUInt32BE(12)], [1, 2]);
  peer.session.flushed(1, NbdError.EIO);
  peer.pump();
  const last = peer.take(16);
  assert.deepEqual([last.readUInt32BE(4), last.readUInt32BE(12)], [NbdError.EIO, 3]);
  lv.refusal = PARKED;
  peer.send(requestBytes(Command.write, { data: pattern(512), flags: CommandFlag.fua, cookie: 5 }));
  lv.refusal = 0;
  peer.session.retryParked();
  assert.equal(peer.pump().received.length, 0);
  peer.session.flushed(1, 0);
  assert.equal(peer.pump().take(16).readUInt32BE(12), 5);
});

test("DISC ends the connection without an answer, and rubbish does too", () => {
  const { peer } = connect();
  peer.send(requestBytes(Command.disconnect, {}));
  assert.equal(peer.session.ended, true);
  assert.equal(peer.received.length, 0);
  const { peer: other } = connect();
  other.send(Buffer.alloc(28, 0x41));
  assert.equal(other.session.ended, true);
});
