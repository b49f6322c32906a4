/** A client that speaks the wire, for asking us and glusterfsd the same. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Dictionary, setVolume } from "@mortar/gluster";
import type { Procedure } from "@mortar/gluster";
import { setXattr } from "@mortar/linux";
import {
  decodeCall, decodeReply, encodeCall, encodeCredential, messageKind, RecordDecoder,
} from "@mortar/rpc";
import type { RpcReply } from "@mortar/rpc";
import { askBrick, startBrick } from "./index.ts";
import type { BrickOptions } from "./options.ts";

const VOLUME_ID = "11223344-5566-7788-9900-aabbccddeeff";

export class WireClient {
  readonly #socket: Socket;
  readonly #answers = new Map<number, {
    readonly resolve: (reply: RpcReply) => void;
    readonly reject: (error: Error) => void;
  }>();
  /** Calls of the brick: procedure and arguments. */
  readonly told: { readonly procedure: number; readonly args: Uint8Array }[] = [];
  #xid = 1;
  /** Of the process that calls. */
  pid = 100;

  constructor(socket: Socket, brick: string) {
    this.#socket = socket;
    const decoder = new RecordDecoder();
    socket.on("data", (chunk) => {
      for (const record of decoder.push(Buffer.from(chunk))) this.#take(record);
    });
    socket.on("error", () => undefined).on("close", () => {
      const lost = new Error(`${brick} closed the connection, and answers no more`);
      for (const { reject } of this.#answers.values()) reject(lost);
      this.#answers.clear();
    });
  }

  /** `identity`: what follows its name, `-RECON_NO:-1` of one that comes back. */
  static async open(
    port: number, brick: string, number = 0, identity = "",
  ): Promise<WireClient> {
    const client = new WireClient(await connected(port), brick);
    const dictionary = Dictionary.of({
      "remote-subvolume": brick, "process-uuid": `CTX_ID:wire-test-${process.pid}-${number}${identity}`,
      "fops-version": "1298437", "client-version": "10.3", "process-name": "test",
      "clnt-lk-version": "1", opversion: "100000", "volfile-checksum": "0",
    });
    const { opRet } = await client.call(setVolume, { dictionary });
    assert.equal(opRet, 0, "SETVOLUME");
    return client;
  }

  /** What still waits for an answer waits for ever. */
  close(): void {
    this.#answers.clear();
    this.#socket.destroy();
  }

  async call<Q, R>(procedure: Procedure<Q, R>, request: Q, owner = 1): Promise<R> {
    const xid = this.#xid++;
    const credential = encodeCredential({
      kind: "gluster3", pid: this.pid, uid: 0, gid: 0, groups: [], timeFlags: 0, timeSeconds: 0,
      timeNanoseconds: 0, lockOwner: Uint8Array.of(owner, 0, 0, 0, 0, 0, 0, 1),
    });
    const answer = new Promise<RpcReply>((resolve, reject) => {
      this.#answers.set(xid, { resolve, reject });
    });
    const { number, version } = procedure.program;
    const target = { xid, program: number, version, procedure: procedure.number };
    this.#socket.write(encodeCall(target, credential, procedure.encodeRequest(request)));
    const reply = await answer;
    if (reply.kind !== "success") throw new Error(`the brick answers ${reply.kind}`);
    return procedure.decodeReply(reply.results);
  }

  #take(record: Uint8Array): void {
    if (messageKind(record) === "call") {
      const { procedure, args } = decodeCall(record);
      this.told.push({ procedure, args });
      return;
    }
    const reply = decodeReply(record);
    this.#answers.get(reply.xid)?.resolve(reply);
    this.#answers.delete(reply.xid);
  }
}

async function connected(port: number): Promise<Socket> {
  for (let tries = 0; ; tries++) {
    const socket = connect(port, "127.0.0.1").setNoDelay(true);
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      if (tries === 100) throw error;
      await delay(100);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** What differs from one brick to another. */
export type WireSetup =
  Partial<Pick<BrickOptions,
    "isArbiter" | "mandatoryLocking" | "enforcesMandatoryLock" | "leases" | "cacheInvalidation">>;

/** A brick of either engine, and one client of it. */
export interface WireBrick {
  readonly path: string;
  readonly port: number;
  readonly client: WireClient;
  stop(): Promise<void>;
}

/** With the translators that matter to replicas: posix, [arbiter], locks, index. */
export async function startWireBrick(
  engine: "builtin" | "glusterfsd", setup: WireSetup = {},
): Promise<WireBrick> {
  const directory = mkdtempSync(join(tmpdir(), `brick-wire-${engine}-${process.pid}-`));
  const path = join(directory, "brick");
  mkdirSync(join(path, ".glusterfs", "indices"), { recursive: true, mode: 0o700 });
  setXattr(path, "trusted.glusterfs.volume-id", Buffer.from(VOLUME_ID.replaceAll("-", ""), "hex"));
  const port = await freePort();
  const stop = engine === "builtin"
    ? await startOwn(directory, path, port, setup)
    : startStock(directory, path, port, setup);
  const client = await WireClient.open(port, path);
  return {
    path, port, client,
    stop: async () => {
      client.close();
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Fresh bricks, one of each kind, in this order; stopped afterwards. */
export async function withBricks(
  engines: readonly ("glusterfsd" | "builtin")[],
  body: (bricks: readonly WireBrick[]) => Promise<void>,
  setup: WireSetup = {},
): Promise<void> {
  const bricks: WireBrick[] = [];
  try {
    for (const engine of engines) bricks.push(await startWireBrick(engine, setup));
    await body(bricks);
  } finally {
    for (const brick of bricks) await brick.stop();
  }
}

/** The stock one, and ours. */
export async function withBoth(
  body: (bricks: readonly WireBrick[]) => Promise<void>, setup: WireSetup = {},
): Promise<void> {
  await withBricks(["glusterfsd", "builtin"], body, setup);
}

/** The same of both, in what `ask` takes of an answer. */
export async function same<T>(
  bricks: readonly WireBrick[], what: string, ask: (brick: WireBrick) => Promise<T>,
): Promise<T> {
  const [stock, ours] = await Promise.all(bricks.map(ask));
  assert.deepEqual(ours, stock, what);
  return ours!;
}

async function startOwn(
  directory: string, path: string, port: number, setup: WireSetup,
): Promise<() => Promise<void>> {
  const controlSocket = join(directory, "control");
  await startBrick({
    path, volume: "wire", volumeId: VOLUME_ID, address: "127.0.0.1", port, controlSocket,
    options: setup,
  }, join(directory, "log"));
  return async () => {
    await askBrick(controlSocket, { command: "stop" });
  };
}

function startStock(
  directory: string, path: string, port: number, setup: WireSetup,
): () => Promise<void> {
  const {
    isArbiter = false, mandatoryLocking = "off", enforcesMandatoryLock = false, leases = false,
    cacheInvalidation = false,
  } = setup;
  const volume = (name: string, type: string, options: string[], below: string): string =>
    [`volume ${name}`, `type ${type}`, ...options.map((option) => `option ${option}`),
      ...(below === "" ? [] : [`subvolumes ${below}`]), "end-volume", ""].join("\n");
  writeFileSync(join(directory, "brick.vol"), [
    volume("posix", "storage/posix", [`directory ${path}`, `volume-id ${VOLUME_ID}`], ""),
    ...(isArbiter ? [volume("arbiter", "features/arbiter", [], "posix")] : []),
    volume("locks", "features/locks", [
      `mandatory-locking ${mandatoryLocking}`,
      `enforce-mandatory-lock ${enforcesMandatoryLock ? "on" : "off"}`,
    ], isArbiter ? "arbiter" : "posix"),
    volume("leases", "features/leases", [`leases ${leases ? "on" : "off"}`], "locks"),
    volume("upcall", "features/upcall", [
      `cache-invalidation ${cacheInvalidation ? "on" : "off"}`,
    ], "leases"),
    volume("index", "features/index", [
      `index-base ${path}/.glusterfs/indices`, "xattrop-dirty-watchlist trusted.afr.dirty",
      "xattrop-pending-watchlist trusted.afr.wire-",
    ], "upcall"),
    volume(path, "debug/io-stats", [], "index"),
    volume("server", "protocol/server", [
      "transport-type tcp", `transport.socket.listen-port ${port}`,
      "transport.socket.bind-address 127.0.0.1", `auth.addr.${path}.allow *`,
    ], path),
  ].join("\n"));
  const daemon = spawn("glusterfsd", [
    "-N", "-f", join(directory, "brick.vol"), "-l", join(directory, "log"),
  ], { stdio: "ignore" });
  return async () => {
    const ended = once(daemon, "exit");
    daemon.kill("SIGKILL");
    await ended;
  };
}
