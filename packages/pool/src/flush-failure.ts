/**
 * A failed flush is remembered beyond the process that met it: RUN/pools/VG-POOL/flush-failure.json,
 *
 *     { "bootId": "...", "errno": 5, "time": "2026-01-31T12:00:00.000Z" }
 *
 * written before anybody is told of the error. The kernel forgets a failed write-back once somebody
 * was told, and shows the data from the page cache until it drops it. A server that knew nothing of
 * it would take that data for durable. So while the file is there the pool is shown as it was at
 * its last commit, and takes no changes. Stopping the pool removes the file with its directory:
 * whoever deactivates and activates it has accepted what is lost.
 *
 * After a boot of the machine it does not count: the page cache is gone, and what is on the disk is
 * what was flushed.
 */
import { readFileSync, rmSync } from "node:fs";
import { bootId } from "@mortar/linux";
import type { FlushFailure } from "./device-table.ts";
import { log } from "./log.ts";
import { replaceFile } from "./run-directory.ts";

const EIO = 5;

export class RecordedFlushFailure implements FlushFailure {
  readonly #shared: FlushFailure;
  readonly #path: string;

  /** `shared` is what the threads of this process look at, `path` the file. */
  constructor(shared: FlushFailure, path: string) {
    this.#shared = shared;
    this.#path = path;
  }

  get flushError(): number {
    return this.#shared.flushError;
  }

  set flushError(errno: number) {
    if (this.#shared.flushError === 0) this.#record(errno);
    this.#shared.flushError = errno;
  }

  /** Take over what a server before this one met. A file that makes no sense still is one. */
  recall(): void {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch {
      return;
    }
    const { bootId: boot, errno = EIO } = parse(text);
    if (boot !== undefined && boot !== bootId()) rmSync(this.#path, { force: true });
    else this.#shared.flushError = errno;
  }

  #record(errno: number): void {
    const time = new Date().toISOString();
    try {
      replaceFile(this.#path, JSON.stringify({ bootId: bootId(), errno, time }));
    } catch (error) {
      log(`the failed flush is known to this process alone: ${(error as Error).message}`);
    }
  }
}

function parse(text: string): { bootId?: string; errno?: number } {
  try {
    const { bootId: boot, errno } = JSON.parse(text) as Record<"bootId" | "errno", unknown>;
    return {
      ...(typeof boot === "string" && { bootId: boot }),
      ...(typeof errno === "number" && errno > 0 && { errno }),
    };
  } catch {
    return {};
  }
}
