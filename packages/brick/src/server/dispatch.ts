/**
 * A record to whoever serves it, and its reply. What throws concerns one request only: it gets
 * "garbage arguments", or EIO if the fault is ours; the connection and all others go on.
 */
import { wireLength } from "@mortar/brick-services";
import type { EntryLock, InodeLock } from "@mortar/brick-services";
import { callback, Dictionary, GlusterError, PROGRAM } from "@mortar/gluster";
import { AUTH, AUTH_STATUS, denialOf, encodeCall, encodeReply, RpcError } from "@mortar/rpc";
import type { ReplyOutcome } from "@mortar/rpc";
import type { Brick, HeldReply } from "../brick.ts";
import { fopTable } from "../fops/fop-table.ts";
import type { ServedFop } from "../fops/fop-table.ts";
import { DONE, HELD, LATER, SYNCING } from "../fops/handler.ts";
import type { LockWaiter } from "../services/brick-locks.ts";
import { Errno } from "../store/errno.ts";
import { Call, LoadStatus, Malformed } from "../wire/call.ts";
import type { Memory } from "../wire/memory.ts";
import { Out } from "../wire/out.ts";
import { Client } from "./client.ts";
import type { Connection } from "./connection.ts";
import {
  dumpReply, handshakePingReply, introduce, lockVersionReply, pingReply,
} from "./handshake.ts";
import { park } from "./parked-request.ts";
import type { ParkedRequest } from "./parked-request.ts";
import { RequestRules } from "./request-rules.ts";
import { findDirectory } from "./newcomers.ts";
import type { AwaitedReply, JobResult, Waiting } from "./workers.ts";

const OUT_BYTES = 1024 * 1024;
/** Replies are sent when so many bytes have come together, or no more requests are there. */
const BATCH_BYTES = 512 * 1024;
/** An answer is written, of another kind than a fop's. */
const ANSWERED = -4;

export class Dispatcher {
  readonly out = new Out(OUT_BYTES);
  readonly callbacks = new Out(4096);
  readonly #brick: Brick;
  readonly #call: Call;
  readonly #identity: string;
  readonly #log: (line: string) => void;

  readonly rules: RequestRules;
  /** Told of each client that was let in. */
  arrived: (client: Client) => void = () => undefined;
  #nextXid = 1;
  /** Whose client has this id. */
  readonly #connectionOf: (client: number) => Connection | undefined;

  constructor(
    connectionOf: (client: number) => Connection | undefined, brick: Brick, call: Call,
    identity: string,
    log: (line: string) => void,
  ) {
    this.#connectionOf = connectionOf;
    this.#brick = brick;
    this.#call = call;
    this.#identity = identity;
    this.#log = log;
    this.rules = new RequestRules(brick);
    brick.tell = (client, procedure, args) => this.#tell(client, procedure, args);
  }

  /** Serve a record that was received. False: close the connection. */
  readonly serve = (
    connection: Connection, memory: Memory, start: number, end: number,
  ): boolean => {
    const call = this.#call;
    const status = call.load(memory, start, end);
    if (status !== LoadStatus.ok) return this.#refuse(status);
    this.#brick.patience.isLone = connection.servesOne;
    if (!this.#perform(connection, performance.now())) return false;
    return this.out.at < BATCH_BYTES || this.#send(connection);
  };

  /** What waited for a job that is done. The connection that one request less of waits. */
  resume(waiting: Waiting, job: JobResult): Connection | undefined {
    if (waiting.kind === "health") {
      waiting.done(job.result);
      return undefined;
    }
    if (waiting.kind === "reply") {
      const { connection } = waiting.reply;
      if (!connection.isClosed) this.#answer(waiting.reply, job.result);
      return connection;
    }
    const { connection, record, isFresh, sinceMs } = waiting.request;
    if (job.groups !== undefined) {
      const until = performance.now() + this.#brick.options.groupTimeoutSeconds * 1000;
      this.rules.groups.set(job.uid, job.groups, until);
    }
    const call = this.#call;
    if (connection.isClosed || call.load(record, 0, record.length) !== LoadStatus.ok) {
      return connection;
    }
    this.#brick.patience.isLone = false;
    call.resumed = !isFresh;
    call.jobResult = job.result;
    this.#perform(connection, sinceMs);
    this.#send(connection);
    return connection;
  }

  /** A reply whose flush is done. */
  #answer(reply: AwaitedReply, result: number): void {
    const { connection, procedure, record } = reply;
    const start = this.out.begin(reply.xid);
    if (result < 0) {
      this.out.failure(start, -result, fopTable[procedure]!.replyBytes);
    } else {
      this.out.at = start;
      this.out.raw(record);
      this.#holdBack(connection, start, procedure, reply.writeFlags);
    }
    this.#send(connection);
    this.#count(procedure, reply.sinceMs, result < 0);
  }

  /** Locks that were granted or are wanted: nothing else is in the buffer. */
  settleLocks(): void {
    const { locks, mandatory } = this.#brick;
    locks.settle(this.#grant, this.#tellInode, this.#tellEntry);
    for (const request of mandatory.takeReleased()) this.#goOn(request);
  }

  readonly #grant = (waiter: LockWaiter): void => {
    const start = this.out.begin(waiter.xid);
    this.out.raw(waiter.results);
    this.out.end(start);
    this.#send(waiter.client.connection);
    this.#count(waiter.procedure, waiter.sinceMs, false);
  };

  readonly #tellInode = (lock: InodeLock<LockWaiter>): void => {
    const domain = lock.domain!;
    const flock = {
      type: lock.type, whence: 0, start: { high: lock.startHigh, low: lock.startLow },
      length: wireLength(lock), pid: lock.pid, lockOwner: lock.owner,
    };
    const args = callback.inodeLockContention.encodeRequest({
      gfid: gfidOf(domain.inode.gfid), flock, pid: lock.pid, domain: domain.name,
      xdata: new Dictionary(),
    });
    this.#tell(lock.client, callback.inodeLockContention.number, args);
  };

  readonly #tellEntry = (lock: EntryLock<LockWaiter>): void => {
    const domain = lock.domain!;
    const args = callback.entryLockContention.encodeRequest({
      gfid: gfidOf(domain.inode.gfid), type: lock.type, pid: lock.pid,
      name: lock.name ?? new Uint8Array(0), domain: domain.name, xdata: new Dictionary(),
    });
    this.#tell(lock.client, callback.entryLockContention.number, args);
  };

  /** A call to a client; it has no answer. */
  #tell(client: number, procedure: number, args: Uint8Array): void {
    const connection = this.#connectionOf(client);
    if (connection === undefined) return;
    const { number: program, version } = PROGRAM.callback;
    const target = { xid: this.#nextXid++, program, version, procedure };
    // Replies to another client may be in the other buffer.
    const { callbacks } = this;
    callbacks.raw(encodeCall(target, { flavor: AUTH.none, body: new Uint8Array(0) }, args));
    connection.flush(callbacks);
  }

  /** All replies of the connection that were written. */
  finish(connection: Connection): boolean {
    return this.#send(connection);
  }

  #send(connection: Connection): boolean {
    return connection.flush(this.out);
  }

  #refuse(status: number): boolean {
    const { xid } = this.#call;
    if (status === LoadStatus.rpcVersion) {
      const denial = denialOf(new RpcError("rpc-version", "only version 2 is spoken", xid));
      if (denial !== undefined) this.out.raw(denial);
      return true;
    }
    if (status === LoadStatus.credential) {
      this.#outcome({ kind: "authentication-error", why: AUTH_STATUS.badCredential });
      return true;
    }
    return false;
  }

  #outcome(outcome: ReplyOutcome): void {
    this.out.raw(encodeReply(this.#call.xid, outcome));
  }

  #perform(connection: Connection, sinceMs: number): boolean {
    const call = this.#call;
    if (call.program === PROGRAM.fops.number) {
      if (connection.client === undefined) {
        this.#outcome({ kind: "authentication-error", why: AUTH_STATUS.tooWeak });
        return true;
      }
      if (call.version === PROGRAM.fops.version) {
        this.#fop(connection, connection.client, sinceMs);
        return true;
      }
      const { version } = PROGRAM.fops;
      this.#outcome({ kind: "program-mismatch", low: version, high: version });
      return true;
    }
    try {
      return this.#session(connection);
    } catch (error) {
      if (!(error instanceof GlusterError)) throw error;
      this.#outcome({ kind: "garbage-arguments" });
      return true;
    }
  }

  #fop(connection: Connection, client: Client, sinceMs: number): void {
    const call = this.#call;
    const { out } = this;
    const fop = fopTable[call.procedure];
    if (fop === undefined) {
      this.#outcome({ kind: "procedure-unavailable" });
      return;
    }
    const start = out.begin(call.xid);
    let status = 0;
    if (this.rules.isActive || client.directory !== undefined) {
      status = this.rules.apply(client, call, performance.now());
      if (status === LATER) {
        this.#brick.objects.rootSlot = -1;
        this.#park(connection, sinceMs, start, true);
        return;
      }
    }
    if (status === 0) status = this.#handle(fop, connection, client, start, sinceMs);
    this.#brick.objects.rootSlot = -1;
    if (status === ANSWERED) return;
    if (status === DONE) {
      out.end(start);
      this.#holdBack(connection, start, call.procedure, this.#brick.lastWriteFlags);
    } else if (status === LATER) {
      this.#park(connection, sinceMs, start, false);
      return;
    } else if (status === HELD) {
      out.at = start;
      return;
    } else if (status === SYNCING) {
      out.end(start);
      this.#await(connection, sinceMs, start);
      return;
    } else {
      out.failure(start, status, fop.replyBytes);
    }
    this.#count(call.procedure, sinceMs, status !== DONE);
  }

  #handle(
    fop: ServedFop, connection: Connection, client: Client, start: number, sinceMs: number,
  ): number {
    const call = this.#call;
    const { leases, mandatory, upcalls } = this.#brick;
    let status = 0;
    try {
      if (leases.isActive) {
        status = this.#passLeases(connection, client, sinceMs);
        if (status !== 0) return status;
      }
      if (mandatory.isActive) {
        const { memory, start: from, end } = call;
        const waits = (): ParkedRequest => park(connection, memory, from, end, sinceMs, true);
        status = mandatory.pass(client, call, waits);
        if (status !== 0) return status;
      }
      if (upcalls.isActive) upcalls.before(call);
      status = fop.handler(this.#brick, client, call, this.out);
      if (upcalls.isActive && (status === DONE || status === SYNCING)) {
        upcalls.after(client.id, call, performance.now());
      }
    } catch (error) {
      status = this.#blame(error, start);
    }
    this.#brick.returnBorrowed();
    return status;
  }

  #passLeases(connection: Connection, client: Client, sinceMs: number): number {
    const call = this.#call;
    const { memory, start, end } = call;
    const waits = (): ParkedRequest => park(connection, memory, start, end, sinceMs, true);
    const verdict = this.#brick.leases.pass(client, call, waits, performance.now());
    if (verdict === "pass") return 0;
    return verdict === "again" ? Errno.EAGAIN : HELD;
  }

  /** Requests that waited for a lease. The buffer is empty. */
  settleLeases(): void {
    const { leases } = this.#brick;
    if (!leases.isActive) return;
    for (const request of leases.takeReleased(performance.now())) this.#goOn(request);
  }

  #goOn({ connection, record, sinceMs }: ParkedRequest): void {
    if (connection.isClosed) return;
    if (this.#call.load(record, 0, record.length) !== LoadStatus.ok) return;
    this.#perform(connection, sinceMs);
    this.#send(connection);
  }

  /** The request waits for the job that was started last. */
  #park(connection: Connection, sinceMs: number, start: number, isFresh: boolean): void {
    const { memory, start: from, end } = this.#call;
    this.out.at = start;
    const request = park(connection, memory, from, end, sinceMs, isFresh);
    this.#brick.workers.attach({ kind: "request", request });
    connection.wait();
  }

  /** The reply does. */
  #await(connection: Connection, sinceMs: number, start: number): void {
    const { out } = this;
    const { xid, procedure } = this.#call;
    const reply = {
      connection, record: out.bytes.slice(start, out.at), xid, procedure, sinceMs,
      writeFlags: this.#brick.lastWriteFlags,
    };
    out.at = start;
    this.#brick.top.waits();
    this.#brick.workers.attach({ kind: "reply", reply });
    connection.wait();
  }

  #count(procedure: number, sinceMs: number, failed: boolean): void {
    const microseconds = ((performance.now() - sinceMs) * 1000) | 0;
    this.#brick.statistics.record(procedure, microseconds, failed);
    this.#brick.top.took(microseconds);
  }

  /** The barrier is up: a reply that promises something waits for its fall. */
  #holdBack(
    connection: Connection, start: number, procedure: number, writeFlags: number,
  ): void {
    const { barrier } = this.#brick;
    if (!barrier.isUp || !barrier.holds(procedure, writeFlags)) return;
    const { out } = this;
    barrier.hold({ connection, record: out.bytes.slice(start, out.at) });
    out.at = start;
  }

  /** What the barrier held, in the order that it came. */
  answerHeld(replies: readonly HeldReply[]): void {
    for (const { connection, record } of replies) {
      if (connection.isClosed) continue;
      this.out.raw(record);
      this.#send(connection);
    }
  }

  /** The errno to answer with, or ANSWERED. */
  #blame(error: unknown, start: number): number {
    if (error instanceof Malformed || error instanceof GlusterError) {
      this.out.at = start;
      this.#outcome({ kind: "garbage-arguments" });
      return ANSWERED;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#log(`fop ${fopTable[this.#call.procedure]?.name}: ${text}`);
    return Errno.EIO;
  }

  /** Programs that a stranger may call. False: close the connection. */
  #session(connection: Connection): boolean {
    const { program, procedure, xid } = this.#call;
    const args = this.#call.rest();
    let results: Uint8Array | undefined;
    if (program === PROGRAM.dump.number) {
      if (procedure === 0) results = new Uint8Array(0);
      if (procedure === 1) results = dumpReply();
      if (procedure === 2) results = pingReply();
    } else if (program === PROGRAM.handshake.number) {
      if (procedure === 0) results = new Uint8Array(0);
      if (procedure === 1) {
        results = this.#introduce(connection, args);
      }
      if (procedure === 3) results = handshakePingReply();
      if (procedure === 4) results = lockVersionReply(args);
    } else {
      this.#outcome({ kind: "program-unavailable" });
      return true;
    }
    if (results === undefined) this.#outcome({ kind: "procedure-unavailable" });
    else this.out.raw(encodeReply(xid, { kind: "success", results }));
    return true;
  }

  #introduce(connection: Connection, args: Uint8Array): Uint8Array {
    const brick = this.#brick;
    const { newcomer, reply } = introduce(
      brick.spec, this.#identity, connection.peer, args, (path) => findDirectory(brick, path),
    );
    const from = `${connection.peer.address}:${connection.peer.port}`;
    if (newcomer === undefined) this.#log(`a client from ${from} was refused`);
    if (newcomer !== undefined && connection.client === undefined) {
      this.#log(`client from ${from}: ${newcomer.identity}`);
      const client = new Client(newcomer.identity, connection, newcomer);
      connection.client = client;
      if (client.cameBack) {
        this.#brick.seenNames.begin(client.cameMs);
        this.#brick.catchingUp.begin(client.cameMs);
      }
      this.arrived(client);
    }
    return reply;
  }
}

function gfidOf(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let word = 0; word < 4; word++) view.setUint32(4 * word, words[word]!, false);
  return bytes;
}
