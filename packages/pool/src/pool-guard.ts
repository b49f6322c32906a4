/**
 * Keeps a pool from running full, on the server's main thread: hears after every commit how full it
 * is, tells operators, and runs the command that extends it. The command speaks to this server by
 * its control socket like any other, so nothing here waits for it.
 *
 * Events go to the log, to the machine's log, and to RUN/events.jsonl.
 */
import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { systemLog } from "@mortar/linux";
import type { ControlReply } from "./control.ts";
import { extendStep, FillWatch, percentOf } from "./fill-watch.ts";
import type { Judgement } from "./fill-watch.ts";
import { log } from "./log.ts";
import { LoopReserve } from "./loop-reserve.ts";
import { appendPoolEvent } from "./pool-events.ts";
import { DEFAULT_PROTECTION } from "./protection.ts";
import type { PoolProtection } from "./protection.ts";
import type { RunFiles } from "./run-directory.ts";
import type { PoolSpec, ThinPoolSpec } from "./spec.ts";
import type { EngineStatus } from "./status.ts";
import type { PoolFill, WorkerRequest, WorkerStatus } from "./worker-messages.ts";

/** While requests wait for room. */
const WAITING_TICK_MS = 250;
/** While the pool is to be extended, and the last attempt failed. */
const ALERT_TICK_MS = 1000;
const COMMAND_MS_MAX = 180_000;
const OUTPUT_CHARACTERS_MAX = 4000;
const SAME_AGAIN_MS = 60_000;

export class PoolGuard {
  readonly #files: RunFiles;
  readonly #spec: () => PoolSpec;
  readonly #ask: (request: WorkerRequest) => Promise<ControlReply>;
  #watch: FillWatch | undefined;
  #watchOf = "";
  #last: EngineStatus | undefined;
  readonly #loops: LoopReserve;
  #extending = false;
  #tick: NodeJS.Timeout | undefined;
  #failure = { text: "", atMs: 0 };

  constructor(
    files: RunFiles,
    spec: () => PoolSpec,
    ask: (request: WorkerRequest) => Promise<ControlReply>,
  ) {
    this.#files = files;
    this.#loops = new LoopReserve(files.mountPoint);
    this.#spec = spec;
    this.#ask = ask;
  }

  /** Have the worker commit, and hear how full the pool is then. */
  async commit(): Promise<ControlReply> {
    const reply = await this.#ask({ verb: "commit" });
    if (reply.ok) this.#hear(reply.result as PoolFill);
    else await this.#lookAtFailure();
    return reply;
  }

  /** Something changed that may matter: requests began to wait, the pool grew, it just started. */
  look(): void {
    if (this.#spec().kind === "thin-pool") void this.commit();
  }

  close(): void {
    clearTimeout(this.#tick);
  }

  /** An event of this pool, from whoever watches something else of it. */
  publish({ kind, severity, message, nextStep }: Judgement): void {
    const { vgName: vg, poolName: pool } = this.#spec();
    const sentence = nextStep === undefined ? message : `${message} Next: ${nextStep}`;
    log(`${severity}: ${sentence}`);
    systemLog("mortar", severity, sentence);
    const time = new Date().toISOString();
    appendPoolEvent(dirname(dirname(this.#files.directory)), {
      time, severity, kind, vg, pool, message, ...(nextStep !== undefined && { nextStep }),
    });
  }

  async #lookAtFailure(): Promise<void> {
    const reply = await this.#ask({ verb: "status" });
    if (!reply.ok) return;
    const { pool } = reply.result as WorkerStatus;
    if (pool !== undefined) this.#hear({ pool, waiting: 0, timedOut: false });
  }

  #hear({ pool, waiting, timedOut }: PoolFill): void {
    const spec = this.#spec();
    if (pool === undefined || spec.kind !== "thin-pool") return;
    this.#last = pool;
    const protection = spec.protection ?? DEFAULT_PROTECTION;
    const watch = this.#watchFor(spec, protection);
    for (const judgement of watch.look(pool, waiting > 0)) this.publish(judgement);
    if (timedOut) this.publish(timeoutOf(spec, protection, pool));
    if (waiting === 0 && pool.mode === "write") this.#loops.want(watch.isAlert);
    const wants = watch.wantsExtension(Date.now()) && protection.extendCommand.length > 0;
    if (wants && !this.#extending) void this.#extend(watch, protection.extendCommand, pool);
    this.#schedule(waiting > 0 ? WAITING_TICK_MS : watch.isAlert ? ALERT_TICK_MS : undefined);
  }

  #watchFor(spec: ThinPoolSpec, { thresholdPercent }: PoolProtection): FillWatch {
    const name = `${spec.vgName}/${spec.poolName}`;
    const key = `${name} ${thresholdPercent}`;
    if (this.#watch === undefined || this.#watchOf !== key) {
      this.#watch = new FillWatch(name, thresholdPercent);
      this.#watchOf = key;
    }
    return this.#watch;
  }

  #schedule(delayMs: number | undefined): void {
    clearTimeout(this.#tick);
    this.#tick = undefined;
    if (delayMs !== undefined) this.#tick = setTimeout(() => void this.commit(), delayMs);
  }

  async #extend(
    watch: FillWatch,
    command: readonly string[],
    before: EngineStatus,
  ): Promise<void> {
    this.#extending = true;
    const words = command.join(" ");
    log(`extending: ${words}`);
    const { code, output } = await run(command);
    await this.commit(); // Hear of the reload that the command sent.
    this.#extending = false;
    const after = this.#last ?? before;
    const grown =
      after.dataTotalBlocks > before.dataTotalBlocks ||
      after.metadataTotalBlocks > before.metadataTotalBlocks;
    watch.extensionEnded(grown, Date.now());
    if (grown) this.publish(extended(this.#spec(), before, after));
    else if (code !== 0) this.#publishFailure(words, code, output);
    this.look();
  }

  /** The same failure is told once a minute. */
  #publishFailure(words: string, code: number | string, output: string): void {
    const { vgName, poolName } = this.#spec();
    const reason = output.trim().split("\n").at(-1)?.trim() ?? "";
    const text = `${code} ${reason}`;
    const now = Date.now();
    if (text === this.#failure.text && now - this.#failure.atMs < SAME_AGAIN_MS) return;
    this.#failure = { text, atMs: now };
    this.publish({
      kind: "extend-failed",
      severity: "error",
      message:
        `Thin pool ${vgName}/${poolName} could not be extended: ` +
        (reason === "" ? `${words} ended with ${code}` : reason),
      nextStep: `vgextend ${vgName} DEVICE; ${extendStep("data", `${vgName}/${poolName}`)}`,
    });
  }
}

function extended(spec: PoolSpec, before: EngineStatus, after: EngineStatus): Judgement {
  const data = percentOf(after.dataUsedBlocks, after.dataTotalBlocks).toFixed(2);
  const metadata = percentOf(after.metadataUsedBlocks, after.metadataTotalBlocks).toFixed(2);
  const message =
    `Thin pool ${spec.vgName}/${spec.poolName} was extended: data from ` +
    `${before.dataTotalBlocks} to ${after.dataTotalBlocks} chunks, now ${data}% full, metadata ` +
    `from ${before.metadataTotalBlocks} to ${after.metadataTotalBlocks} blocks, now ` +
    `${metadata}% full.`;
  return { kind: "extended", severity: "note", message };
}

function timeoutOf(spec: PoolSpec, protection: PoolProtection, pool: EngineStatus): Judgement {
  const name = `${spec.vgName}/${spec.poolName}`;
  const seconds = protection.noSpaceTimeoutMs / 1000;
  return {
    kind: "full-timeout",
    severity: "error",
    message:
      `Thin pool ${name} got no room within ${seconds} s: writes to new chunks fail with ENOSPC.`,
    nextStep: extendStep(pool.mode === "out-of-data-space" ? "data" : "metadata", name),
  };
}

function run(command: readonly string[]): Promise<{ code: number | string; output: string }> {
  return new Promise((resolve) => {
    const [program = "", ...args] = command;
    const child = spawn(program, args, {
      cwd: "/",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: COMMAND_MS_MAX,
      killSignal: "SIGKILL",
    });
    let output = "";
    const take = (part: Buffer): void => {
      output = (output + part.toString()).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.once("error", (error) => resolve({ code: "error", output: error.message }));
    child.once("close", (code, signal) => resolve({ code: code ?? signal ?? "signal", output }));
  });
}
