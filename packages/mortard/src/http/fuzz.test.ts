// Requests made of chance, each told by its seed: none is answered by a failure of the server, and none
// reaches the node without a role that is large enough. `MORTAR_FUZZ_REQUESTS` makes it longer,
// `MORTAR_FUZZ_SEED` another.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isEnough, type Role, roleOf, type RouteName, routes } from "@mortar/api";
import { MemoryStore } from "@mortar/store";
import type { FastifyInstance, InjectOptions } from "fastify";
import { AuditLog } from "../access/audit-log.ts";
import { AccessTokens } from "../access/tokens.ts";
import { Guard } from "./guard.ts";
import type { NodeControl } from "./handlers.ts";
import { httpServer, listen } from "./server.ts";

const seed = Number(process.env["MORTAR_FUZZ_SEED"] ?? 7);
const requests = Number(process.env["MORTAR_FUZZ_REQUESTS"] ?? 600);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const directory = mkdtempSync(join(tmpdir(), `mortard-fuzz-${process.pid}-`));
const socketPath = join(directory, "s");
const names = Object.keys(routes) as RouteName[];
/** What the node was asked for by the request under way. */
let reached: string[] = [];
let store: MemoryStore;
let tokens: AccessTokens;
let viewer = "";
let server: FastifyInstance;

before(async () => {
  store = new MemoryStore();
  tokens = await AccessTokens.open(store, silent);
  viewer = (await tokens.create({ name: "viewer", role: "viewer", createdBy: "test" }))!.token;
  server = await httpServer({
    node: nodeOf(), version: "0.1.0", log: silent, logFile: "/the/log",
    access: { tokens, audit: new AuditLog(join(directory, "audit.jsonl")) },
    guard: new Guard(tokens, false),
    before: async (instance) => {
      instance.addHook("preHandler", async ({ method, routeOptions }) => {
        const name = names.find((it) =>
          routes[it].method === method && routes[it].path === routeOptions.url);
        if (name !== undefined) reached.push(name);
      });
    },
  });
  await listen(server, socketPath);
});
after(async () => {
  await server.close();
  tokens.close();
  rmSync(directory, { recursive: true });
});

/** Takes note of what it is asked for, and refuses it. */
function nodeOf(): NodeControl {
  const transfers = { close() {} };
  return new Proxy({}, {
    get: (_target, name) => {
      if (name === "transfers") return transfers;
      if (name !== "run") reached.push(`node.${String(name)}`);
      return () => Promise.resolve({
        ok: false, failure: { code: "not-found", message: "x" }, opErrno: 0, opErrstr: "x",
        warnings: [], details: [],
      });
    },
  }) as NodeControl;
}

/** mulberry32: the same row of numbers below 1 for the same seed. */
function chance(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const methods = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"] as const;
const words = [
  "x", "v", "", "..", "%2e%2e%2f", "%00", "%ff", "%", "__proto__", "constructor", "a".repeat(5_000),
  "-1", "1e400", "NaN", "true", "null", "[]", "{}", "ä", "\u{1f600}", "h:/b", "$(id)", "' or 1=1",
];
const values: readonly unknown[] = [
  null, true, -1, 0, 2 ** 53, 1e308, "", "x", "\0", "a".repeat(70_000), [], [[]], {}, { x: {} },
  { __proto__: null }, [null, 1, "x"],
];
const rest = ["/metrics", "/v1/events/stream", "/v1/transfer/x", "/v1/openapi.json", "/", "/v1"];

class Requests {
  readonly #next: () => number;

  constructor(from: number) {
    this.#next = chance(from);
  }

  one(token: string | undefined): InjectOptions {
    const name = this.#of(names);
    const isKnown = this.#next() < 0.85;
    const path = isKnown ? routes[name].path : this.#of(rest) + this.#of(["", "/", "//", "/x"]);
    const query = this.#next() < 0.3 ? `?${this.#key(name)}=${this.#word()}` : "";
    const fitting = isKnown && this.#next() < 0.7 ? routes[name].method : this.#of(methods);
    const hasBody = fitting !== "GET" && fitting !== "HEAD" && this.#next() < 0.8;
    return {
      method: fitting,
      url: path.replaceAll(/:\w+/g, () => this.#word() || "x") + query,
      headers: { ...this.#headers(), ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(hasBody ? { payload: this.#body(name) } : {}),
    };
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => Math.floor(this.#next() * 256)));
  }

  #headers(): Record<string, string> {
    const types = ["application/json", "text/plain", "application/octet-stream", "x", "multipart/form-data"];
    const headers: Record<string, string> = {
      "content-type": this.#next() < 0.7 ? "application/json" : this.#of(types),
    };
    if (this.#next() < 0.2) headers["last-event-id"] = this.#word().replaceAll(/[^ -~]/g, "?");
    if (this.#next() < 0.2) headers["cookie"] = `mortar-session=${encodeURIComponent(this.#word())}; =;;`;
    if (this.#next() < 0.2) headers["x-mortar-request"] = "1";
    if (this.#next() < 0.2) headers["authorization"] = this.#of(["Bearer", "Basic eDp4", "Bearer  x y", ""]);
    return headers;
  }

  #body(name: RouteName): string {
    if (this.#next() < 0.2) return this.#of(["", "{", "[", "\0", '{"a":', '"', "{}{}", "[".repeat(20_000)]);
    const fields = Array.from({ length: Math.floor(this.#next() * 4) }, () =>
      [this.#key(name), this.#of(values)] as const);
    return JSON.stringify(Object.fromEntries(fields));
  }

  /** One that the route knows, more often than not. */
  #key(name: RouteName): string {
    const { body, query } = routes[name];
    const known = Object.keys({ ...(body["properties"] as object | undefined), ...query.properties });
    return known.length > 0 && this.#next() < 0.7 ? this.#of(known) : encodeURIComponent(this.#word());
  }

  #word(): string {
    return encodeSome(this.#of(words));
  }

  #of<T>(list: readonly T[]): T {
    return list[Math.floor(this.#next() * list.length)]!;
  }
}

/** As a client has to: what is no character of an address is written as one. */
function encodeSome(word: string): string {
  return word.replaceAll(/[^!-~]|[?#]/gu, encodeURIComponent);
}

async function send(options: InjectOptions, told: string) {
  reached = [];
  const { statusCode } = await server.inject({ ...options, signal: AbortSignal.timeout(5_000) });
  assert.ok(statusCode !== 500, `${told}: 500 to ${JSON.stringify(options).slice(0, 300)}`);
  return { statusCode, reached };
}

function everything(): Promise<unknown> {
  return store.list("");
}

test(`without a token no request of chance reaches the node (seed ${seed})`, async () => {
  const made = new Requests(seed);
  const kept = await everything();
  for (let number = 0; number < requests; number += 1) {
    const token = number % 2 === 0 ? undefined : "mortar-wrong";
    const told = `seed ${seed}, request ${number}`;
    const answer = await send(made.one(token), told);
    const beyond = answer.reached.filter((it) => it !== "sessionOpen");
    assert.deepEqual(beyond, [], told);
    assert.ok(answer.statusCode >= 400, `${told}: ${answer.statusCode}`);
  }
  assert.deepEqual(await everything(), kept);
});

test("a viewer's requests of chance reach nothing that takes more", async () => {
  const made = new Requests(seed + 1);
  const kept = await everything();
  let asked = 0;
  for (let number = 0; number < requests; number += 1) {
    const told = `seed ${seed + 1}, request ${number}`;
    const options = made.one(viewer);
    // It would be answered for as long as somebody listens.
    if (JSON.stringify(options.url).startsWith("\"/v1/events/stream")) continue;
    const answer = await sendAnyway(options);
    for (const name of answer.filter((it) => !it.startsWith("node."))) {
      const needed: Role = roleOf(name as RouteName) ?? "viewer";
      assert.ok(isEnough("viewer", needed), `${told}: ${name} was reached`);
      asked += 1;
    }
    for (const part of ["node.shutDown", "node.files"]) assert.ok(!answer.includes(part), told);
  }
  assert.ok(asked > requests / 20, `only ${asked} requests were good enough to be asked`);
  assert.deepEqual(await everything(), kept);
});

/** The node of this test answers nothing of its schema: what is seen is what was reached. */
async function sendAnyway(options: InjectOptions): Promise<string[]> {
  reached = [];
  await server.inject({ ...options, signal: AbortSignal.timeout(5_000) });
  return reached;
}

test("bytes that are no request are refused, and the next one is answered", async () => {
  const made = new Requests(seed + 2);
  const starts = ["", "GET ", "POST /v1/volumes HTTP/1.1\r\n", "GET / HTTP/9.9\r\n\r\n",
    "POST /v1/volumes HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999999999999999\r\n\r\n",
    "POST /v1/volumes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"];
  for (let number = 0; number < 60; number += 1) {
    await sendBytes(Buffer.concat([Buffer.from(starts[number % starts.length]!), made.bytes(200)]));
  }
  const { statusCode } = await server.inject({ url: "/v1/node" });
  assert.equal(statusCode, 401);
  assert.equal(server.server.listening, true);
});

async function sendBytes(bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(socketPath, () => socket.end(bytes));
    socket.resume().on("error", () => undefined).on("close", () => resolve());
  });
}
