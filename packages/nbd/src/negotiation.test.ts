import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTEXT_MAX } from "./contexts.ts";
import { Info, Option, OptionReply, TransmissionFlag } from "./layouts.ts";
import { OPTION_BYTES_MAX } from "./option-reader.ts";
import {
  contextData,
  infoData,
  MemoryExport,
  MemoryExports,
  optionBytes,
  ScriptedClient,
  SIZE,
  text,
} from "./scripted-client.fixture.ts";

function client(): ScriptedClient {
  const exports = new MemoryExports(new MemoryExport("lv"), new MemoryExport("snap", true));
  return new ScriptedClient(exports);
}

function types(answers: readonly { type: number }[]): number[] {
  return answers.map(({ type }) => type);
}

test("the greeting is that of fixed newstyle", () => {
  const greeting = client().pump().take(18);
  assert.equal(greeting.toString("latin1", 0, 16), "NBDMAGICIHAVEOPT");
  assert.equal(greeting.readUInt16BE(16), 3);
});

test("unknown client flags end the connection", () => {
  const peer = client();
  peer.begin(4);
  assert.equal(peer.session.ended, true);
});

test("LIST names every export with its description", () => {
  const peer = client().begin();
  const answers = peer.option(Option.list);
  assert.deepEqual(types(answers), [OptionReply.server, OptionReply.server, OptionReply.ack]);
  const expected = Buffer.concat([text("lv"), Buffer.from("memory")]);
  assert.deepEqual(Buffer.from(answers[0]!.payload), expected);
  assert.deepEqual(types(peer.option(Option.list, Buffer.from("x"))), [OptionReply.errInvalid]);
});

test("ten thousand exports are listed though the output holds but a part of them", () => {
  const exports = new MemoryExports(new MemoryExport("lv"));
  exports.listed = Array.from({ length: 10_000 }, (_, index) => ({
    name: `${"n".repeat(100)}${index}`,
    description: "one of many",
  }));
  const peer = new ScriptedClient(exports).begin();
  peer.send(optionBytes(Option.list, new Uint8Array()), 1000);
  assert.equal(peer.takeAnswers().length, 10_001);
});

test("GO tells size, flags and block sizes, and enters transmission", () => {
  const peer = client().begin();
  peer.option(Option.structuredReply);
  const wanted = [Info.name, Info.description, Info.blockSize, 77];
  const answers = peer.option(Option.go, infoData("snap", wanted));
  const [exported, name, description, blockSize] = answers.map(({ payload }) => payload);
  assert.equal(Number(exported!.readBigUInt64BE(2)), SIZE);
  const flags = exported!.readUInt16BE(10);
  assert.equal(flags & TransmissionFlag.readOnly, TransmissionFlag.readOnly);
  assert.equal(flags & TransmissionFlag.sendTrim, 0);
  assert.equal(flags & TransmissionFlag.canMultiConn, TransmissionFlag.canMultiConn);
  assert.equal(flags & TransmissionFlag.sendDf, TransmissionFlag.sendDf);
  assert.equal(name!.toString("latin1", 2), "snap");
  assert.equal(description!.toString("latin1", 2), "memory");
  assert.deepEqual(
    [2, 6, 10].map((at) => blockSize!.readUInt32BE(at)),
    [1, 4096, 32 * 1024 * 1024],
  );
  assert.equal(peer.session.exportName, "snap");
  assert.equal(peer.exports.all[1]!.openCount, 1);
  peer.session.close();
  assert.equal(peer.exports.all[1]!.openCount, 0);
});

test("INFO gives the export back, and an unknown one is refused", () => {
  const peer = client().begin();
  assert.deepEqual(types(peer.option(Option.info, infoData("lv", []))), [
    OptionReply.info,
    OptionReply.ack,
  ]);
  assert.equal(peer.exports.all[0]!.openCount, 0);
  assert.deepEqual(types(peer.option(Option.go, infoData("no", []))), [OptionReply.errUnknown]);
});

test("EXPORT_NAME is answered with or without its 124 zeros, and hangs up on an unknown name", () => {
  const terse = client().begin(3);
  terse.send(optionBytes(Option.exportName, Buffer.from("lv")));
  assert.equal(terse.received.length, 10);
  const padded = client().begin(1);
  padded.send(optionBytes(Option.exportName, Buffer.from("lv")));
  assert.equal(padded.received.length, 134);
  const lost = client().begin();
  lost.send(optionBytes(Option.exportName, Buffer.from("no")));
  assert.equal(lost.session.ended, true);
});

test("ABORT is acknowledged and ends the connection", () => {
  const peer = client().begin();
  assert.deepEqual(types(peer.option(Option.abort)), [OptionReply.ack]);
  assert.equal(peer.session.ended, true);
});

test("contexts need structured replies, are listed by prefix, and are chosen by whole name", () => {
  const peer = client().begin();
  const query = contextData("lv", ["base:allocation"]);
  assert.deepEqual(types(peer.option(Option.setMetaContext, query)), [OptionReply.errInvalid]);
  peer.option(Option.structuredReply);
  const names = (queries: string[]): string[] =>
    peer
      .option(Option.listMetaContext, contextData("lv", queries))
      .slice(0, -1)
      .map(({ payload }) => payload.toString("latin1", 4));
  assert.deepEqual(names([]), ["base:allocation", "x-test:since:snap"]);
  assert.deepEqual(names(["x-test:"]), ["x-test:since:snap"]);
  assert.deepEqual(names(["unknown:x"]), []);
  const chosen = peer.option(
    Option.setMetaContext,
    contextData("lv", ["x-test:", "x-test:since:snap", "base:allocation", "base:allocation"]),
  );
  assert.deepEqual(
    chosen.map(({ type, payload }) => [type, payload.toString("latin1", 4)]),
    [
      [OptionReply.metaContext, "x-test:since:snap"],
      [OptionReply.metaContext, "base:allocation"],
      [OptionReply.ack, ""],
    ],
  );
  assert.deepEqual(
    chosen.slice(0, 2).map(({ payload }) => payload.readUInt32BE(0)),
    [0, 1],
  );
});

test("what a context holds open is given back when another export is taken", () => {
  const peer = client().begin();
  peer.option(Option.structuredReply);
  peer.option(Option.setMetaContext, contextData("lv", ["base:allocation"]));
  assert.equal(peer.exports.all[0]!.openCount, 1);
  peer.go("snap");
  assert.deepEqual(
    peer.exports.all.map(({ openCount }) => openCount),
    [0, 1],
  );
});

test("too many contexts and too long options are refused, and the conversation goes on", () => {
  const names = Array.from({ length: CONTEXT_MAX + 1 }, (_, index) => new MemoryExport(`e${index}`));
  const peer = new ScriptedClient(new MemoryExports(new MemoryExport("lv"), ...names)).begin();
  peer.option(Option.structuredReply);
  const all = contextData(
    "lv",
    names.map(({ name }) => `x-test:since:${name}`),
  );
  assert.deepEqual(types(peer.option(Option.setMetaContext, all)), [OptionReply.errTooBig]);
  const long = new Uint8Array(OPTION_BYTES_MAX + 1);
  assert.deepEqual(types(peer.option(Option.info, long)), [OptionReply.errTooBig]);
  assert.deepEqual(types(peer.option(99, new Uint8Array(5))), [OptionReply.errUnsupported]);
  assert.equal(peer.option(Option.list).length, names.length + 2);
});

test("lengths inside an option that point beyond it are refused", () => {
  const peer = client().begin();
  peer.option(Option.structuredReply);
  const whole = contextData("lv", ["base:allocation"]);
  for (let length = 0; length < whole.length; length++) {
    const answers = peer.option(Option.setMetaContext, whole.subarray(0, length));
    assert.deepEqual(types(answers), [OptionReply.errInvalid], `${length} bytes`);
  }
  for (let at = 0; at < 4; at++) {
    const wrong = Buffer.from(whole);
    wrong[at] = 0xff;
    assert.deepEqual(types(peer.option(Option.setMetaContext, wrong)), [OptionReply.errInvalid]);
  }
  const info = infoData("lv", [Info.name]);
  for (let length = 0; length < info.length; length++) {
    const answers = peer.option(Option.info, info.subarray(0, length));
    assert.deepEqual(types(answers), [OptionReply.errInvalid], `${length} bytes`);
  }
});

test("what is no option ends the connection", () => {
  const peer = client().begin();
  peer.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  assert.equal(peer.session.ended, true);
});
