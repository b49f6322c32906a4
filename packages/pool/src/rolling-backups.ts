/**
 * Rolling copies of a pool's metadata, made while it serves, from the server's main thread.
 *
 *     DIRECTORY/metadata-TIME-tTRANSACTION-DIGEST.xml.gz
 *
 * The engine commits and keeps that state's trees in place (`pin`); a thread of low priority reads
 * and copies them; then the engine says whether they stayed in place all the while (`unpin`), and
 * only a copy of which that is true gets its name. DIGEST is of the superblock: a pool that has not
 * changed since the last copy is not copied again. A pool that needs the blocks takes them, and the
 * copy is made another time. Users' metadata snapshots are left alone.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { BackupAnswer, BackupRequest } from "./backup-messages.ts";
import type { ControlReply } from "./control.ts";
import type { FlushFailure } from "./device-table.ts";
import type { Judgement } from "./fill-watch.ts";
import { log } from "./log.ts";
import type { MetadataBackups } from "./protection.ts";
import type { PoolSpec, ThinPoolSpec } from "./spec.ts";
import type { PinnedState, WorkerRequest } from "./worker-messages.ts";
import { writeBack } from "./write-back.ts";

/** After the pool was started, or sooner if copies are made more often. */
const FIRST_MS = 5000;
/** Metadata that holds more is not copied: dump it by hand. 256 MiB, some 16 million mappings. */
const BLOCKS_MAX = 65_536;
const LIMITS = { maxOldGenerationSizeMb: 128 };
const PATTERN = /^metadata-\d{8}T\d{9}Z-t\d+-([0-9a-f]{16})\.xml\.gz$/;
const PARTIAL = "partial";

export class RollingBackups {
  readonly #spec: () => PoolSpec;
  readonly #flushes: FlushFailure;
  readonly #ask: (request: WorkerRequest) => Promise<ControlReply>;
  readonly #publish: (judgement: Judgement) => void;
  #toldTooLarge = false;
  #lastFailure = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(
    spec: () => PoolSpec,
    flushes: FlushFailure,
    ask: (request: WorkerRequest) => Promise<ControlReply>,
    publish: (judgement: Judgement) => void,
  ) {
    this.#spec = spec;
    this.#flushes = flushes;
    this.#ask = ask;
    this.#publish = publish;
  }

  start(): void {
    const everyMs = this.#plan()?.everyMs ?? FIRST_MS;
    this.#timer = setTimeout(() => void this.#round(), Math.min(everyMs, FIRST_MS));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #plan(): MetadataBackups | undefined {
    const spec = this.#spec();
    return spec.kind === "thin-pool" ? spec.protection?.backups : undefined;
  }

  async #round(): Promise<void> {
    const spec = this.#spec();
    const plan = this.#plan();
    if (plan !== undefined && spec.kind === "thin-pool") {
      try {
        await this.#copy(spec, plan);
        this.#lastFailure = "";
      } catch (error) {
        this.#fail(spec, plan, (error as Error).message);
      }
    }
    this.#timer = setTimeout(() => void this.#round(), plan?.everyMs ?? FIRST_MS);
  }

  async #copy(spec: ThinPoolSpec, { directory, keep }: MetadataBackups): Promise<void> {
    // For to pin is to commit.
    await writeBack(spec.devices.map(({ path }) => path), this.#flushes);
    const reply = await this.#ask({ verb: "pin" });
    if (!reply.ok) return; // A pool that is read-only or failed has nothing new to keep.
    const pinned = reply.result as PinnedState;
    let isTrue = false;
    const partial = join(directory, PARTIAL);
    const digest = createHash("sha256").update(pinned.superblock).digest("hex").slice(0, 16);
    let error: Error | undefined;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const newest = backupNames(directory).at(-1);
      if (newest !== undefined && PATTERN.exec(newest)?.[1] === digest) return;
      if (this.#isTooLarge(spec, pinned)) return;
      rmSync(partial, { force: true });
      const { superblock } = pinned;
      await runCopier({ path: partial, superblock, devices: spec.devices, metadata: spec.metadata });
    } catch (caught) {
      error = caught as Error;
    } finally {
      const unpinned = await this.#ask({ verb: "unpin" });
      isTrue = unpinned.ok && unpinned.result === true;
    }
    if (!isTrue) {
      rmSync(partial, { force: true });
      log("metadata backup: the pool needed the room, another one is made later");
      return;
    }
    if (error !== undefined) throw error;
    const time = new Date().toISOString().replaceAll(/[-:.]/g, "");
    const name = `metadata-${time}-t${pinned.transactionId}-${digest}.xml.gz`;
    renameSync(partial, join(directory, name));
    for (const old of backupNames(directory).slice(0, -keep)) rmSync(join(directory, old));
    log(`metadata backup: ${join(directory, name)}`);
  }

  #isTooLarge({ vgName, poolName }: ThinPoolSpec, { usedBlocks }: PinnedState): boolean {
    if (usedBlocks <= BLOCKS_MAX) return false;
    if (!this.#toldTooLarge) {
      this.#toldTooLarge = true;
      log(
        `metadata backup: ${vgName}/${poolName} uses ${usedBlocks} blocks of metadata, copies are ` +
          `made of up to ${BLOCKS_MAX}`,
      );
    }
    return true;
  }

  /** The same failure is told once. */
  #fail({ vgName, poolName }: ThinPoolSpec, { directory }: MetadataBackups, reason: string): void {
    if (reason === this.#lastFailure) return;
    this.#lastFailure = reason;
    this.#publish({
      kind: "backup-failed",
      severity: "warning",
      message: `The metadata of thin pool ${vgName}/${poolName} could not be copied: ${reason}.`,
      nextStep: `look at ${directory}`,
    });
  }
}

/** Oldest first. */
export function backupNames(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => PATTERN.test(name))
    .toSorted();
}

function runCopier(request: BackupRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./backup-host.js", import.meta.url), {
      workerData: request,
      resourceLimits: LIMITS,
    });
    worker.once("message", (answer: BackupAnswer) => {
      if (answer.ok) resolve();
      else reject(new Error(answer.reason));
    });
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the copying thread ended with code ${code}`)));
  });
}
