import { Worker } from "node:worker_threads";
import { newSpaceLog, wakeSpaceLogReader } from "@mortar/thin";
import type { ControlReply } from "./control.ts";
import type { FlushFailure } from "./device-table.ts";
import { log } from "./log.ts";
import type { SpaceReport } from "./space.ts";
import type { FromKeeper, KeepRequest, ToKeeper } from "./space-messages.ts";
import type { PoolSpec } from "./spec.ts";
import type { WorkerRequest } from "./worker-messages.ts";
import { writeBack } from "./write-back.ts";

const ANSWER_MS_MAX = 2000;
const AGAIN_MS_MIN = 250;
const AGAIN_MS_MAX = 30_000;
/** What could not be done is tried again no sooner, and only when somebody asks. */
const AFTER_FAILURE_MS = 60_000;
/** The engine's memory comes first: without the books the pool still serves. */
const LIMITS = { maxOldGenerationSizeMb: 256 };

/**
 * The main thread's end of the keeper of the books (space-keeper-host.ts). It has the engine begin
 * to tell, hands the keeper what to read, and begins again when the log was lost. Nothing that goes
 * wrong here touches the serving of the pool: then the answer says that there is none, and why.
 */
export class SpaceKeeper {
  readonly #spec: () => PoolSpec;
  readonly #flushes: FlushFailure;
  readonly #ask: (request: WorkerRequest) => Promise<ControlReply>;
  readonly #questions = new Map<number, (report: SpaceReport) => void>();
  #worker: Worker | undefined;
  #memory: SharedArrayBuffer | undefined;
  #nextId = 1;
  #againMs = AGAIN_MS_MIN;
  #failedAtMs = 0;
  #absent: Extract<SpaceReport, { ready: false }> | undefined = {
    ready: false,
    retry: true,
    reason: "the pool's metadata is being read",
  };

  constructor(
    spec: () => PoolSpec,
    flushes: FlushFailure,
    ask: (request: WorkerRequest) => Promise<ControlReply>,
  ) {
    this.#spec = spec;
    this.#flushes = flushes;
    this.#ask = ask;
  }

  /** Begin, or begin again. */
  async start(): Promise<void> {
    const spec = this.#spec();
    if (spec.kind !== "thin-pool") {
      this.#failedAtMs = Number.POSITIVE_INFINITY;
      this.#beAbsent("linear volumes share nothing", false);
      return;
    }
    this.#beAbsent("the pool's metadata is being read", true);
    // For to be followed is to commit.
    await writeBack(spec.devices.map(({ path }) => path), this.#flushes);
    const memory = newSpaceLog();
    const reply = await this.#ask({ verb: "follow", log: memory });
    if (!reply.ok) {
      this.#giveUp(reply.message);
      return;
    }
    this.#memory = memory;
    this.#tell({
      kind: "keep",
      log: memory,
      superblock: reply.result as Uint8Array,
      chunkBytes: spec.chunkSectors * 512,
      devices: spec.devices,
      metadata: spec.metadata,
    } satisfies KeepRequest);
  }

  /** How much each device has alone, and what deleting each of these sets of devices frees. */
  async report(sets: readonly (readonly number[])[]): Promise<SpaceReport> {
    if (this.#absent !== undefined) {
      const isDue = !this.#absent.retry && Date.now() - this.#failedAtMs > AFTER_FAILURE_MS;
      if (isDue) void this.start();
      return this.#absent;
    }
    const id = this.#nextId++;
    return await new Promise((resolve) => {
      const done = (report: SpaceReport): void => {
        clearTimeout(timer);
        this.#questions.delete(id);
        resolve(report);
      };
      const timer = setTimeout(() => {
        done({ ready: false, retry: true, reason: "the keeper of the books is busy" });
      }, ANSWER_MS_MAX);
      this.#questions.set(id, done);
      this.#tell({ kind: "ask", id, sets });
    });
  }

  #tell(message: ToKeeper): void {
    this.#worker ??= this.#newWorker();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
    this.#worker.postMessage(message);
    if (this.#memory !== undefined) wakeSpaceLogReader(this.#memory);
  }

  #newWorker(): Worker {
    const worker = new Worker(new URL("./space-keeper-host.js", import.meta.url), {
      resourceLimits: LIMITS,
    });
    worker.on("message", (message: FromKeeper) => this.#told(message));
    worker.on("error", (error) => log(`space keeper: ${error.stack ?? error.message}`));
    worker.on("exit", () => {
      this.#worker = undefined;
      this.#giveUp("the keeper of the books ended");
    });
    return worker;
  }

  #told(message: FromKeeper): void {
    switch (message.kind) {
      case "scanned":
        log(`space accounting is ready after ${message.tookMs} ms`);
        this.#absent = undefined;
        this.#againMs = AGAIN_MS_MIN;
        void this.#ask({ verb: "scanned" });
        return;
      case "answer":
        this.#questions.get(message.id)?.(message.report);
        return;
      case "lost":
        this.#again();
        return;
      case "failed":
        this.#giveUp(message.reason);
        return;
    }
  }

  #again(): void {
    this.#beAbsent("the pool's metadata is about to be read again", true);
    const waitMs = this.#againMs;
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MS_MAX);
    setTimeout(() => void this.start(), waitMs);
  }

  #giveUp(reason: string): void {
    log(`no space accounting: ${reason}`);
    this.#failedAtMs = Date.now();
    this.#beAbsent(reason, false);
    if (this.#memory !== undefined) void this.#ask({ verb: "unfollow" });
    this.#memory = undefined;
  }

  #beAbsent(reason: string, retry: boolean): void {
    this.#absent = { ready: false, retry, reason };
    for (const done of this.#questions.values()) done(this.#absent);
  }
}
