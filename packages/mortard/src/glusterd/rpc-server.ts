/**
 * An RPC server for many patient and some hostile connections.
 *
 * - Calls of one connection are answered in their order, one at a time (unless `atOnce` says so).
 *   When too many wait, the connection is read no further until they are answered.
 * - A connection that sends what is no RPC, announces a record above the limit, leaves a record
 *   unfinished, or says nothing at all after it connected, is closed, with one line in the log.
 *   Others do not notice. A client that has spoken may be silent for ever: it waits for callbacks.
 * - A call for what is not served is answered as RFC 5531 says, and logged.
 */
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import {
  AUTH,
  type RpcCall,
  RecordDecoder,
  RpcError,
  decodeCall,
  denialOf,
  encodeCall,
  encodeReply,
} from "@mortar/rpc";
import { GlusterError, type Procedure, type Program } from "@mortar/gluster";
import type { Log } from "../log.ts";

/** Requests are names and small dictionaries; volfiles go the other way. */
const RECORD_BYTES_MAX = 1024 * 1024;
const WAITING_CALLS_MAX = 64;
/** A client that does not read its answers is dropped when this much waits for it. */
const UNSENT_BYTES_MAX = 64 * 1024 * 1024;

export interface RpcConnection {
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Calls a procedure of the other side that is not answered. */
  callback(program: Program, procedure: number): void;
  onClose(listener: () => void): void;
}

export interface RpcService {
  readonly procedure: Procedure<unknown, unknown>;
  readonly handle: (request: unknown, connection: RpcConnection, call: RpcCall) => unknown;
}

/** Ties a procedure to what answers it. What `handle` throws becomes SYSTEM_ERR, and a log line. */
export function service<Request, Reply>(
  procedure: Procedure<Request, Reply>,
  handle: (request: Request, connection: RpcConnection, call: RpcCall) => Reply | Promise<Reply>,
): RpcService {
  return { procedure, handle } as unknown as RpcService;
}

export interface RpcServerOptions {
  readonly services: readonly RpcService[];
  readonly log: Log;
  readonly connectionsMax: number;
  /** For a record to become whole, and for the first one to come. Default 30 s. */
  readonly patienceMs?: number;
  /** Calls of one connection that are served at once; above one, answers come in any order. */
  readonly atOnce?: number;
}

export class RpcServer {
  readonly #server: Server;
  readonly #options: RpcServerOptions;
  readonly #programs = new Map<number, Map<number, Map<number, RpcService>>>();
  readonly #connections = new Set<Connection>();
  #nextId = 1;

  constructor(options: RpcServerOptions) {
    this.#options = options;
    for (const entry of options.services) {
      const { number, version } = entry.procedure.program;
      const versions = getOrMake(this.#programs, number, () => new Map());
      const procedures = getOrMake(versions, version, () => new Map());
      procedures.set(entry.procedure.number, entry);
    }
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 20_000 });
    this.#server.on("connection", (socket) => this.#accept(socket));
  }

  get connections(): ReadonlySet<RpcConnection> {
    return this.#connections;
  }

  listen(host: string | undefined, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host: host ?? "0.0.0.0", backlog: 1024 }, () => {
        this.#server.removeListener("error", reject);
        this.#server.on("error", (error) => {
          this.#options.log.error({ err: error }, "the GlusterFS port has an error");
        });
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.close("the daemon ends");
    if (!this.#server.listening) return;
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    const { log, connectionsMax } = this.#options;
    if (this.#connections.size >= connectionsMax) {
      log.warn({ from: socket.remoteAddress, connectionsMax }, "connection refused: too many");
      socket.destroy();
      return;
    }
    const connection = new Connection(this.#nextId, socket, {
      log,
      patienceMs: this.#options.patienceMs ?? 30_000,
      atOnce: this.#options.atOnce ?? 1,
      answer: (call) => this.#answer(call, connection),
    });
    this.#nextId += 1;
    this.#connections.add(connection);
    connection.onClose(() => this.#connections.delete(connection));
  }

  async #answer(call: RpcCall, connection: RpcConnection): Promise<Uint8Array> {
    const { log } = this.#options;
    const { xid, program, version, procedure } = call;
    const asked = { from: connection.remoteAddress, program, version, procedure };
    const versions = this.#programs.get(program);
    if (versions === undefined) {
      if (procedure !== 0) log.info(asked, "call refused: the program is not served");
      return encodeReply(xid, { kind: "program-unavailable" });
    }
    const procedures = versions.get(version);
    if (procedures === undefined) {
      log.info(asked, "call refused: the version is not served");
      const known = [...versions.keys()];
      return encodeReply(xid, {
        kind: "program-mismatch",
        low: Math.min(...known),
        high: Math.max(...known),
      });
    }
    // Procedure 0 of every program does nothing, and is answered (RFC 5531 §12.1).
    if (procedure === 0) return encodeReply(xid, { kind: "success", results: new Uint8Array(0) });
    const found = procedures.get(procedure);
    if (found === undefined) {
      log.info(asked, "call refused: the procedure is not served");
      return encodeReply(xid, { kind: "procedure-unavailable" });
    }
    return await this.#perform(found, call, connection);
  }

  async #perform(found: RpcService, call: RpcCall, connection: RpcConnection): Promise<Uint8Array> {
    const { log } = this.#options;
    const asked = { from: connection.remoteAddress, procedure: found.procedure.name };
    let request: unknown;
    try {
      request = found.procedure.decodeRequest(call.args);
    } catch (error) {
      if (!(error instanceof GlusterError)) throw error;
      log.warn({ ...asked, reason: error.message }, "call refused: garbage arguments");
      return encodeReply(call.xid, { kind: "garbage-arguments" });
    }
    try {
      const reply = await found.handle(request, connection, call);
      return encodeReply(call.xid, {
        kind: "success",
        results: found.procedure.encodeReply(reply),
      });
    } catch (error) {
      log.error({ ...asked, err: error }, "call failed");
      return encodeReply(call.xid, { kind: "system-error" });
    }
  }
}

interface ConnectionHost {
  readonly log: Log;
  readonly patienceMs: number;
  readonly atOnce: number;
  readonly answer: (call: RpcCall) => Promise<Uint8Array>;
}

class Connection implements RpcConnection {
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #decoder = new RecordDecoder({ recordBytesMax: RECORD_BYTES_MAX });
  readonly #waiting: RpcCall[] = [];
  readonly #closeListeners: (() => void)[] = [];
  #answering = 0;
  #closed = false;
  #patience: NodeJS.Timeout | undefined;
  #callbackXid = 0;

  constructor(id: number, socket: Socket, host: ConnectionHost) {
    this.id = id;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? "");
    this.remotePort = socket.remotePort ?? 0;
    this.#socket = socket;
    this.#host = host;
    this.#waitForRecord("it sent no request");
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#finish());
  }

  callback(program: Program, procedure: number): void {
    this.#callbackXid += 1;
    const target = {
      xid: this.#callbackXid,
      program: program.number,
      version: program.version,
      procedure,
    };
    this.#send(encodeCall(target, { flavor: AUTH.none, body: new Uint8Array(0) }));
  }

  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#closeListeners.push(listener);
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#host.log.debug({ from: this.remoteAddress, reason }, "connection closed");
    this.#socket.destroy();
    this.#finish();
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    try {
      // The socket may use its memory again, and calls are answered later.
      for (const record of this.#decoder.push(new Uint8Array(chunk))) {
        this.#waiting.push(decodeCall(record));
      }
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#decoder.pendingBytes > 0) this.#waitForRecord("it left a request unfinished");
    else clearTimeout(this.#patience);
    if (this.#waiting.length >= WAITING_CALLS_MAX) this.#socket.pause();
    while (this.#waiting.length > 0 && this.#answering < this.#host.atOnce) void this.#answerAll();
  }

  #refuse(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#host.log.warn({ from: this.remoteAddress, reason }, "connection closed: malformed input");
    const denial = error instanceof RpcError ? denialOf(error) : undefined;
    if (denial !== undefined) this.#socket.end(denial);
    else this.#socket.destroy();
    this.#finish();
  }

  async #answerAll(): Promise<void> {
    this.#answering += 1;
    for (let call = this.#waiting.shift(); call !== undefined; call = this.#waiting.shift()) {
      if (this.#closed) break;
      try {
        this.#send(await this.#host.answer(call));
      } catch (error) {
        this.#host.log.error({ from: this.remoteAddress, err: error }, "call failed");
        this.#send(encodeReply(call.xid, { kind: "system-error" }));
      }
    }
    this.#answering -= 1;
    if (!this.#closed) this.#socket.resume();
  }

  #send(record: Uint8Array): void {
    if (this.#closed) return;
    this.#socket.write(record);
    if (this.#socket.writableLength > UNSENT_BYTES_MAX) {
      this.#host.log.warn({ from: this.remoteAddress }, "connection closed: it reads no answers");
      this.close("it reads no answers");
    }
  }

  #waitForRecord(reason: string): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.#host.log.info({ from: this.remoteAddress, reason }, "connection closed: idle");
      this.close(reason);
    }, this.#host.patienceMs);
    this.#patience.unref();
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#patience);
    this.#waiting.length = 0;
    for (const listener of this.#closeListeners.splice(0)) listener();
  }
}

/** `::ffff:127.0.0.1` is 127.0.0.1. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
