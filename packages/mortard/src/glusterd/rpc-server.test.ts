// A scripted client that sends what no honest one would.
import assert from "node:assert/strict";
import { type Socket, createConnection } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { dump, getSpec, ping, portByBrick } from "@mortar/gluster";
import { RecordDecoder, type RpcReply, decodeReply, encodeCall } from "@mortar/rpc";
import { RpcServer, service } from "./rpc-server.ts";

const lines: { level: string; text: string }[] = [];
const log = {
  debug: () => undefined,
  info: (_: unknown, text?: string) => void lines.push({ level: "info", text: text ?? "" }),
  warn: (_: unknown, text?: string) => void lines.push({ level: "warn", text: text ?? "" }),
  error: (_: unknown, text?: string) => void lines.push({ level: "error", text: text ?? "" }),
} as never;
const none = { flavor: 0, body: new Uint8Array(0) };
let server: RpcServer;
let port = 0;
const sockets: Socket[] = [];

beforeEach(async () => {
  lines.length = 0;
  server = new RpcServer({
    log,
    connectionsMax: 4,
    patienceMs: 200,
    services: [
      service(ping, () => ({ opRet: 0, opErrno: 0, extra: new Uint8Array(0) })),
      service(portByBrick, ({ brick }) => {
        if (brick === "throw") throw new Error("asked for it");
        return { opRet: 0, opErrno: 0, status: 0, port: brick.length };
      }),
      service(getSpec, ({ key, extra }) => ({ opRet: 3, opErrno: 0, spec: key, extra })),
    ],
  });
  ({ port } = await server.listen("127.0.0.1", 0));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

class Client {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly #decoder = new RecordDecoder();
  readonly #replies: RpcReply[] = [];
  #wake: () => void = () => undefined;

  constructor() {
    this.socket = createConnection(port, "127.0.0.1");
    sockets.push(this.socket);
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => this.socket.once("close", () => resolve()));
    this.socket.on("data", (chunk) => {
      for (const record of this.#decoder.push(new Uint8Array(chunk))) {
        this.#replies.push(decodeReply(record));
      }
      this.#wake();
    });
  }

  async reply(): Promise<RpcReply> {
    while (this.#replies.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#replies.shift()!;
  }
}

function call(xid: number, program: number, version: number, procedure: number, args?: Uint8Array) {
  return encodeCall({ xid, program, version, procedure }, none, args);
}

function askPort(xid: number, brick: string): Uint8Array {
  const { number, version } = portByBrick.program;
  return call(xid, number, version, portByBrick.number, portByBrick.encodeRequest({ brick }));
}

test("a call is answered, whole, byte by byte, and in fragments of any size", async () => {
  const client = new Client();
  const record = askPort(7, "/brick");
  client.socket.write(record);
  assert.equal((await client.reply()).xid, 7);
  for (const byte of askPort(8, "/brick")) client.socket.write(Uint8Array.of(byte));
  assert.equal((await client.reply()).xid, 8);
  const body = askPort(9, "/brick").subarray(4);
  for (let at = 0; at < body.length; at += 10) {
    const piece = body.subarray(at, at + 10);
    const header = Buffer.alloc(4);
    const last = at + 10 >= body.length ? 0x8000_0000 : 0;
    header.writeUInt32BE((piece.length | last) >>> 0);
    client.socket.write(header);
    client.socket.write(piece);
  }
  const reply = await client.reply();
  assert.equal(reply.xid, 9);
  assert.ok(reply.kind === "success");
  assert.equal(portByBrick.decodeReply(reply.results).port, 6);
});

test("many calls at once are answered in their order", async () => {
  const client = new Client();
  const all = Array.from({ length: 500 }, (_, index) => askPort(index, "x".repeat(index % 50)));
  client.socket.write(Buffer.concat(all));
  for (let index = 0; index < 500; index += 1) {
    const reply = await client.reply();
    assert.equal(reply.xid, index);
    assert.ok(reply.kind === "success");
    assert.equal(portByBrick.decodeReply(reply.results).port, index % 50);
  }
});

test("what is not served is answered as RFC 5531 says, and logged", async () => {
  const client = new Client();
  client.socket.write(call(1, 1298437, 400, 3));
  assert.equal((await client.reply()).kind, "program-unavailable");
  client.socket.write(call(2, dump.program.number, 9, 1));
  assert.deepEqual(await client.reply(), { xid: 2, kind: "program-mismatch", low: 1, high: 1 });
  client.socket.write(call(3, dump.program.number, 1, 77));
  assert.equal((await client.reply()).kind, "procedure-unavailable");
  client.socket.write(call(4, dump.program.number, 1, 0));
  assert.equal((await client.reply()).kind, "success");
  assert.equal(lines.filter((line) => line.text.startsWith("call refused")).length, 3);
});

test("cut arguments, and lengths that lie, are garbage arguments; the connection goes on", async () => {
  const client = new Client();
  const { number, version } = portByBrick.program;
  const whole = portByBrick.encodeRequest({ brick: "/some/brick" });
  for (let length = 0; length < whole.length; length += 1) {
    client.socket.write(call(length, number, version, 1, whole.subarray(0, length)));
    assert.equal((await client.reply()).kind, "garbage-arguments", `cut at ${length}`);
  }
  const lying = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4);
  client.socket.write(call(90, number, version, 1, lying));
  assert.equal((await client.reply()).kind, "garbage-arguments");
  client.socket.write(askPort(91, "ok"));
  assert.equal((await client.reply()).kind, "success");
});

test("a service that throws is a system error, and the next call is served", async () => {
  const client = new Client();
  client.socket.write(askPort(1, "throw"));
  assert.equal((await client.reply()).kind, "system-error");
  client.socket.write(askPort(2, "ok"));
  assert.equal((await client.reply()).kind, "success");
});

for (const [what, bytes] of [
  ["a record of 1 GiB", [0xc0, 0, 0, 0]],
  ["text", [...Buffer.from("GET / HTTP/1.1\r\n\r\n")]],
  ["an empty record", [0x80, 0, 0, 0]],
  ["a reply", [0x80, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]],
  ["a cut header", [0x80, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]],
] as const) {
  test(`${what} closes that connection and no other, with a line in the log`, async () => {
    const other = new Client();
    other.socket.write(askPort(1, "ok"));
    await other.reply();
    const client = new Client();
    client.socket.write(Uint8Array.from(bytes));
    await client.closed;
    assert.ok(lines.some((line) => line.text === "connection closed: malformed input"));
    other.socket.write(askPort(2, "ok"));
    assert.equal((await other.reply()).kind, "success");
  });
}

test("another RPC version is denied before the connection is closed", async () => {
  const client = new Client();
  const record = askPort(5, "x");
  record[4 + 11] = 3;
  client.socket.write(record);
  assert.deepEqual(await client.reply(), { xid: 5, kind: "rpc-mismatch", low: 2, high: 2 });
  await client.closed;
});

test("random bytes never end the server", async () => {
  let seed = 12345;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff);
  for (let round = 0; round < 200; round += 1) {
    const client = new Client();
    const record = Buffer.from(askPort(round, "abcdefgh"));
    for (let flips = 0; flips < 4; flips += 1) {
      record[random() % record.length]! ^= 1 << random() % 8;
    }
    client.socket.end(record);
    await client.closed;
  }
  const client = new Client();
  client.socket.write(askPort(1, "ok"));
  assert.equal((await client.reply()).kind, "success");
});

test("one that says nothing, or leaves a record unfinished, is closed; one that spoke is not", async () => {
  const silent = new Client();
  const half = new Client();
  half.socket.write(askPort(1, "x"));
  await half.reply();
  half.socket.write(askPort(2, "x").subarray(0, 20));
  const patient = new Client();
  patient.socket.write(askPort(3, "x"));
  await patient.reply();
  await Promise.all([silent.closed, half.closed]);
  patient.socket.write(askPort(4, "x"));
  assert.equal((await patient.reply()).xid, 4);
});

test("more connections than the limit are refused", async () => {
  const clients = Array.from({ length: 4 }, () => new Client());
  for (const [index, client] of clients.entries()) {
    client.socket.write(askPort(index, "x"));
    await client.reply();
  }
  await new Client().closed;
  assert.equal(server.connections.size, 4);
});
