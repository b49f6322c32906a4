// Asking over the network: real TLS, real tokens; the node behind it must not be reached by who may not.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  ApiError, isEnough, MortarClient, type Role, roleOf, type RouteName, routes,
} from "@mortar/api";
import { MemoryStore } from "@mortar/store";
import { certificateRequest, issue, newAuthority, newKey } from "@mortar/trust";
import { AuditLog } from "../access/audit-log.ts";
import { AccessTokens } from "../access/tokens.ts";
import { ConfigError } from "../config.ts";
import type { NodeControl } from "./handlers.ts";
import { WebListener, type WebListenerOptions } from "./web-listener.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const directory = mkdtempSync(join(tmpdir(), `mortard-web-${process.pid}-`));
const address = `127.${60 + (process.pid % 60)}.${(process.pid >> 6) & 255}.9`;
const port = 24_010;
const url = `https://${address}:${port}`;
const given: Record<string, string> = {};
let authority = "";
let store: MemoryStore;
let tokens: AccessTokens;
let options: WebListenerOptions;
let listener: WebListener;

before(async () => {
  const signer = await newAuthority("web test", Date.now());
  authority = signer.certificate;
  const key = await newKey();
  const names = { uuid: "0b6ba9a0-3f5b-4f5e-9f3e-2f1c5e6a7b8c", hosts: [address] };
  const request = await certificateRequest(key, names.uuid);
  const certificate = await issue(signer, request, names, Date.now());
  store = new MemoryStore();
  tokens = await AccessTokens.open(store, silent);
  for (const role of ["viewer", "operator", "admin"] as const) {
    given[role] = (await tokens.create({ name: role, role, createdBy: "test" }))!.token;
  }
  options = {
    node: nodeOf(), version: "0.1.0", log: silent, logFile: "/the/log",
    access: { tokens, audit: new AuditLog(join(directory, "audit.jsonl")) },
    settings: { address, port },
    tls: { material: { key, certificate, authority }, onChange: () => undefined },
  };
  listener = await WebListener.open(options);
});
after(async () => {
  await listener.close();
  rmSync(directory, { recursive: true });
});

/** Answers what a viewer may ask, and has nothing else. */
function nodeOf(): NodeControl {
  const known: Partial<NodeControl> = {
    run: async () => ({ ok: true, payload: [] as never, warnings: [], details: [] }),
    transfers: { close() {} } as NodeControl["transfers"],
  };
  return new Proxy(known, {
    get: (target, name) => {
      if (name in target) return target[name as keyof NodeControl];
      throw new Error(`the node was reached: ${String(name)}`);
    },
  }) as NodeControl;
}

async function ask(name: RouteName, headers: Record<string, string>, body: object = {}) {
  const { method, path } = routes[name];
  const client = new RawClient(headers);
  return await client.ask(method, path.replaceAll(/:\w+/g, "x"), body);
}

test("a route is refused to whoever brings no token, and to every role that is too small", async () => {
  for (const name of Object.keys(routes) as RouteName[]) {
    const needed = roleOf(name);
    if (needed === undefined) {
      assert.equal(name, "sessionOpen");
      continue;
    }
    for (const headers of [{}, bearer("mortar-wrong"), { cookie: "mortar-session=wrong" }]) {
      const { status, problem } = await ask(name, headers);
      assert.deepEqual([name, status, problem.type], [name, 401, "not-signed-in"]);
    }
    for (const role of ["viewer", "operator"] as const satisfies Role[]) {
      if (isEnough(role, needed)) continue;
      const { status, problem } = await ask(name, bearer(given[role]!));
      assert.deepEqual([name, role, status, problem.type], [name, role, 403, "not-allowed"]);
    }
  }
});

test("nothing that changes a thing is for a viewer", () => {
  const forViewers = (Object.keys(routes) as RouteName[]).filter((it) => roleOf(it) === "viewer");
  const others = forViewers.filter((it) => routes[it].method !== "GET");
  assert.deepEqual(others.sort(), [
    "commandPlan", "nodeReclaimable", "schedulePreview", "sessionClose", "snapshotDiff",
    "snapshotReclaim",
  ]);
});

test("the typed client asks with a token, and is told who it is", async () => {
  const client = new MortarClient({ url, token: given["operator"]!, authority });
  const self = await client.sessionSelf();
  assert.deepEqual(self.ok && self.result, { name: "operator", role: "operator" });
  const list = await client.volumeInfoAll();
  assert.deepEqual(list.ok && list.result, []);
  const refused = await client.tokenList();
  assert.equal(refused.ok ? "" : refused.problem.type, "not-allowed");
  const stranger = new MortarClient({ url, token: given["operator"]! });
  await assert.rejects(stranger.sessionSelf(), ApiError);
});

test("the example of the client's README runs over TLS with a token", async () => {
  const readme = readFileSync(new URL("../../../api/README.md", import.meta.url), "utf8");
  const example = /```js\n([^`]*(?:`[^`]+`[^`]*)*)```/.exec(readme)?.[1] ?? "";
  const file = join(directory, "authority.pem");
  writeFileSync(file, authority);
  const { stdout } = await promisify(execFile)(
    process.execPath, ["--input-type=module", "--eval", example],
    {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      env: { MORTAR_URL: url, MORTAR_TOKEN: given["viewer"], MORTAR_AUTHORITY: file },
      timeout: 30_000,
    },
  );
  assert.equal(stdout, "viewer sees 0 volumes\n");
});

test("a browser signs in for a cookie, with which changes need a header of their own", async () => {
  const wrong = await ask("sessionOpen", {}, { token: "mortar-wrong" });
  assert.equal(wrong.status, 401);
  const opened = await ask("sessionOpen", {}, { token: given["admin"] });
  const cookie = String(opened.headers["set-cookie"]);
  assert.match(cookie, /^mortar-session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+; Secure$/);
  const kept = { cookie: cookie.split(";")[0]! };
  assert.equal((await ask("sessionSelf", kept)).status, 200);
  assert.equal((await ask("tokenRevoke", kept)).problem.type, "not-allowed");
  const own = { ...kept, "x-mortar-request": "1" };
  assert.equal((await ask("tokenRevoke", own)).status, 404);
  const closed = await ask("sessionClose", own);
  assert.match(String(closed.headers["set-cookie"]), /^mortar-session=; .*Max-Age=0/);
});

test("a token is good everywhere at once, and nowhere once it is revoked or over", async () => {
  const other = await AccessTokens.open(store, silent);
  const made = await tokens.create({ name: "ann", role: "viewer", days: 1, createdBy: "test" });
  assert.ok(made);
  await turn();
  assert.deepEqual(other.bearerOf(made.token), { name: "ann", role: "viewer" });
  assert.equal(await tokens.create({ name: "ann", role: "admin", createdBy: "test" }), undefined);
  assert.equal(JSON.stringify(await store.list("")).includes(made.token), false);
  assert.equal(await other.revoke("ann"), true);
  await turn();
  assert.equal(tokens.bearerOf(made.token), undefined);
  const entry = { ...tokens.list()[0]!, schema: 1, name: "old", digest: "", expiresAtMs: 1 };
  assert.ok(entry.expiresAtMs < Date.now());
});

test("changes and refusals are in the audit log, without secrets", async () => {
  await ask("tokenCreate", bearer(given["admin"]!), { name: "bob", role: "viewer" });
  await ask("sessionOpen", {}, { token: given["admin"] });
  await ask("volumeDelete", bearer(given["viewer"]!));
  const client = new MortarClient({ url, token: given["admin"]!, authority });
  const answer = await client.auditList({ limit: 3 });
  assert.ok(answer.ok);
  const [refused, signIn, created] = answer.result;
  assert.deepEqual(
    [refused?.route, refused?.who, refused?.status], ["volumeDelete", "viewer", 403],
  );
  assert.deepEqual([signIn?.route, signIn?.asked], ["sessionOpen", undefined]);
  assert.deepEqual(
    [created?.who, created?.role, created?.status, created?.asked],
    ["admin", "admin", 200, { name: "bob", role: "viewer" }],
  );
});

test("tokens are not sent in the clear but on loopback", async () => {
  const plain = { ...options, settings: { address: "192.0.2.1", port, plain: true } };
  await assert.rejects(WebListener.open(plain), ConfigError);
  const named = { ...options, settings: { address: "127.example.org", port, plain: true } };
  await assert.rejects(WebListener.open(named), ConfigError);
});

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** Watchers are told in a turn of their own. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

class RawClient {
  readonly #headers: Record<string, string>;

  constructor(headers: Record<string, string>) {
    this.#headers = headers;
  }

  async ask(method: string, path: string, body: object) {
    const { request } = await import("node:https");
    const payload = method === "GET" || method === "DELETE" ? undefined : JSON.stringify(body);
    return await new Promise<{
      status: number; headers: Record<string, unknown>; problem: { type: string };
    }>((resolve, reject) => {
      const outgoing = request(url + path, {
        method, ca: authority, agent: false,
        headers: {
          ...this.#headers,
          ...(payload === undefined ? {} : { "content-type": "application/json" }),
        },
      }, (incoming) => {
        const parts: Buffer[] = [];
        incoming.on("data", (part: Buffer) => parts.push(part));
        incoming.on("end", () => resolve({
          status: incoming.statusCode ?? 0, headers: incoming.headers,
          problem: JSON.parse(Buffer.concat(parts).toString() || "{}") as { type: string },
        }));
      });
      outgoing.on("error", reject);
      outgoing.end(payload);
    });
  }
}
