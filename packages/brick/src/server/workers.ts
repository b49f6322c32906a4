/**
 * Whatever would make the brick's thread wait for the disk (a read that the page cache does not
 * have, a flush) is done by a worker first; then the request is served again from its start, and
 * finds it done. So a worker knows of requests nothing, and a request is served in one place.
 *
 * A handler starts a job and gives LATER; the server then attaches the request to it. A descriptor
 * is duplicated, so that a client may close its own meanwhile.
 */
import { closeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { duplicateFd, fileIo, openEventFd, setBlocking } from "@mortar/linux";
import { allocate } from "../wire/memory.ts";
import { JobKind, JobWords, LANES, LaneState, makeJobWords } from "./job-words.ts";
import type { ParkedRequest } from "./parked-request.ts";

export interface WorkerSetup {
  readonly lane: number;
  readonly shared: SharedArrayBuffer;
  readonly wakeFd: number;
}

interface Job {
  readonly kind: number;
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
  request: ParkedRequest | undefined;
}

const QUEUE_MAX = 4096;
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

  sync(fd: number, dataOnly: boolean): boolean {
    return this.#begin(dataOnly ? JobKind.dataSync : JobKind.sync, fd, 0, 0);
  }

  /** The request that started the last job waits for it. */
  attach(request: ParkedRequest): void {
    this.#last!.request = request;
    this.#last = undefined;
  }

  /** What is done: each request is given back with the job's result. */
  collect(resume: (request: ParkedRequest, result: number) => void): void {
    fileIo().read(this.wakeFd, this.#counter.address, 8);
    for (let lane = 0; lane < LANES; lane++) {
      if (this.#words.state(lane) !== LaneState.done) continue;
      const job = this.#running[lane];
      const result = this.#words.result(lane);
      this.#running[lane] = undefined;
      this.#words.setState(lane, LaneState.free);
      const next = this.#queue.shift();
      if (next !== undefined) this.#give(lane, next);
      if (job === undefined) continue;
      closeSync(job.fd);
      if (job.request !== undefined) resume(job.request, result);
    }
  }

  #begin(kind: number, fd: number, offset: number, length: number): boolean {
    if (this.#queue.length >= QUEUE_MAX) return false;
    const job: Job = { kind, fd: duplicateFd(fd, "open file"), offset, length, request: undefined };
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
