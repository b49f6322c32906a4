/** A brick in this process, asked request by request without a socket. */
import { closeSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import type { Procedure, TypedDictionary } from "@mortar/gluster";
import { setXattr } from "@mortar/linux";
import { encodeCall, encodeCredential } from "@mortar/rpc";
import { Brick } from "./brick.ts";
import { fopTable } from "./fops/fop-table.ts";
import { SYNCING } from "./fops/handler.ts";
import { Client } from "./server/client.ts";
import type { Connection } from "./server/connection.ts";
import { Workers } from "./server/workers.ts";
import { Call } from "./wire/call.ts";
import { allocate } from "./wire/memory.ts";
import { Out, REPLY_HEAD_BYTES } from "./wire/out.ts";

const VOLUME_ID = "01020304-0506-0708-090a-0b0c0d0e0f10";
export const ROOT = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
export const NONE = new Uint8Array(16);

/** trusted.* attributes take root. */
export const inProcessSkip = process.getuid?.() === 0 ? {} : { skip: "root is needed" };

export class InProcessBrick {
  readonly directory: string;
  readonly path: string;
  #brick: Brick;
  readonly #call = new Call(allocate(64));
  readonly #out = new Out(65_536);
  #client: Client;
  /** Of the caller. */
  uid = 0;
  timeSeconds = 1000;

  constructor() {
    // In memory if there is such a place: a brick has hundreds of directories from the start.
    const base = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    this.directory = mkdtempSync(join(base, `brick-process-${process.pid}-`));
    this.path = join(this.directory, "brick");
    mkdirSync(this.path);
    setXattr(this.path, "trusted.glusterfs.volume-id", idBytes());
    this.#brick = this.#open();
    this.#client = newClient();
  }

  get brick(): Brick {
    return this.#brick;
  }

  #open(): Brick {
    const spec = {
      path: this.path, volume: "process", volumeId: VOLUME_ID,
      controlSocket: join(this.directory, "control"),
    };
    return new Brick(spec, new Workers(), this.#call);
  }

  /** As if the process had been killed: nothing is closed or finished. */
  restart(): void {
    // The kernel does that much for a process that dies.
    closeSync(this.#brick.directory.brickFd);
    this.#brick = this.#open();
    this.#client = newClient();
  }

  remove(): void {
    process.chdir("/");
    rmSync(this.directory, { recursive: true, force: true });
  }

  ask<Q, R>(procedure: Procedure<Q, R>, request: Q): R {
    return procedure.decodeReply(this.askRaw(procedure.number, procedure.encodeRequest(request)));
  }

  /** The bytes of the result. Throws what the handler throws. */
  askRaw(procedure: number, args: Uint8Array): Uint8Array {
    const credential = encodeCredential({
      kind: "gluster3", pid: 1, uid: this.uid, gid: this.uid, groups: [], timeFlags: 0x1b,
      timeSeconds: this.timeSeconds++, timeNanoseconds: 5, lockOwner: new Uint8Array(8),
    });
    const target = { xid: 1, program: 1_298_437, version: 400, procedure };
    const record = encodeCall(target, credential, args);
    const memory = allocate(record.length);
    memory.bytes.set(record);
    const call = this.#call;
    if (call.load(memory, 4, record.length) !== 0) throw new Error("the call was refused");
    const out = this.#out;
    out.at = 0;
    const start = out.begin(1);
    const fop = fopTable[procedure]!;
    const status = fop.handler(this.#brick, this.#client, call, out);
    this.#brick.returnBorrowed();
    if (status < 0 && status !== SYNCING) throw new Error(`status ${status}`);
    if (status > 0) out.failure(start, status, fop.replyBytes);
    return out.bytes.slice(start + REPLY_HEAD_BYTES, out.at);
  }

  lookup(parent: Uint8Array, name: string, xdata: TypedDictionary = NO_DICTIONARY) {
    return this.ask(fops.lookup, {
      gfid: NONE, parent, flags: 0, name: Buffer.from(name), xdata,
    });
  }

  stat(gfid: Uint8Array) {
    return this.ask(fops.stat, { gfid, xdata: NO_DICTIONARY });
  }

  create(parent: Uint8Array, name: string, gfid: Uint8Array, mode = 0o100644) {
    return this.ask(fops.create, {
      parent, flags: 2 | 0o100 | 0o200, mode, umask: 0, name: Buffer.from(name),
      xdata: wanted(gfid),
    });
  }

  mkdir(parent: Uint8Array, name: string, gfid: Uint8Array) {
    return this.ask(fops.mkdir, {
      parent, mode: 0o755, umask: 0, name: Buffer.from(name), xdata: wanted(gfid),
    });
  }
}

export function wanted(gfid: Uint8Array): TypedDictionary {
  return new Map([["gfid-req", typed.gfid(gfid)]]);
}

/** A gfid that is told from others by its number. */
export function gfidOf(number: number): Uint8Array {
  const gfid = new Uint8Array(16).fill(0xa0);
  gfid[0] = number;
  gfid[15] = number;
  return gfid;
}

function newClient(): Client {
  return new Client("in process", undefined as unknown as Connection);
}

function idBytes(): Uint8Array {
  return Uint8Array.from(Buffer.from(VOLUME_ID.replaceAll("-", ""), "hex"));
}
