/** A client that speaks the wire itself, and says what the stock one never would. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { randomUUID } from "node:crypto";
import { Dictionary, fops, NO_DICTIONARY, PROGRAM, setVolume } from "@mortar/gluster";
import type { Procedure } from "@mortar/gluster";
import { decodeReply, encodeCall, encodeCredential, messageKind, RecordDecoder } from "@mortar/rpc";

export interface RawCallback {
  readonly procedure: number;
  readonly args: Uint8Array;
}

const ANSWER_MS = 10_000;

export class RawClient {
  readonly socket: Socket;
  readonly callbacks: RawCallback[] = [];
  uid = 0;
  pid = 1;
  #xid = 1;
  readonly #waiting = new Map<number, (results: Uint8Array) => void>();
  #callbackCame: () => void = () => undefined;
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once("close", () => resolve());
    });
    socket.on("error", () => undefined);
    const decoder = new RecordDecoder();
    socket.on("data", (chunk: Buffer) => {
      for (const record of decoder.push(Uint8Array.from(chunk))) this.#receive(record);
    });
  }

  /** Connects and introduces itself. */
  static async enter(
    port: number, path: string, facts: Record<string, string> = {},
  ): Promise<{ readonly client: RawClient; readonly errno: number; readonly text: string }> {
    const client = await RawClient.connect(port);
    const { errno, text } = await client.introduce(path, facts);
    return { client, errno, text };
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new RawClient(socket)));
      socket.once("error", reject);
    });
  }

  async introduce(
    path: string, facts: Record<string, string>,
  ): Promise<{ readonly errno: number; readonly text: string }> {
    const dictionary = Dictionary.of({
      "remote-subvolume": path, "process-uuid": `raw-${randomUUID()}`, "fops-version": "1298437",
      ...facts,
    });
    const reply = await this.ask(setVolume, { dictionary });
    const errno = reply.opRet < 0 ? reply.opErrno : 0;
    return { errno, text: reply.dictionary.text("ERROR") ?? "" };
  }

  ask<Q, R>(procedure: Procedure<Q, R>, request: Q): Promise<R> {
    const xid = this.#xid++;
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${procedure.name}: no answer`)), ANSWER_MS);
      this.#waiting.set(xid, (results) => {
        clearTimeout(timer);
        resolve(results);
      });
      void this.closed.then(() => {
        clearTimeout(timer);
        reject(new Error(`${procedure.name}: the connection was closed`));
        return undefined;
      });
    });
    const { number: program, version } = procedure.program;
    const credential = encodeCredential({
      kind: "gluster3", pid: this.pid, uid: this.uid, gid: this.uid, groups: [], timeFlags: 0,
      timeSeconds: 0, timeNanoseconds: 0, lockOwner: new Uint8Array(8),
    });
    const target = { xid, program, version, procedure: procedure.number };
    this.socket.write(encodeCall(target, credential, procedure.encodeRequest(request)));
    return answer.then((results) => procedure.decodeReply(results));
  }

  /** The gfid of a name in the root; undefined: there is none. */
  async look(name: string): Promise<Uint8Array | undefined> {
    const reply = await this.ask(fops.lookup, {
      gfid: new Uint8Array(16), parent: ROOT, flags: 0, name: Buffer.from(name),
      xdata: NO_DICTIONARY,
    });
    return reply.opRet < 0 ? undefined : reply.before.gfid;
  }

  async nextCallback(): Promise<RawCallback> {
    if (this.callbacks.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("no callback came")), ANSWER_MS);
        this.#callbackCame = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.callbacks.shift()!;
  }

  #receive(record: Uint8Array): void {
    if (messageKind(record) === "call") {
      const view = new DataView(record.buffer, record.byteOffset, record.length);
      if (view.getUint32(12, false) !== PROGRAM.callback.number) throw new Error("no callback");
      // Program, version and procedure; then two empty credentials.
      this.callbacks.push({ procedure: view.getUint32(20, false), args: record.slice(40) });
      this.#callbackCame();
      return;
    }
    const reply = decodeReply(record);
    if (reply.kind !== "success") throw new Error(`the call was refused: ${reply.kind}`);
    this.#waiting.get(reply.xid)?.(reply.results.slice());
    this.#waiting.delete(reply.xid);
  }

  end(): void {
    this.socket.destroy();
  }
}

export const ROOT = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
