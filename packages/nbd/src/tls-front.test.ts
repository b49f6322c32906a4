import assert from "node:assert/strict";
import { test } from "node:test";
import { Option, OptionReply } from "./layouts.ts";
import { infoData, optionBytes } from "./scripted-client.fixture.ts";
import { GREETING_BYTES, TlsFront } from "./tls-front.ts";

const FLAGS = Buffer.from([0, 0, 0, 3]);

function begun(): TlsFront {
  const front = new TlsFront();
  assert.equal(front.takeOutput().length, GREETING_BYTES);
  front.receive(FLAGS);
  return front;
}

function replyType(front: TlsFront): number {
  const output = Buffer.from(front.takeOutput());
  return output.readUInt32BE(12);
}

test("nothing is told before TLS", () => {
  const front = begun();
  for (const option of [Option.list, Option.info, Option.go, Option.structuredReply, 99]) {
    front.receive(optionBytes(option, option === Option.go ? infoData("lv", []) : Buffer.alloc(0)));
    assert.equal(replyType(front), OptionReply.errTlsRequired);
    assert.equal(front.state, "plain");
  }
});

test("STARTTLS is acknowledged, and the client's flags are kept", () => {
  const front = begun();
  front.receive(optionBytes(Option.startTls, Buffer.from("x")));
  assert.equal(replyType(front), OptionReply.errInvalid);
  front.receive(optionBytes(Option.startTls, Buffer.alloc(0)));
  assert.equal(replyType(front), OptionReply.ack);
  assert.equal(front.state, "tls");
  assert.deepEqual(Buffer.from(front.clientFlags), FLAGS);
});

test("bytes that follow STARTTLS in the clear end the connection", () => {
  const front = begun();
  const attack = optionBytes(Option.go, infoData("lv", []));
  front.receive(Buffer.concat([optionBytes(Option.startTls, Buffer.alloc(0)), attack]));
  assert.equal(front.state, "close");
});

test("EXPORT_NAME, ABORT, rubbish and endless refusals end the connection", () => {
  for (const bytes of [
    optionBytes(Option.exportName, Buffer.from("lv")),
    optionBytes(Option.abort, Buffer.alloc(0)),
    Buffer.alloc(64, 0x41),
    Buffer.concat(Array.from({ length: 17 }, () => optionBytes(Option.list, Buffer.alloc(0)))),
    optionBytes(Option.exportName, Buffer.alloc(0), 2 ** 31),
  ]) {
    const front = begun();
    front.receive(bytes);
    assert.equal(front.state, "close");
  }
  const front = new TlsFront();
  front.receive(Buffer.from([1, 0, 0, 3]));
  assert.equal(front.state, "close");
});
