/**
 * The rebalance processes of this node: stock `glusterfs` with the volfile `rebalance/VOLUME`.
 *
 * A process outlives mortard, and is found again by pid file and command line. Before it ends by
 * itself it tells the management port how far it came (EVENT_NOTIFY); that is kept in its record.
 * One that ended while no mortard was there is asked by its log, and one that was killed failed.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import type { NodeEffects } from "@mortar/cluster";
import {
  brickOperation, type Dictionary, REBALANCE_COMMAND, rebalanceCounts, type RebalanceCounts,
  rebalanceRequest,
} from "@mortar/gluster";
import { exchange } from "../bricks/brick-client.ts";
import { BrickError } from "../bricks/brick-error.ts";
import type { Log } from "../log.ts";
import {
  argumentsOf, identify, type ProcessIdentity, signal, waitForEnd,
} from "../process-identity.ts";
import {
  countsInLog, readRebalance, type RebalanceFiles, rebalanceFiles, type RebalanceHome,
  rebalanceRecords, removeRebalance, writeRebalance,
} from "./rebalance-record.ts";

const START_MAX_MS = 20_000;
const ANSWER_MAX_MS = 5_000;
const END_MAX_MS = 3_000;
const PREFIX = "rebalance/";

export interface RebalanceNode {
  readonly uuid: string;
  /** Where the management port is. */
  readonly address: string | undefined;
  readonly managementPort: number;
  /** Program of the stock client. */
  readonly glusterfs: string;
}

export interface RebalanceOptions {
  readonly home: RebalanceHome;
  readonly node: RebalanceNode;
  readonly log: Log;
}

type Args<K extends keyof NodeEffects> = NodeEffects[K]["args"];

export class RebalanceProcesses {
  readonly #options: RebalanceOptions;

  constructor(options: RebalanceOptions) {
    this.#options = options;
    for (const directory of [options.home.runDirectory, options.home.recordDirectory]) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
    }
  }

  async start({ volume, task, command }: Args<"startRebalance">): Promise<void> {
    const files = rebalanceFiles(this.#options.home, volume);
    const former = readRebalance(files.record);
    if (former?.task === task && former.started) return;
    await this.#end(files);
    const logBytes = statSync(files.log, { throwIfNoEntry: false })?.size ?? 0;
    const record = { volume, task, started: false, logBytes };
    writeRebalance(files.record, record);
    rmSync(files.socket, { force: true });
    const { node, log } = this.#options;
    const outcome = await run(node.glusterfs, commandLine(node, files, { volume, command }));
    if (outcome !== "ok") {
      removeRebalance(files);
      throw startFailed(node.glusterfs, volume, files, outcome);
    }
    // It may have ended meanwhile, and have said so.
    const told = readRebalance(files.record) ?? record;
    writeRebalance(files.record, { ...told, started: true });
    log.info({ volume, task, command }, "rebalance process started");
  }

  async stop({ volume, task }: Args<"stopRebalance">): Promise<void> {
    const files = rebalanceFiles(this.#options.home, volume);
    if (readRebalance(files.record)?.task !== task) return;
    const running = processOf(files);
    if (running === undefined) return;
    try {
      const counts = await this.#ask(files, volume, "stop");
      if (counts !== undefined) this.#keep(files, counts);
    } catch (error) {
      this.#options.log.warn({ volume, err: error }, "rebalance does not answer: it is ended");
      await this.#end(files);
    }
    // It may be in the middle of a file, which it finishes.
    await waitForEnd(running, END_MAX_MS);
  }

  async status({ volume, task }: Args<"rebalanceStatus">): Promise<RebalanceCounts> {
    const files = rebalanceFiles(this.#options.home, volume);
    const record = readRebalance(files.record);
    if (record?.task !== task) return { ...NOTHING, status: "not started" };
    if (processOf(files) !== undefined) {
      const begun = record.counts ?? { ...NOTHING, status: "in progress" as const };
      try {
        return (await this.#ask(files, volume, "status")) ?? begun;
      } catch (error) {
        // It has just begun, or ends at this moment.
        if (processOf(files) !== undefined) return begun;
        this.#options.log.debug({ volume, err: error }, "rebalance ended while it was asked");
      }
    }
    const last = readRebalance(files.record)?.counts;
    if (last !== undefined && !last.status.endsWith("in progress")) return last;
    const logged = countsInLog(files.log, record.logBytes);
    return logged ?? { ...(last ?? NOTHING), status: "failed" };
  }

  /** A process tells by itself how far it is; `volname` is its volfile key. */
  told(dictionary: Dictionary): void {
    const key = dictionary.text("volname") ?? "";
    const counts = rebalanceCounts(dictionary);
    if (counts === undefined || !key.startsWith(PREFIX)) return;
    const files = rebalanceFiles(this.#options.home, key.slice(PREFIX.length));
    this.#keep(files, counts);
  }

  /** Ends every process, as bricks are ended. */
  async endAll(): Promise<void> {
    const { home } = this.#options;
    for (const { volume } of rebalanceRecords(home)) await this.#end(rebalanceFiles(home, volume));
  }

  #keep(files: RebalanceFiles, counts: RebalanceCounts): void {
    const record = readRebalance(files.record);
    if (record === undefined) return;
    writeRebalance(files.record, { ...record, counts });
    this.#options.log.info({ volume: record.volume, ...counts }, "rebalance tells");
  }

  async #ask(
    files: RebalanceFiles,
    volume: string,
    command: "status" | "stop",
  ): Promise<RebalanceCounts | undefined> {
    const address = {
      socket: files.socket, name: `rebalance process of ${volume}`, timeoutMs: ANSWER_MAX_MS,
    };
    const request = rebalanceRequest(volume, command);
    const reply = await exchange(address, brickOperation.xlatorDefrag, request);
    return rebalanceCounts(reply.output);
  }

  async #end(files: RebalanceFiles): Promise<void> {
    const running = processOf(files);
    if (running === undefined) return;
    signal(running, "SIGTERM");
    if (await waitForEnd(running, END_MAX_MS)) return;
    signal(running, "SIGKILL");
    await waitForEnd(running, END_MAX_MS);
  }
}

const NOTHING = { files: 0, sizeBytes: 0, lookups: 0, failures: 0, skipped: 0, seconds: 0 };

/** Pids are used again; the path of the socket is this node's and this volume's. */
function processOf(files: RebalanceFiles): ProcessIdentity | undefined {
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(files.pid, "latin1"), 10);
  } catch {
    return undefined;
  }
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  const found = identify(pid);
  const words = found === undefined ? [] : (argumentsOf(pid) ?? []);
  return words.includes(files.socket) ? found : undefined;
}

function commandLine(
  node: RebalanceNode,
  files: RebalanceFiles,
  { volume, command }: Pick<Args<"startRebalance">, "volume" | "command">,
): string[] {
  const options = [
    "use-readdirp=yes",
    "lookup-unhashed=yes",
    "assert-no-child-down=yes",
    "readdir-optimize=on",
    `rebalance-cmd=${REBALANCE_COMMAND[command]}`,
    `node-uuid=${node.uuid}`,
    // Tells layouts of this run from older ones; any number that differs from the last does.
    `commit-hash=${Math.floor(Date.now() / 1000) >>> 0}`,
  ];
  return [
    "-s", node.address ?? "127.0.0.1",
    `--volfile-server-port=${node.managementPort}`,
    "--volfile-id", `${PREFIX}${volume}`,
    ...options.flatMap((it) => ["--xlator-option", `*dht.${it}`]),
    "--process-name", "rebalance",
    "--socket-file", files.socket,
    "--pid-file", files.pid,
    "-l", files.log,
  ];
}

function startFailed(
  program: string,
  volume: string,
  files: RebalanceFiles,
  outcome: string,
): BrickError {
  if (outcome === "missing") {
    return new BrickError(
      "glusterfs-missing",
      `The files of ${volume} cannot be moved: the program ${program} is not installed.`,
      { nextStep: "Install it on every node of the volume: apt-get install glusterfs-client" },
    );
  }
  const message = `The rebalance process of ${volume} did not start: ${outcome}`;
  return new BrickError("start-failed", message, { nextStep: `Read ${files.log}` });
}

/** It goes to the background by itself; the exit of its first process is the answer. */
function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "ignore", detached: true, cwd: "/" });
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      resolve(`it was not ready within ${START_MAX_MS / 1000} s`);
    }, START_MAX_MS);
    child.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve(error.code === "ENOENT" ? "missing" : error.message);
    });
    child.once("exit", (code, signalName) => {
      clearTimeout(timer);
      resolve(code === 0 ? "ok" : `it ended (${signalName ?? `exit code ${code}`})`);
    });
  });
}
