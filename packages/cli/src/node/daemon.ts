/** The daemon of this node as other verbs see it: asked, started, waited for. */
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ApiError, MortarClient, type MortarClientOptions, type NodeStatus } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { clientFor } from "../watched-client.ts";
import { DAEMON_NODE_OPTIONS } from "./daemon-options.ts";
import { isSystemdNode, startBySystemd } from "./systemd-unit.ts";
import { VerbError } from "./verb.ts";

const START_MS_MAX = 60_000;
const POLL_MS = 50;

export function runDirectoryOf(root: string): string {
  return join(root, "run/mortar");
}

export function clientOf(root: string, timeoutMs?: number): MortarClient {
  return new MortarClient(placeOf(root, timeoutMs));
}

/** With a progress line, on a terminal, for what takes long. */
export function watchedClientOf(root: string, io: CliIo, timeoutMs: number): MortarClient {
  return clientFor(placeOf(root, timeoutMs), io.stderr);
}

function placeOf(root: string, timeoutMs: number | undefined): MortarClientOptions {
  const socketPath = join(runDirectoryOf(root), "mortard.sock");
  return { socketPath, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

/** What the daemon says of itself; undefined when none answers. */
export async function nodeStatusOf(root: string): Promise<NodeStatus | undefined> {
  try {
    const answer = await clientOf(root, 20_000).nodeStatus();
    if (answer.ok) return answer.result;
    throw new VerbError(`mortard refused: ${answer.problem.detail}`, answer.problem.nextStep);
  } catch (error) {
    if (error instanceof ApiError && error.code === "connection-failed") return undefined;
    if (!(error instanceof ApiError)) throw error;
    throw new VerbError(`mortard runs, and gives no proper answer: ${error.message}`);
  }
}

/** The program `mortard` of this installation. */
export function daemonProgram(): string {
  return join(dirname(fileURLToPath(import.meta.resolve("@mortar/mortard"))), "main.js");
}

/**
 * Starts mortard, by systemd where that was installed, else as a process of its own, and waits
 * until it answers.
 */
export async function startDaemon(root: string): Promise<NodeStatus> {
  if (!isSystemdNode(root)) return await spawnDaemon(root);
  startBySystemd();
  return await answering(root, "mortard.service", () => undefined);
}

export interface DaemonStart {
  /** Further options of mortard. */
  readonly words?: readonly string[];
  /** Node by another path, whose last name is the process's; default this process's. */
  readonly program?: string;
}

/** As a process of its own, whatever was installed. */
export async function spawnDaemon(root: string, start: DaemonStart = {}): Promise<NodeStatus> {
  const logDirectory = join(root, "var/log/mortar");
  mkdirSync(logDirectory, { recursive: true, mode: 0o700 });
  const outputFile = join(logDirectory, "mortard.out");
  const output = openSync(outputFile, "w", 0o600);
  const words = [...DAEMON_NODE_OPTIONS, daemonProgram(), "--root", root, ...(start.words ?? [])];
  const child = spawn(start.program ?? process.execPath, words, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", output, output],
  });
  let failure: string | undefined;
  child.once("error", (error) => {
    failure = error.message;
  });
  child.once("exit", (code, signal) => {
    failure ??= `it ended with ${signal ?? `exit code ${code}`}`;
  });
  child.unref();
  return await answering(root, `pid ${child.pid}`, () =>
    failure === undefined ? undefined : `${failure}.\n${lastLines(outputFile)}`,
  );
}

async function answering(
  root: string,
  what: string,
  failure: () => string | undefined,
): Promise<NodeStatus> {
  const logDirectory = join(root, "var/log/mortar");
  const deadline = Date.now() + START_MS_MAX;
  while (Date.now() < deadline) {
    const reason = failure();
    if (reason !== undefined) {
      throw new VerbError(
        `mortard did not start: ${reason}`.trimEnd(),
        `look at ${join(logDirectory, "mortard.log")}`,
      );
    }
    const status = await nodeStatusOf(root);
    if (status !== undefined) return status;
    await sleep(POLL_MS);
  }
  throw new VerbError(
    `mortard (${what}) does not answer after ${START_MS_MAX / 1000} s.`,
    `look at ${join(logDirectory, "mortard.out")} and ${join(logDirectory, "mortard.log")}`,
  );
}

function lastLines(file: string): string {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines
    .slice(-8)
    .map((line) => `  ${line}`)
    .join("\n");
}

/** Waits until a process is gone. False when it is still there after `timeoutMs`. */
export async function waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** A zombie is not, but for one with further threads: they hold its files until they end, too. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // Behind the name in parentheses: the state, field 3, and how many threads there are, field 20.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] !== "Z" || Number(fields[17]) > 1;
  } catch {
    return false;
  }
}
