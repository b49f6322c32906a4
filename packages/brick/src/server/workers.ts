/**
 * Whatever would make the brick's thread wait for the disk (a read that the page cache does not
 * have, a flush) is done by a worker first; then the request is served again from its start, and
 * finds it done. So a worker knows of requests nothing, and a request is served in one place. What
 * is only to be durable before it is answered is done at once, and its reply waits for the flush.
 *
 * A handler starts a job and gives LATER or SYNCING; the server then attaches the request or the
 * reply to it. A descriptor is duplicated, so that a client may close its own meanwhile.
 */
import { closeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { duplicateFd, fileIo, openEventFd, setBlocking } from "@mortar/linux";
import { allocate } from "../wire/memory.ts";
import { JobKind, JobWords, LANES, LaneState, makeJobWords } from "./job-words.ts";
import type { Connection } from "./connection.ts";
import type { ParkedRequest } from "./parked-request.ts";

export interface WorkerSetup {
  readonly lane: number;
  readonly shared: SharedArrayBuffer;
  readonly wakeFd: number;
}

/** A whole reply that is sent when its job has succeeded. */
export interface AwaitedReply {
  readonly connection: Connection;
  readonly record: Uint8Array;
  readonly xid: number;
  readonly procedure: number;
  readonly writeFlags: number;
  readonly sinceMs: number;
}

/** Who waits for a job; its results go to whichever of these it is. */
export type Waiting =
  | { readonly kind: "request"; readonly request: ParkedRequest }
  | { readonly kind: "reply"; readonly reply: AwaitedReply }
  | { readonly kind: "health"; readonly done: (result: number) => void };

export interface JobResult {
  readonly result: number;
  /** Of a groups job: whose they are. */
  readonly uid: number;
  readonly groups: Uint32Array | undefined;
}

interface Job {
  readonly kind: number;
  readonly fd: number;
  /** The descriptor that `fd` is a duplicate of. */
  source: number;
  readonly offset: number;
  readonly length: number;
  readonly waiting: Waiting[];
}

/** Clients are kept below it by `server.outstanding-rpc-limit`. */
const QUEUE_MAX = 65_536;
const START_MS_MAX = 10_000;

export class Workers {
  /** Readable when a job is done. */
  readonly wakeFd: number;
  readonly #shared = makeJobWords();
  readonly #words = new JobWords(this.#shared);
  readonly #threads: Worker[] = [];
  readonly #running: (Job | undefined)[] = [];
  readonly #queue: Job[] = [];
  readonly #counter = allocate(8);
  #last: Job | undefined;

  constructor() {
    this.wakeFd = openEventFd();
    setBlocking(this.wakeFd, false, "event descriptor");
  }

  /** Resolves when all threads wait for jobs. */
  async start(): Promise<void> {
    for (let lane = 0; lane < LANES; lane++) {
      const setup: WorkerSetup = { lane, shared: this.#shared, wakeFd: this.wakeFd };
      const thread = new Worker(new URL("./worker-host.js", import.meta.url), {
        workerData: setup,
        // It computes nothing: what it needs is loaded once.
        resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 },
      });
      thread.on("error", (error) => {
        throw error;
      });
      thread.unref();
      this.#threads.push(thread);
    }
    for (let waited = 0; waited < START_MS_MAX; waited += 5) {
      if (this.#threads.every((_, lane) => this.#words.isUp(lane))) return;
      await delay(5);
    }
    throw new Error(`the brick's ${LANES} worker threads did not start in ${START_MS_MAX} ms`);
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Bring a part of a file into the page cache. False: too much is waiting already. */
  warm(fd: number, offset: number, length: number): boolean {
    return this.#begin(JobKind.warm, fd, offset, length);
  }

  /** A flush that has not begun yet serves everybody who asks for it meanwhile. */
  sync(fd: number, dataOnly: boolean): boolean {
    const kind = dataOnly ? JobKind.dataSync : JobKind.sync;
    const queued = this.#queue.find((job) => job.source === fd && job.kind === kind);
    if (queued === undefined) return this.#begin(kind, fd, 0, 0);
    this.#last = queued;
    return true;
  }

  /** The groups of a user. */
  groups(uid: number): boolean {
    return this.#begin(JobKind.groups, -1, uid, 0);
  }

  /** Whether a file takes what is written to it. */
  health(fd: number, done: (result: number) => void): void {
    if (this.#begin(JobKind.health, fd, 0, 0)) this.attach({ kind: "health", done });
  }

  /** Who started the last job, or joined it, waits for it. */
  attach(waiting: Waiting): void {
    this.#last!.waiting.push(waiting);
    this.#last = undefined;
  }

  /** A descriptor is closed: its number may come again for another file. */
  forgetSource(fd: number): void {
    for (const job of this.#queue) {
      if (job.source === fd) job.source = -1;
    }
  }

  /** What is done: whoever waited is told. */
  collect(tell: (waiting: Waiting, result: JobResult) => void): void {
    fileIo().read(this.wakeFd, this.#counter.address, 8);
    for (let lane = 0; lane < LANES; lane++) {
      if (this.#words.state(lane) !== LaneState.done) continue;
      const job = this.#running[lane];
      const result = this.#words.result(lane);
      const groups = job?.kind === JobKind.groups
        ? this.#words.groups(lane).slice(0, Math.max(result, 0)) : undefined;
      this.#running[lane] = undefined;
      this.#words.setState(lane, LaneState.free);
      const next = this.#queue.shift();
      if (next !== undefined) this.#give(lane, next);
      if (job === undefined) continue;
      if (job.fd >= 0) closeSync(job.fd);
      for (const waiting of job.waiting) tell(waiting, { result, uid: job.offset, groups });
    }
  }

  #begin(kind: number, source: number, offset: number, length: number): boolean {
    if (this.#queue.length >= QUEUE_MAX) return false;
    const fd = source < 0 ? -1 : duplicateFd(source, "open file");
    const job: Job = { kind, fd, source, offset, length, waiting: [] };
    this.#last = job;
    for (let lane = 0; lane < LANES; lane++) {
      if (this.#running[lane] === undefined) {
        this.#give(lane, job);
        return true;
      }
    }
    this.#queue.push(job);
    return true;
  }

  #give(lane: number, job: Job): void {
    this.#running[lane] = job;
    this.#words.setJob(lane, job.kind, job.fd, job.offset, job.length);
    this.#words.setState(lane, LaneState.given);
  }
}
