/**
 * The brick servers of this node: started, watched, started again, stopped, adopted.
 *
 * A brick server outlives mortard. What runs is found again by pid file and command line; what
 * should run and does not is started. A brick that dies while it is wanted is started again, at
 * once the first time, then with growing pauses; one that stayed up for a minute starts afresh.
 *
 * Start and stop of one brick exclude each other; different bricks proceed side by side.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { BrickEngine } from "@mortar/cluster";
import { Locks } from "../locks.ts";
import type { Log } from "../log.ts";
import { type ProcessIdentity, isAlive, signal, waitForEnd } from "../process-identity.ts";
import type { BrickAddress } from "./brick-client.ts";
import { type BrickNode, brickEngines } from "./brick-engine.ts";
import { BrickError } from "./brick-error.ts";
import {
  type BrickFiles,
  type BrickHome,
  type BrickRecord,
  type BrickSpec,
  type RunningBrick,
  brickFiles,
  findBrick,
  readRecord,
  removeFiles,
  wasToldToEnd,
  writeRecord,
} from "./brick-process.ts";
import { Places } from "./places.ts";
import { freePort } from "./port.ts";
import { removePidForTools, type ToolPidPlace, writePidForTools } from "./tool-pid-file.ts";

export interface SupervisorOptions {
  readonly home: BrickHome;
  readonly node: BrickNode;
  /** What the state says of a brick now. Throws when it knows no such volfile. */
  readonly plan: (volfileId: string) => BrickPlan;
  readonly portFirst: number;
  readonly portLast: number;
  readonly log: Log;
  /** How often the processes are looked at. Default 500 ms. */
  readonly watchMs?: number;
}

export interface BrickPlan {
  readonly engine: BrickEngine;
  readonly volfile: string;
}

/** `ended`: a tool or a signal told it to; it is started again when somebody asks for it. */
export type BrickState = "starting" | "online" | "restarting" | "stopping" | "failed" | "ended";

export interface BrickView {
  readonly spec: BrickSpec;
  readonly state: BrickState;
  /** Which program serves it, while it is online. */
  readonly engine: BrickEngine | undefined;
  readonly pid: number | undefined;
  readonly port: number | undefined;
  readonly restarts: number;
  readonly reason: string | undefined;
  readonly socket: string;
  readonly log: string;
}

interface Brick {
  readonly spec: BrickSpec;
  readonly files: BrickFiles;
  state: BrickState;
  engine: BrickEngine;
  process: ProcessIdentity | undefined;
  port: number | undefined;
  restarts: number;
  failures: number;
  onlineSinceMs: number;
  reason: string | undefined;
  retry: NodeJS.Timeout | undefined;
  isSignedOut: boolean;
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
/** A start is mostly work for a processor. */
const STARTS_AT_ONCE = 4;
const ANSWER_MAX_MS = 10_000;

export class BrickSupervisor {
  readonly #options: SupervisorOptions;
  readonly #bricks = new Map<string, Brick>();
  readonly #locks = new Locks();
  readonly #portsInUse = new Set<number>();
  readonly #places = new Places(STARTS_AT_ONCE);
  readonly #toolPids: ToolPidPlace;
  #watch: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#toolPids = { directory: options.home.toolPidDirectory, log: options.log };
    this.#watch = setInterval(() => this.#look(), options.watchMs ?? 500);
    this.#watch.unref();
  }

  /** Starts the brick unless it runs. It stays wanted until `stop`. Throws `BrickError`. */
  async start(spec: BrickSpec): Promise<BrickView> {
    return await this.#locks.with([spec.path], LOCK_WAIT_MS, async () => {
      const brick = this.#bricks.get(spec.path) ?? this.#enter(spec);
      if (brick.process !== undefined && isAlive(brick.process)) return view(brick);
      clearTimeout(brick.retry);
      if (brick.process !== undefined || brick.state === "restarting") brick.restarts += 1;
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
      const running = findBrick(files, path) ?? runningOf(brick);
      if (brick !== undefined) brick.state = "stopping";
      try {
        if (running !== undefined) await this.#end(running, files, path);
      } catch (error) {
        if (brick !== undefined) brick.state = "online";
        throw error;
      }
      if (brick !== undefined) this.#leave(brick);
      removeFiles(files);
      if (brick !== undefined) removePidForTools(this.#toolPids, brick.spec);
    });
  }

  /** As the state has it now; undefined for what is not watched here. */
  volfileOf(path: string): string | undefined {
    const brick = this.#bricks.get(path);
    return brick === undefined ? undefined : this.#options.plan(brick.spec.volfileId).volfile;
  }

  /**
   * Has a brick take over its volfile as it is now. Gives the options that wait for its next start.
   * A brick that does not run, or is just being started, needs nothing. Throws `BrickError`.
   */
  async reconfigure(path: string): Promise<readonly string[]> {
    const brick = this.#bricks.get(path);
    if (brick === undefined || !this.isUp(path)) return [];
    const { volfile } = this.#options.plan(brick.spec.volfileId);
    const address = addressOf(brick, ANSWER_MAX_MS);
    return await brickEngines[brick.engine].reconfigure(address, volfile);
  }

  /** Takes over the brick servers that an earlier mortard started and that still run. */
  adoptRunning(): void {
    for (const { spec } of this.#records()) {
      const running = findBrick(brickFiles(this.#options.home, spec.path), spec.path);
      if (running === undefined || this.#bricks.has(spec.path)) continue;
      const { port, engine } = this.#enter(spec);
      const { pid } = running.process;
      this.#options.log.info({ brick: spec.path, pid, port, engine }, "brick adopted");
    }
  }

  /**
   * Makes the wanted bricks, and no others, the ones that run: what nobody wants is ended, what is
   * missing is started and, should that fail, tried again until it succeeds. For the start of a
   * node, where nobody waits for the answer.
   */
  async keepOnly(wanted: readonly BrickSpec[]): Promise<void> {
    const known = new Map(wanted.map((spec) => [spec.path, spec]));
    for (const { spec } of this.#records()) {
      const now = known.get(spec.path);
      if (now !== undefined && now.bricks === spec.bricks) continue;
      this.#options.log.warn({ brick: spec.path }, "a server runs that nobody wants (so): ended");
      await this.stop(spec.path);
    }
    const adopted = wanted.filter((spec) => this.#bricks.has(spec.path));
    const missing = wanted.filter((spec) => !this.#bricks.has(spec.path));
    await Promise.all([
      ...missing.map((spec) => this.#retry(this.#enter(spec))),
      ...adopted.map((spec) => this.#catchUp(spec.path)),
    ]);
  }

  /** An option may have been set in the moment in which the daemon before this one died. */
  async #catchUp(path: string): Promise<void> {
    try {
      await this.reconfigure(path);
    } catch (error) {
      this.#options.log.warn({ brick: path, err: error }, "the brick did not take its volfile");
    }
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

  /** Somebody told it to end: it is as that one wants it. */
  wasEnded(path: string): boolean {
    return this.#bricks.get(path)?.state === "ended";
  }

  all(): BrickView[] {
    return [...this.#bricks.values()].map(view);
  }

  /** The port of a brick that serves; for portmap. */
  portOf(path: string): number | undefined {
    const brick = this.#bricks.get(path);
    return brick?.state === "online" ? brick.port : undefined;
  }

  isComing(path: string): boolean {
    const state = this.#bricks.get(path)?.state;
    return state === "starting" || state === "restarting";
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

  /** It leaves in order: somebody told it to. */
  signOut(path: string): void {
    this.#options.log.info({ brick: path }, "brick signed out");
    const brick = this.#bricks.get(path);
    if (brick !== undefined) brick.isSignedOut = true;
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
    const running = findBrick(files, spec.path);
    const port = running === undefined ? readRecord(files.record)?.port : running.port;
    const brick: Brick = {
      spec,
      files,
      state: running === undefined ? "starting" : "online",
      engine: running?.engine ?? "builtin",
      process: running?.process,
      port,
      restarts: 0,
      failures: 0,
      onlineSinceMs: performance.now(),
      reason: undefined,
      retry: undefined,
      isSignedOut: false,
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
    const { plan, node } = this.#options;
    brick.state = brick.restarts === 0 ? "starting" : "restarting";
    brick.isSignedOut = false;
    const { engine, volfile } = plan(spec.volfileId);
    for (let attempt = 1; ; attempt += 1) {
      const port = await this.#choosePort(brick);
      writeRecord(files, { spec, port });
      const input = { spec, files, port, volfile, node, timeoutMs: START_MAX_MS };
      try {
        brick.process = await this.#places.with(() => brickEngines[engine].start(input));
        break;
      } catch (error) {
        const isTaken = /address already in use|EADDRINUSE/i.test((error as Error).message);
        if (attempt >= PORT_TRIES_MAX || !isTaken) throw error;
        // Somebody took it in the moment between the look and the start.
        this.#portsInUse.delete(port);
        brick.port = undefined;
      }
    }
    brick.engine = engine;
    brick.state = "online";
    brick.reason = undefined;
    brick.onlineSinceMs = performance.now();
    const { pid } = brick.process;
    writePidForTools(this.#toolPids, spec, pid);
    this.#options.log.info({ brick: spec.path, pid, port: brick.port, engine }, "brick started");
  }

  /** The one that it had, where that is free: clients look there first. */
  async #choosePort(brick: Brick): Promise<number> {
    const { portFirst, portLast, node } = this.#options;
    const { address } = node;
    const former = brick.port;
    if (former !== undefined) this.#portsInUse.delete(former);
    const port =
      (former === undefined
        ? undefined
        : await freePort(address, former, former, this.#portsInUse)) ??
      (await freePort(address, portFirst, portLast, this.#portsInUse));
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

  /** False: it takes no such order. */
  async #tellToEnd({ engine }: Running, files: BrickFiles, path: string): Promise<boolean> {
    if (statSync(files.socket, { throwIfNoEntry: false }) === undefined) return true;
    const address = { socket: files.socket, name: path, timeoutMs: TERMINATE_MAX_MS };
    try {
      await brickEngines[engine].end(address, path);
    } catch (error) {
      if (error instanceof BrickError && error.code === "not-supported") return false;
      const { log } = this.#options;
      log.debug({ brick: path, err: error }, "the brick gave no answer when it was told to end");
    }
    return true;
  }

  async #end(brick: Running, files: BrickFiles, path: string): Promise<void> {
    const { log } = this.#options;
    const { process: running } = brick;
    if (await this.#tellToEnd(brick, files, path)) {
      if (await waitForEnd(running, TERMINATE_MAX_MS)) return;
      log.warn({ brick: path, pid: running.pid }, "the brick does not end by itself: SIGTERM");
    }
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
    const { spec, files } = brick;
    const { log } = this.#options;
    if (brick.isSignedOut || wasToldToEnd(files)) {
      log.warn({ brick: spec.path, pid: brick.process?.pid }, "brick ended: it was told to, by somebody else");
      brick.process = undefined;
      brick.state = "ended";
      brick.reason = "it was told to end";
      return;
    }
    log.error({ brick: spec.path, pid: brick.process?.pid }, "brick died");
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

type Running = Pick<RunningBrick, "engine" | "process">;

/** As it was when it was looked at last: its pid file may be gone. */
function runningOf(brick: Brick | undefined): Running | undefined {
  if (brick?.process === undefined) return undefined;
  return { engine: brick.engine, process: brick.process };
}

function addressOf(brick: Brick, timeoutMs: number): BrickAddress {
  const { host, path } = brick.spec;
  return { socket: brick.files.socket, name: `${host}:${path}`, timeoutMs };
}

function view(brick: Brick): BrickView {
  const { spec, state, port, restarts, reason, files, engine } = brick;
  const online = state === "online";
  return {
    spec,
    state,
    engine: online ? engine : undefined,
    pid: online ? brick.process?.pid : undefined,
    port: online ? port : undefined,
    restarts,
    reason,
    socket: files.socket,
    log: files.log,
  };
}
