// What stock programs ask of the management port, by a scripted client.
import assert from "node:assert/strict";
import { type Socket, createConnection } from "node:net";
import { after, before, test } from "node:test";
import { type ClusterState, type VolumeDocument, emptyState } from "@mortar/cluster";
import {
  Dictionary,
  GETSPEC_SERVERS_LIST,
  PROGRAM,
  type Procedure,
  dump,
  getSnapshotInfo,
  getSpec,
  getVolumeInfo,
  parseVolfile,
  portByBrick,
  signIn,
} from "@mortar/gluster";
import { RecordDecoder, decodeCall, decodeReply, encodeCall, messageKind } from "@mortar/rpc";
import { Handshake } from "./handshake.ts";
import { portmapServices } from "./portmap.ts";
import { RpcServer } from "./rpc-server.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const node = "11111111-1111-4111-8111-111111111111";
const volumeId = "22222222-2222-4222-8222-222222222222";
const snapId = "33333333-3333-4333-8333-333333333333";

function brick(path: string, mountPoint: string) {
  return {
    node, host: "n1", path, id: "v-client-0", mountPoint, device: "/dev/x", fsType: "xfs",
    mountOptions: "rw", managed: false,
  };
}

const volume: VolumeDocument = {
  schema: 1, name: "v", id: volumeId, kind: "distribute", replicaCount: 1, arbiterCount: 0,
  disperseCount: 0, redundancyCount: 0, status: "Started", transport: "tcp",
  bricks: [brick("/b/one", "/b"), { ...brick("/b/two", "/b"), id: "v-client-1" }],
  options: [{ name: "nfs.disable", value: "on" }],
  username: "the-user", password: "the-password", generation: 1,
};

function stateWith(changed: Partial<VolumeDocument>, activated: boolean): ClusterState {
  const snapVolume = {
    name: snapId.replaceAll("-", ""), volumeId: snapId, origin: "v", originId: volumeId,
    status: activated ? ("Started" as const) : ("Stopped" as const),
    bricks: [brick("/s/one", "/s")], volume: { ...volume, bricks: [volume.bricks[0]!] },
  };
  const snapshot = {
    schema: 1 as const, name: "s", id: snapId, createdAtMs: 1, kind: "user" as const,
    volumes: [snapVolume], consistency: "crash" as const,
  };
  return {
    ...emptyState(node),
    volumes: new Map([["v", { document: { ...volume, ...changed }, revision: 1 }]]),
    snapshots: new Map([["s", { document: snapshot, revision: 1 }]]),
  };
}

let state = stateWith({}, true);
let trusted = true;
const signedIn: string[] = [];
const handshake = new Handshake({
  rebalanceTold: () => undefined,
  stateDirectory: "/state", address: "127.0.0.9", state: () => state, isTrusted: () => trusted,
  servers: () => ["n1:24007", "n2:24007"], log: silent,
});
const ports = {
  portOf: (path: string) => (path === "/b/one" ? 49152 : undefined),
  pathOf: () => undefined,
  signIn: (path: string) => void signedIn.push(path),
  signOut: () => undefined,
};
const server = new RpcServer({
  services: [...handshake.services(), ...portmapServices({ ports, isLocal: () => trusted, log: silent })],
  log: silent, connectionsMax: 10,
});
let client: Client;

class Client {
  readonly socket: Socket;
  readonly #decoder = new RecordDecoder();
  readonly #records: Uint8Array[] = [];
  readonly callbacks: number[] = [];
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.socket = createConnection(port, "127.0.0.1");
    this.socket.on("data", (chunk) => {
      for (const record of this.#decoder.push(new Uint8Array(chunk))) {
        if (messageKind(record) === "reply") this.#records.push(record);
        else {
          const { program, procedure } = decodeCall(record);
          assert.equal(program, PROGRAM.callback.number);
          this.callbacks.push(procedure);
        }
      }
      this.#wake();
    });
  }

  async ask<Q, R>(procedure: Procedure<Q, R>, request: Q): Promise<R> {
    const { number: program, version } = procedure.program;
    const target = { xid: 1, program, version, procedure: procedure.number };
    const none = { flavor: 0, body: new Uint8Array(0) };
    this.socket.write(encodeCall(target, none, procedure.encodeRequest(request)));
    while (this.#records.length === 0) await this.#more();
    const reply = decodeReply(this.#records.shift()!);
    assert.ok(reply.kind === "success", reply.kind);
    return procedure.decodeReply(reply.results);
  }

  async volfile(key: string, flags = 0, extra: Record<string, string> = {}) {
    return await this.ask(getSpec, { flags, key, extra: Dictionary.of(extra) });
  }

  async callback(count: number): Promise<void> {
    while (this.callbacks.length < count) await this.#more();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

before(async () => {
  const { port } = await server.listen("127.0.0.1", 0);
  client = new Client(port);
});
after(async () => {
  client.socket.destroy();
  await server.close();
});

test("the list of programs has portmap, so that clients ask it for ports", async () => {
  const reply = await client.ask(dump, { id: { high: 0, low: 0xcaed } });
  assert.deepEqual(
    reply.programs.map(({ number, version }) => [number, version]),
    [[34123456, 1], [14398633, 2], [123451501, 1]],
  );
});

for (const key of ["v", "/v"]) {
  test(`GETSPEC ${key} is the client's volfile, its length the result`, async () => {
    const reply = await client.volfile(key);
    assert.equal(reply.opRet, Buffer.byteLength(reply.spec));
    const { translators } = parseVolfile(reply.spec);
    assert.equal(translators.at(-1)?.name, "v");
    const clients = translators.filter((it) => it.type === "protocol/client");
    assert.deepEqual(clients.map((it) => it.options.get("remote-subvolume")), ["/b/one", "/b/two"]);
  });
}

test("only a node of the pool gets the credentials", async () => {
  assert.match((await client.volfile("v")).spec, /option password the-password/);
  trusted = false;
  const plain = await client.volfile("v");
  trusted = true;
  assert.ok(plain.opRet > 0);
  assert.doesNotMatch(plain.spec, /the-password|the-user/);
});

test("a brick's volfile binds the address, shares the file system, and has barrier and changelog", async () => {
  const reply = await client.volfile("v.n1.b-two");
  const { translators } = parseVolfile(reply.spec);
  const of = (type: string) => translators.find((it) => it.type === type)?.options;
  assert.equal(of("storage/posix")?.get("directory"), "/b/two");
  assert.equal(of("storage/posix")?.get("shared-brick-count"), "2");
  assert.equal(of("protocol/server")?.get("transport.socket.bind-address"), "127.0.0.9");
  assert.ok(of("features/barrier") && of("features/changelog"));
});

test("a snapshot's client is read-only, also when the snapshot is not activated: it waits", async () => {
  const reply = await client.volfile("/snaps/s/v");
  assert.match(reply.spec, /type features\/read-only/);
  assert.match(reply.spec, /remote-subvolume \/s\/one/);
  const name = snapId.replaceAll("-", "");
  const own = await client.volfile(`snaps/s/${name}/${name}.n1.s-one`);
  assert.match(own.spec, /option directory \/s\/one/);
  state = stateWith({}, false);
  assert.equal((await client.volfile("/snaps/s/v")).spec, reply.spec);
  state = stateWith({}, true);
});

for (const key of ["none", "/none", "v.n1.b-three", "/snaps/none/v", "/snaps/s/none", "shd/v", "//", "a/b/c/d/e"]) {
  test(`GETSPEC ${key} is refused with an errno and no text`, async () => {
    const reply = await client.volfile(key);
    assert.equal(reply.opRet, -1);
    assert.ok(reply.opErrno > 0);
    assert.equal(reply.spec, "");
  });
}

test("op-versions that do not meet are refused as unsupported", async () => {
  assert.equal((await client.volfile("v", 0, { "max-op-version": "1" })).opErrno, 95);
  assert.equal((await client.volfile("v", 0, { "min-op-version": "200000" })).opErrno, 95);
  const fit = await client.volfile("v", 0, { "min-op-version": "1", "max-op-version": "100000" });
  assert.ok(fit.opRet > 0);
});

test("servers are told to those who ask", async () => {
  const asked = await client.volfile("v", GETSPEC_SERVERS_LIST);
  assert.equal(asked.extra.text("servers-list"), "n1:24007 n2:24007");
  assert.equal((await client.volfile("v")).extra.size, 0);
});

test("FETCHSPEC goes out once for a change, and not for what a client did not fetch", async () => {
  await client.volfile("v");
  handshake.stateChanged();
  await client.volfile("v");
  assert.deepEqual(client.callbacks, []);
  state = stateWith({ options: [{ name: "performance.io-cache", value: "on" }] }, true);
  handshake.stateChanged();
  handshake.stateChanged();
  await client.callback(1);
  assert.match((await client.volfile("v")).spec, /performance\/io-cache/);
  assert.deepEqual(client.callbacks, [1]);
});

test("ports are told of bricks that are online, and only this node's processes sign in", async () => {
  const known = await client.ask(portByBrick, { brick: "/b/one" });
  assert.deepEqual([known.opRet, known.port], [0, 49152]);
  assert.equal((await client.ask(portByBrick, { brick: "/b/two" })).opRet, -1);
  await client.ask(signIn, { brick: "/b/two", port: 5, pid: 6 });
  trusted = false;
  assert.equal((await client.ask(signIn, { brick: "/b/evil", port: 5, pid: 6 })).opRet, -1);
  trusted = true;
  assert.deepEqual(signedIn, ["/b/two"]);
});

test("volume id and activated snapshots are told by the name of the volume", async () => {
  const about = (name: string) => ({ dictionary: Dictionary.of({ volname: name, flags: 1 }) });
  const info = await client.ask(getVolumeInfo, about("v"));
  assert.equal(info.dictionary.text("volume_id"), volumeId);
  assert.equal((await client.ask(getVolumeInfo, about("none"))).opErrno, 2);
  const snapshots = await client.ask(getSnapshotInfo, about("v"));
  assert.deepEqual(snapshots.dictionary.toObject(), {
    "snap-count": "1", "snapname.1": "s", "snap-id.1": snapId,
    "snap-volname.1": snapId.replaceAll("-", ""),
  });
});
