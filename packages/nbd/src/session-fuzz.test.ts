import assert from "node:assert/strict";
import { test } from "node:test";
import { Command, Option } from "./layouts.ts";
import {
  contextData,
  infoData,
  MemoryExport,
  MemoryExports,
  optionBytes,
  requestBytes,
  ScriptedClient,
  SIZE,
} from "./scripted-client.fixture.ts";

/** mulberry32: the same rubbish in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ZEROS = Buffer.alloc(SIZE);
const conversation = Buffer.concat([
  Buffer.from([0, 0, 0, 3]),
  optionBytes(Option.structuredReply, new Uint8Array()),
  optionBytes(Option.listMetaContext, contextData("lv", ["base:"])),
  optionBytes(Option.setMetaContext, contextData("lv", ["base:allocation", "x-test:since:snap"])),
  optionBytes(Option.info, infoData("snap", [1, 2, 3])),
  optionBytes(Option.list, new Uint8Array()),
  optionBytes(Option.go, infoData("lv", [3])),
  requestBytes(Command.write, { offset: 4096, data: Buffer.alloc(5000, 1) }),
  requestBytes(Command.read, { length: 100_000 }),
  requestBytes(Command.blockStatus, { length: 1_000_000 }),
  requestBytes(Command.writeZeroes, { offset: 70_000, length: 200_000 }),
  requestBytes(Command.trim, { offset: 0, length: 200_000 }),
  requestBytes(Command.flush, {}),
  requestBytes(Command.read, { offset: 4095, length: 9 }),
]);

test("no damage to a conversation makes a session throw, hang, or touch other bytes", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const bytes = Buffer.from(conversation);
    const damages = 1 + Math.floor(next() * 4);
    for (let damage = 0; damage < damages; damage++) {
      const at = Math.floor(next() * bytes.length);
      bytes[at] = next() < 0.5 ? bytes[at]! ^ (1 << Math.floor(next() * 8)) : Math.floor(next() * 256);
    }
    const cut = bytes.subarray(0, next() < 0.3 ? Math.floor(next() * bytes.length) : bytes.length);
    const exports = new MemoryExports(new MemoryExport("lv"), new MemoryExport("snap", true));
    const peer = new ScriptedClient(exports);
    peer.pump().send(cut, 1 + Math.floor(next() * 3000));
    peer.session.close();
    assert.deepEqual(
      exports.all.map(({ openCount }) => openCount),
      [0, 0],
      `seed ${seed}: every export that was opened is given back`,
    );
    assert.ok(
      ZEROS.equals(exports.all[1]!.bytes),
      `seed ${seed}: the read-only export is as it was`,
    );
  }
});

test("a conversation that comes byte by byte is the same conversation", () => {
  const answer = (pipe: number): Buffer => {
    const exports = new MemoryExports(new MemoryExport("lv"), new MemoryExport("snap", true));
    return new ScriptedClient(exports).pump().send(conversation, pipe).received;
  };
  assert.ok(answer(1).equals(answer(Infinity)));
});
