/**
 * The brick servers of this node: started, watched, started again, stopped, adopted.
 *
 * A brick server outlives mortard. What runs is found again by pid file and command line; what
 * should run and does not is started. A brick that dies while it is wanted is started again, at
 * once the first time, then with growing pauses; one that stayed up for a minute starts afresh.
 *
 * Start and stop of one brick exclude each other; different bricks proceed side by side.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Locks } from "../locks.ts";
import type { Log } from "../log.ts";
import { type ProcessIdentity, isAlive, signal, waitForEnd } from "../process-identity.ts";
import { terminate } from "./brick-client.ts";
import { BrickError } from "./brick-error.ts";
import {
  type BrickFiles,
  type BrickHome,
  type BrickRecord,
  type BrickSpec,
  brickFiles,
  commandLine,
  findProcess,
  portOfProcess,
  readRecord,
  writeRecord,
} from "./brick-process.ts";
import { launch } from "./launch.ts";
import { freePort } from "./port.ts";

export interface SupervisorOptions {
  readonly home: BrickHome;
  readonly nodeUuid: string;
  readonly glusterfsd: string;
  /** Bricks listen here and look for their volfile here; absent: everywhere, and 127.0.0.1. */
  readonly address: string | undefined;
  readonly managementPort: number;
  readonly portFirst: number;
  readonly portLast: number;
  readonly log: Log;
  /** How often the processes are looked at. Default 500 ms. */
  readonly watchMs?: number;
}

export type BrickState = "starting" | "online" | "restarting" | "stopping" | "failed";

export interface BrickView {
  readonly spec: BrickSpec;
  readonly state: BrickState;
  readonly pid: number | undefined;
  readonly port: number | undefined;
  readonly restarts: number;
  readonly reason: string | undefined;
  readonly socket: string;
}

interface Brick {
  readonly spec: BrickSpec;
  readonly files: BrickFiles;
  state: BrickState;
  process: ProcessIdentity | undefined;
  port: number | undefined;
  restarts: number;
  failures: number;
  onlineSinceMs: number;
  reason: string | undefined;
  retry: NodeJS.Timeout | undefined;
}

const START_MAX_MS = 60_000;
const TERMINATE_MAX_MS = 5_000;
const SIGTERM_MAX_MS = 5_000;
const SIGKILL_MAX_MS = 10_000;
const CALM_AFTER_MS = 60_000;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 60_000;
const LOCK_WAIT_MS = 180_000;
const PORT_TRIES_MAX = 5;

export class BrickSupervisor {
  readonly #options: SupervisorOptions;
  readonly #bricks = new Map<string, Brick>();
  readonly #locks = new Locks();
  readonly #portsInUse = new Set<number>();
  #watch: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#watch = setInterval(() => this.#look(), options.watchMs ?? 500);
    this.#watch.unref();
  }

  /** Starts the brick unless it runs. It stays wanted until `stop`. Throws `BrickError`. */
  async start(spec: BrickSpec): Promise<BrickView> {
    return await this.#locks.with([spec.path], LOCK_WAIT_MS, async () => {
      const brick = this.#bricks.get(spec.path) ?? this.#enter(spec);
      if (brick.process !== undefined && isAlive(brick.process)) return view(brick);
      clearTimeout(brick.retry);
      try {
        await this.#launch(brick);
      } catch (error) {
        // A command that fails to start a brick reports it; nothing goes on behind its back.
        this.#leave(brick);
        throw error;
      }
      return view(brick);
    });
  }

  /** Ends the brick server and wants it no longer. Not running: nothing happens. */
  async stop(path: string): Promise<void> {
    await this.#locks.with([path], LOCK_WAIT_MS, async () => {
      const files = brickFiles(this.#options.home, path);
      const brick = this.#bricks.get(path);
      clearTimeout(brick?.retry);
      const running = brick?.process ?? findProcess(files, path);
      if (brick !== undefined) brick.state = "stopping";
      try {
        if (running !== undefined) await this.#end(running, files, path);
      } catch (error) {
        if (brick !== undefined) brick.state = "online";
        throw error;
      }
      if (brick !== undefined) this.#leave(brick);
      for (const file of [files.record, files.socket, files.pid]) rmSync(file, { force: true });
    });
  }

  /** Takes over the brick servers that an earlier mortard started and that still run. */
  adoptRunning(): void {
    for (const { spec } of this.#records()) {
      const running = findProcess(brickFiles(this.#options.home, spec.path), spec.path);
      if (running === undefined || this.#bricks.has(spec.path)) continue;
      const { port } = this.#enter(spec);
      this.#options.log.info({ brick: spec.path, pid: running.pid, port }, "brick adopted");
    }
  }

  /**
   * Makes the wanted bricks, and no others, the ones that run: what nobody wants is ended, what is
   * missing is started and, should that fail, tried again until it succeeds. For the start of a
   * node, where nobody waits for the answer.
   */
  async keepOnly(wanted: readonly BrickSpec[]): Promise<void> {
    const paths = new Set(wanted.map((spec) => spec.path));
    for (const { spec } of this.#records()) {
      if (paths.has(spec.path)) continue;
      this.#options.log.warn({ brick: spec.path }, "a brick server runs that nobody wants: ended");
      await this.stop(spec.path);
    }
    const missing = wanted.filter((spec) => !this.#bricks.has(spec.path));
    await Promise.all(missing.map((spec) => this.#retry(this.#enter(spec))));
  }

  get(path: string): BrickView | undefined {
    const brick = this.#bricks.get(path);
    return brick === undefined ? undefined : view(brick);
  }

  /** Whether it serves at this moment; `get` tells what was so when it was looked at last. */
  isUp(path: string): boolean {
    const brick = this.#bricks.get(path);
    return brick?.state === "online" && brick.process !== undefined && isAlive(brick.process);
  }

  all(): BrickView[] {
    return [...this.#bricks.values()].map(view);
  }

  /** The port of a brick that serves; for portmap. */
  portOf(path: string): number | undefined {
    const brick = this.#bricks.get(path);
    return brick?.state === "online" ? brick.port : undefined;
  }

  pathOf(port: number): string | undefined {
    for (const brick of this.#bricks.values()) {
      if (brick.state === "online" && brick.port === port) return brick.spec.path;
    }
    return undefined;
  }

  /** A brick server says that it serves. It may say so before it has gone to the background. */
  signIn(path: string, port: number, pid: number): void {
    const brick = this.#bricks.get(path);
    if (brick === undefined) return;
    brick.port = port;
    this.#options.log.info({ brick: path, port, pid }, "brick signed in");
  }

  signOut(path: string): void {
    this.#options.log.info({ brick: path }, "brick signed out");
    this.#look();
  }

  /** Watches no longer. Every brick server goes on. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#watch);
    for (const brick of this.#bricks.values()) clearTimeout(brick.retry);
  }

  #enter(spec: BrickSpec): Brick {
    const files = brickFiles(this.#options.home, spec.path);
    const running = findProcess(files, spec.path);
    const port = running === undefined ? undefined : portOfProcess(running.pid);
    const brick: Brick = {
      spec,
      files,
      state: running === undefined ? "starting" : "online",
      process: running,
      port,
      restarts: 0,
      failures: 0,
      onlineSinceMs: performance.now(),
      reason: undefined,
      retry: undefined,
    };
    if (port !== undefined) this.#portsInUse.add(port);
    this.#bricks.set(spec.path, brick);
    return brick;
  }

  #leave(brick: Brick): void {
    clearTimeout(brick.retry);
    if (brick.port !== undefined) this.#portsInUse.delete(brick.port);
    this.#bricks.delete(brick.spec.path);
  }

  async #launch(brick: Brick): Promise<void> {
    const { spec, files } = brick;
    brick.state = brick.restarts === 0 ? "starting" : "restarting";
    for (let attempt = 1; ; attempt += 1) {
      const port = await this.#choosePort(brick);
      writeRecord(files, { spec, port });
      try {
        brick.process = await launch({
          program: this.#options.glusterfsd,
          args: this.#argumentsOf(brick, port),
          spec,
          files,
          timeoutMs: START_MAX_MS,
        });
        break;
      } catch (error) {
        this.#portsInUse.delete(port);
        brick.port = undefined;
        const reason = (error as Error).message;
        if (attempt >= PORT_TRIES_MAX || !/address already in use/i.test(reason)) throw error;
      }
    }
    brick.state = "online";
    brick.reason = undefined;
    brick.onlineSinceMs = performance.now();
    const { pid } = brick.process;
    this.#options.log.info({ brick: spec.path, pid, port: brick.port }, "brick started");
  }

  #argumentsOf(brick: Brick, port: number): string[] {
    const { address, nodeUuid, managementPort } = this.#options;
    return commandLine({
      spec: brick.spec,
      files: brick.files,
      port,
      nodeUuid,
      managementAddress: address ?? "127.0.0.1",
      managementPort,
    });
  }

  async #choosePort(brick: Brick): Promise<number> {
    const { address, portFirst, portLast } = this.#options;
    if (brick.port !== undefined) this.#portsInUse.delete(brick.port);
    const port = await freePort(address, portFirst, portLast, this.#portsInUse);
    if (port === undefined) {
      throw new BrickError(
        "no-free-port",
        `No free port from ${portFirst} to ${portLast} for the brick ${brick.spec.path}`,
        { nextStep: "Widen brickPortFirst..brickPortLast in mortar.json" },
      );
    }
    this.#portsInUse.add(port);
    brick.port = port;
    return port;
  }

  async #end(running: ProcessIdentity, files: BrickFiles, path: string): Promise<void> {
    const { log } = this.#options;
    if (statSync(files.socket, { throwIfNoEntry: false }) !== undefined) {
      const address = { socket: files.socket, name: path, timeoutMs: TERMINATE_MAX_MS };
      try {
        await terminate(address, path);
      } catch (error) {
        log.debug({ brick: path, err: error }, "the brick gave no answer to TERMINATE");
      }
    }
    if (await waitForEnd(running, TERMINATE_MAX_MS)) return;
    log.warn({ brick: path, pid: running.pid }, "the brick does not end by itself: SIGTERM");
    signal(running, "SIGTERM");
    if (await waitForEnd(running, SIGTERM_MAX_MS)) return;
    log.warn({ brick: path, pid: running.pid }, "the brick does not end upon SIGTERM: SIGKILL");
    signal(running, "SIGKILL");
    if (await waitForEnd(running, SIGKILL_MAX_MS)) return;
    throw new BrickError(
      "stop-failed",
      `The brick server of ${path} (process ${running.pid}) does not end even upon SIGKILL`,
      { nextStep: "Its disk may hang: look at dmesg and at the state of the thin pool" },
    );
  }

  #look(): void {
    for (const brick of this.#bricks.values()) {
      if (brick.state === "online") this.#lookAt(brick);
    }
  }

  #lookAt(brick: Brick): void {
    if (brick.process !== undefined && isAlive(brick.process)) {
      if (performance.now() - brick.onlineSinceMs > CALM_AFTER_MS) brick.failures = 0;
      return;
    }
    const { spec } = brick;
    this.#options.log.error({ brick: spec.path, pid: brick.process?.pid }, "brick died");
    brick.process = undefined;
    brick.state = "restarting";
    brick.reason = "its process died";
    this.#scheduleRetry(brick);
  }

  #scheduleRetry(brick: Brick): void {
    if (this.#closed) return;
    const pauseMs = Math.min(RETRY_FIRST_MS * 4 ** brick.failures, RETRY_MAX_MS);
    brick.failures += 1;
    clearTimeout(brick.retry);
    brick.retry = setTimeout(() => void this.#retry(brick), pauseMs);
    brick.retry.unref();
  }

  async #retry(brick: Brick): Promise<void> {
    const { path } = brick.spec;
    try {
      await this.#locks.with([path], LOCK_WAIT_MS, async () => {
        if (this.#closed || this.#bricks.get(path) !== brick) return;
        if (brick.state !== "starting") brick.restarts += 1;
        await this.#launch(brick);
      });
    } catch (error) {
      brick.state = "failed";
      brick.reason = (error as Error).message;
      this.#options.log.error({ brick: path, err: error }, "brick did not start, will try again");
      this.#scheduleRetry(brick);
    }
  }

  #records(): BrickRecord[] {
    const { runDirectory } = this.#options.home;
    return readdirSync(runDirectory)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => readRecord(join(runDirectory, name)) ?? []);
  }
}

function view(brick: Brick): BrickView {
  const { spec, state, port, restarts, reason, files } = brick;
  const online = state === "online";
  return {
    spec,
    state,
    pid: online ? brick.process?.pid : undefined,
    port: online ? port : undefined,
    restarts,
    reason,
    socket: files.socket,
  };
}
