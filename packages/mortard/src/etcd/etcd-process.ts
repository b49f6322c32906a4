/**
 * The member of etcd that runs on this node, if one does.
 *
 *     STATE/etcd/         its data
 *     STATE/etcd.json     how it is started; there: it is to run
 *     RUN/etcd.pid        "PID START-TICKS", of the process that was started last
 *     LOG/etcd.log
 *
 * Like a brick it outlives mortard: what runs is adopted by pid and time of start. What has died is
 * started again, with growing pauses.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "../durable-file.ts";
import type { Log } from "../log.ts";
import {
  argumentsOf, identify, isAlive, type ProcessIdentity, signal, waitForEnd,
} from "../process-identity.ts";
import type { TlsFiles } from "../peers/node-tls.ts";

export interface EtcdSpec {
  /** The uuid of the node. */
  readonly name: string;
  /** The host that the others reach it under. */
  readonly host: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** The address to listen on. */
  readonly listen: string;
  /** `NAME=URL` of all members at its first start, joined by commas. */
  readonly initialCluster: string;
  /** `new`: it is the first one. */
  readonly initialState: "new" | "existing";
  /** The cluster's uuid. */
  readonly token: string;
}

export interface EtcdProcessOptions {
  readonly stateDirectory: string;
  readonly runDirectory: string;
  readonly logDirectory: string;
  readonly tls: TlsFiles;
  /** `etcd`, or its path. */
  readonly program: string;
  readonly log: Log;
}

const LOOK_MS = 1_000;
const RETRY_FIRST_MS = 500;
const RETRY_MS_MAX = 30_000;
const SIGTERM_MS_MAX = 10_000;
const SIGKILL_MS_MAX = 10_000;
const QUOTA_BYTES = 2 * 1024 * 1024 * 1024;
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;

export class EtcdProcess {
  readonly #options: EtcdProcessOptions;
  readonly #dataDirectory: string;
  readonly #specFile: string;
  readonly #pidFile: string;
  readonly logFile: string;
  #spec: EtcdSpec | undefined;
  #process: ProcessIdentity | undefined;
  #watch: NodeJS.Timeout | undefined;
  #retryMs = RETRY_FIRST_MS;
  #notBeforeMs = 0;

  constructor(options: EtcdProcessOptions) {
    this.#options = options;
    const { stateDirectory, runDirectory, logDirectory } = options;
    this.#dataDirectory = join(stateDirectory, "etcd");
    this.#specFile = join(stateDirectory, "etcd.json");
    this.#pidFile = join(runDirectory, "etcd.pid");
    this.logFile = join(logDirectory, "etcd.log");
    this.#process = this.#running();
    this.#spec = this.#readSpec();
  }

  get spec(): EtcdSpec | undefined {
    return this.#spec;
  }

  get program(): string {
    return this.#options.program;
  }

  get pid(): number | undefined {
    return this.#process !== undefined && isAlive(this.#process) ? this.#process.pid : undefined;
  }

  /** Has it run from now on, as it was started first. Nothing to run: nothing happens. */
  resume(): void {
    if (this.#spec === undefined) return;
    if (this.pid === undefined) this.#launch(this.#spec);
    this.#keepWatch();
  }

  /** A member that was not here before. Data of an earlier one must be gone: see `end`. */
  start(spec: EtcdSpec): void {
    if (this.#spec !== undefined) throw new Error("A member of etcd runs here already");
    writeDurably(this.#specFile, `${JSON.stringify(spec, undefined, 2)}\n`);
    this.#spec = spec;
    this.#launch(spec);
    this.#keepWatch();
  }

  /** Ends it until the next `resume`. */
  async stop(): Promise<void> {
    clearInterval(this.#watch);
    this.#watch = undefined;
    const running = this.#running();
    this.#process = undefined;
    if (running !== undefined) await this.#terminate(running);
    rmSync(this.#pidFile, { force: true });
  }

  /** Ends it for good. Its data is put aside under `archive`, or removed. */
  async end(archive: string | undefined): Promise<void> {
    rmSync(this.#specFile, { force: true });
    this.#spec = undefined;
    await this.stop();
    if (!existsSync(this.#dataDirectory)) return;
    if (archive === undefined) {
      rmSync(this.#dataDirectory, { recursive: true, force: true });
      return;
    }
    const target = join(this.#options.stateDirectory, archive);
    rmSync(target, { recursive: true, force: true });
    renameSync(this.#dataDirectory, target);
  }

  /** Watches no longer; it goes on. */
  close(): void {
    clearInterval(this.#watch);
  }

  async #terminate(running: ProcessIdentity): Promise<void> {
    signal(running, "SIGTERM");
    if (await waitForEnd(running, SIGTERM_MS_MAX)) return;
    signal(running, "SIGKILL");
    if (await waitForEnd(running, SIGKILL_MS_MAX)) return;
    throw new Error(`etcd (process ${running.pid}) does not end`);
  }

  #keepWatch(): void {
    if (this.#watch !== undefined) return;
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
    this.#watch.unref();
  }

  #look(): void {
    if (this.#spec === undefined) return;
    if (this.pid !== undefined) {
      if (performance.now() > this.#notBeforeMs + RETRY_MS_MAX) this.#retryMs = RETRY_FIRST_MS;
      return;
    }
    if (performance.now() < this.#notBeforeMs) return;
    this.#options.log.warn({ log: this.logFile }, "etcd has ended: it is started again");
    this.#launch(this.#spec);
  }

  #launch(spec: EtcdSpec): void {
    const { program, log } = this.#options;
    this.#notBeforeMs = performance.now() + this.#retryMs;
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
    const output = openSync(this.logFile, "a", 0o600);
    try {
      const child = spawn(program, wordsOf(spec, this.#dataDirectory, this.#options.tls), {
        cwd: "/",
        detached: true,
        stdio: ["ignore", output, output],
        env: etcdEnvironment(),
      });
      child.once("error", (error) => log.error({ err: error }, "etcd cannot be started"));
      child.unref();
      if (child.pid === undefined) return;
      this.#process = identify(child.pid);
      if (this.#process === undefined) return;
      writeFileSync(this.#pidFile, `${child.pid} ${this.#process.startTicks}\n`, { mode: 0o600 });
      log.info({ pid: child.pid }, "etcd started");
    } finally {
      closeSync(output);
    }
  }

  #running(): ProcessIdentity | undefined {
    try {
      const [pid = "", startTicks = ""] = readFileSync(this.#pidFile, "latin1").trim().split(" ");
      const found = identify(Number(pid));
      if (found === undefined || found.startTicks !== startTicks) return undefined;
      return argumentsOf(found.pid)?.includes(this.#dataDirectory) === true ? found : undefined;
    } catch {
      return undefined;
    }
  }

  #readSpec(): EtcdSpec | undefined {
    try {
      return JSON.parse(readFileSync(this.#specFile, "utf8")) as EtcdSpec;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
}

/** The command line of a member. */
export function wordsOf(spec: EtcdSpec, dataDirectory: string, tls: TlsFiles): string[] {
  const listen = isIpv6(spec.listen) ? `[${spec.listen}]` : spec.listen;
  return [
    "--name", spec.name,
    "--data-dir", dataDirectory,
    "--listen-client-urls", `https://${listen}:${spec.clientPort}`,
    "--advertise-client-urls", urlOf(spec.host, spec.clientPort),
    "--listen-peer-urls", `https://${listen}:${spec.peerPort}`,
    "--initial-advertise-peer-urls", urlOf(spec.host, spec.peerPort),
    "--initial-cluster", spec.initialCluster,
    "--initial-cluster-state", spec.initialState,
    "--initial-cluster-token", spec.token,
    "--cert-file", tls.certificate, "--key-file", tls.key,
    "--trusted-ca-file", tls.authority, "--client-cert-auth",
    "--peer-cert-file", tls.certificate, "--peer-key-file", tls.key,
    "--peer-trusted-ca-file", tls.authority, "--peer-client-cert-auth",
    "--quota-backend-bytes", String(QUOTA_BYTES),
    "--max-request-bytes", String(REQUEST_BYTES_MAX),
    "--auto-compaction-mode", "periodic", "--auto-compaction-retention", "1h",
    "--logger", "zap", "--log-level", "warn",
  ];
}

export function urlOf(host: string, port: number): string {
  return `https://${isIpv6(host) ? `[${host}]` : host}:${port}`;
}

const isIpv6 = (host: string): boolean => host.includes(":");

/** Settings of etcd in the environment are for somebody else's. */
export function etcdEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith("ETCD")));
}
