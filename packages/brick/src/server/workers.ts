/**
 * Whatever would make the brick's thread wait for the disk (a read that the page cache does not
 * have, a flush) is done by a worker first; then the request is served again from its start, and
 * finds it done. So a worker knows of requests nothing, and a request is served in one place. What
 * is only to be durable before it is answered is done at once, and its reply waits for the flush.
 *
 * Reads are asked of the disk at once, so that they are under way together; then one thread waits
 * for several of them, one after the other. All else has a thread to itself.
 *
 * A handler starts a job and gives LATER or SYNCING; the server then attaches the request or the
 * reply to it. A descriptor is duplicated, so that a client may close its own meanwhile.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { duplicateFd, fileIo, openEventFd, setBlocking } from "@mortar/linux";
import { calls } from "../store/scratch.ts";
import { allocate } from "../wire/memory.ts";
import { JobKind, JobWords, LANES, makeJobWords, RING } from "./job-words.ts";
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
const io = fileIo();

export class Workers {
  /** Readable when a job is done. */
  readonly wakeFd: number;
  readonly #shared = makeJobWords();
  readonly #words = new JobWords(this.#shared);
  readonly #threads: Worker[] = [];
  /** Of each thread: what it was given, in order. */
  readonly #running: Job[][] = [];
  readonly #reads: Job[] = [];
  readonly #others: Job[] = [];
  readonly #counter = allocate(8);
  #lanesMax = LANES;
  #last: Job | undefined;

  constructor() {
    this.wakeFd = openEventFd();
    setBlocking(this.wakeFd, false, "event descriptor");
  }

  /** The first thread; resolves when it waits for jobs. */
  async start(): Promise<void> {
    const thread = this.#startThread();
    thread.on("error", (error) => {
      throw error;
    });
    for (let waited = 0; waited < START_MS_MAX; waited += 5) {
      if (this.#words.isUp(0)) return;
      await delay(5);
    }
    throw new Error(`the brick's worker thread did not start in ${START_MS_MAX} ms`);
  }

  /** A thread costs 9 MiB, so there are as many as have ever been needed at a time. */
  #startThread(): Worker {
    const setup: WorkerSetup = {
      lane: this.#threads.length, shared: this.#shared, wakeFd: this.wakeFd,
    };
    const thread = new Worker(new URL("./worker-host.js", import.meta.url), {
      workerData: setup,
      // It computes nothing: what it needs is loaded once.
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 },
    });
    thread.unref();
    this.#threads.push(thread);
    this.#running.push([]);
    return thread;
  }

  get isIdle(): boolean {
    return this.queued === 0 && this.#running.every((jobs) => jobs.length === 0);
  }

  get queued(): number {
    return this.#reads.length + this.#others.length;
  }

  /** Bring a part of a file into the page cache. False: too much is waiting already. */
  warm(fd: number, offset: number, length: number): boolean {
    return this.#begin(JobKind.warm, fd, offset, length);
  }

  /** A flush that has not begun yet serves everybody who asks for it meanwhile. */
  sync(fd: number, dataOnly: boolean): boolean {
    const kind = dataOnly ? JobKind.dataSync : JobKind.sync;
    const queued = this.#others.find((job) => job.source === fd && job.kind === kind);
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
    for (const job of this.#others) {
      if (job.source === fd) job.source = -1;
    }
  }

  /** What is done: whoever waited is told. */
  collect(tell: (waiting: Waiting, result: JobResult) => void): void {
    io.read(this.wakeFd, this.#counter.address, 8);
    this.#words.look();
    for (const [lane, jobs] of this.#running.entries()) {
      // Whoever is told may give the lane more.
      let done = jobs.length - ((this.#words.given(lane) - this.#words.done(lane)) >>> 0);
      for (; done > 0; done--) {
        const number = (this.#words.given(lane) - jobs.length) >>> 0;
        this.#conclude(lane, number, jobs.shift()!, tell);
      }
    }
    while (this.#others.length > 0 && this.#offer(this.#others[0]!)) this.#others.shift();
    while (this.#reads.length > 0 && this.#offer(this.#reads[0]!)) this.#reads.shift();
  }

  #conclude(
    lane: number, number: number, job: Job,
    tell: (waiting: Waiting, result: JobResult) => void,
  ): void {
    const result = this.#words.result(lane, number);
    const groups = job.kind === JobKind.groups
      ? this.#words.groups(lane).slice(0, Math.max(result, 0)) : undefined;
    if (job.fd >= 0) calls.close(job.fd);
    for (const waiting of job.waiting) tell(waiting, { result, uid: job.offset, groups });
  }

  #begin(kind: number, source: number, offset: number, length: number): boolean {
    if (this.queued >= QUEUE_MAX) return false;
    const fd = source < 0 ? -1 : duplicateFd(source, "open file");
    const job: Job = { kind, fd, source, offset, length, waiting: [] };
    this.#last = job;
    const isRead = kind === JobKind.warm;
    // A thread that has nothing else to do reads at once.
    if (isRead && this.#running.some((jobs) => jobs[0]?.kind === JobKind.warm)) {
      io.readAhead(fd, offset, length);
    }
    if (!this.#offer(job)) (isRead ? this.#reads : this.#others).push(job);
    return true;
  }

  /** To a thread that can take it; false: none can. */
  #offer(job: Job): boolean {
    const lane = this.#laneFor(job.kind === JobKind.warm);
    if (lane < 0) return false;
    const jobs = this.#running[lane]!;
    this.#words.setJob(
      lane, this.#words.given(lane), job.kind, job.fd, job.offset, job.length,
    );
    jobs.push(job);
    this.#words.give(lane);
    return true;
  }

  /** Of a thread that is up and can take it; -1: it has to wait, perhaps for one that starts. */
  #laneFor(isRead: boolean): number {
    for (const [lane, jobs] of this.#running.entries()) {
      const reads = jobs[0]?.kind === JobKind.warm;
      if (isRead && reads) return jobs.length < RING ? lane : -1;
    }
    for (const [lane, jobs] of this.#running.entries()) {
      // A thread that starts tells when it is up.
      if (!this.#words.isUp(lane)) return -1;
      if (jobs.length === 0) return lane;
    }
    if (this.#threads.length === this.#lanesMax) return -1;
    try {
      this.#startThread();
    } catch {
      // The system gives no more threads: those that are there do it.
      this.#lanesMax = this.#threads.length;
    }
    return -1;
  }
}
