/** An open snapshot, as the main thread has it: questions to its thread, and their answers. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { GfapiPlace } from "@mortar/linux";
import type {
  SnapshotAnswer, SnapshotOperation, SnapshotOperations, SnapshotRequest,
} from "./snapshot-messages.ts";
import { Errno, FopError } from "./fop-error.ts";

const HOST = fileURLToPath(new URL("./snapshot-worker-host.js", import.meta.url));
/** Bricks that are gone are noticed sooner; this is for a thread that hangs. */
const ANSWER_MAX_MS = 60_000;
/** The library waits up to ten seconds for what is under way. */
const CLOSE_MAX_MS = 12_000;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class OpenSnapshot {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #isGone = false;

  private constructor(place: GfapiPlace) {
    this.#worker = new Worker(HOST, { workerData: place });
    this.#worker.unref();
    this.#worker.on("message", (answer: SnapshotAnswer) => this.#answered(answer));
    this.#worker.on("error", () => this.abandon());
    this.#worker.on("exit", () => this.abandon());
  }

  /** Rejects with FopError. */
  static async open(place: GfapiPlace): Promise<OpenSnapshot> {
    const snapshot = new OpenSnapshot(place);
    await snapshot.#answerTo(0);
    return snapshot;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Rejects with FopError: ESTALE when the snapshot is closed. */
  async ask<Name extends SnapshotOperation>(
    operation: Name,
    args: SnapshotOperations[Name]["args"],
  ): Promise<SnapshotOperations[Name]["result"]> {
    if (this.#isGone) throw new FopError(Errno.ESTALE);
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = this.#answerTo(id);
    const request: SnapshotRequest = { id, operation, args };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
    this.#worker.postMessage(request);
    return (await answer) as SnapshotOperations[Name]["result"];
  }

  /** Ends the thread, as soon as it comes back from what it does; waits for that a while. */
  async close(): Promise<void> {
    if (this.#isGone) return;
    const end = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    const request: SnapshotRequest = { id: this.#nextId, operation: "close", args: {} };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
    this.#worker.postMessage(request);
    this.abandon();
    await Promise.race([end, sleep(CLOSE_MAX_MS, undefined, { ref: false })]);
  }

  /** Whoever waits is told that there is no such thing any more. */
  abandon(): void {
    this.#isGone = true;
    for (const { reject } of this.#waiting.values()) reject(new FopError(Errno.ESTALE));
    this.#waiting.clear();
  }

  #answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new FopError(Errno.ETIMEDOUT));
      }, ANSWER_MAX_MS);
      timer.unref();
      this.#waiting.set(id, {
        resolve: (result) => {
          clearTimeout(timer);
          resolve(result);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }

  #answered(answer: SnapshotAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("errno" in answer) waiting?.reject(new FopError(answer.errno));
    else waiting?.resolve(answer.result);
  }
}
