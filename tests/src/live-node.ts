/**
 * A scratch node driven by child processes, each with a time limit. The test process itself never
 * touches a mount: a file system whose server is gone would hang it, and every test behind it.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ScratchNode } from "./scratch-node.ts";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Background {
  readonly pid: number;
  readonly ended: Promise<Ran>;
  isRunning(): boolean;
}

export interface Limits {
  /** After which the line and all it started are killed, and the test fails. Default 60. */
  readonly seconds?: number;
}

const SECONDS_DEFAULT = 60;
/** What `timeout` says when it ended the line, with SIGTERM or with SIGKILL. */
const TIMED_OUT = [124, 137];
/** A process in an uninterruptible wait stays, whatever it is sent: it is left behind then. */
const KILL_MS_MAX = 10_000;

export class LiveNode {
  readonly scratch = new ScratchNode();
  readonly directory = this.scratch.directory;
  readonly root = this.scratch.root;
  readonly address = this.scratch.address;
  readonly group = this.scratch.group;
  readonly #children = new Set<ChildProcess>();

  /** Runs a line of shell in the node's directory, under the stock names. */
  run(line: string, limits: Limits = {}): Promise<Ran> {
    return this.start(line, limits).ended;
  }

  /** The same; a failure fails the test. Returns standard output. */
  async ok(line: string, limits: Limits = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(line, limits);
    assert.equal(exitCode, 0, `${line}\n${stdout}${stderr}`);
    return stdout;
  }

  /** The same for what must be refused. Returns both outputs. */
  async refused(line: string, limits: Limits = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(line, limits);
    assert.notEqual(exitCode, 0, `${line}\n${stdout}${stderr}`);
    return stderr + stdout;
  }

  start(line: string, { seconds = SECONDS_DEFAULT }: Limits = {}): Background {
    const words = ["--kill-after=5", String(seconds), "bash", "-c", line];
    const child = spawn("timeout", words, {
      cwd: this.directory,
      env: {
        ...process.env,
        PATH: `${join(this.directory, "bin")}:${process.env["PATH"]}`,
        LC_ALL: "C",
        TZ: "UTC",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.add(child);
    const ended = outcomeOf(child, line, seconds);
    ended.finally(() => this.#children.delete(child)).catch(() => undefined);
    const isRunning = () => this.#children.has(child);
    return { pid: child.pid ?? 0, ended, isRunning };
  }

  /** Takes everything away, also after a failure and with mounts that hang. */
  async close(): Promise<void> {
    for (const child of this.#children) child.kill("SIGTERM");
    for (const { point } of this.glusterMounts().toReversed()) {
      await this.run(`umount -f -l '${point}'`, { seconds: 10 }).catch(() => undefined);
    }
    for (const pid of this.#clients()) endProcess(pid);
    this.scratch.remove();
  }

  /** Mounts of the stock client below the node's directory. */
  glusterMounts(): { readonly point: string; readonly source: string }[] {
    return readFileSync("/proc/self/mountinfo", "utf8").split("\n").flatMap((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const point = before.split(" ")[4] ?? "";
      const [type, source = ""] = after.split(" ");
      const isOurs = type === "fuse.glusterfs" && point.startsWith(`${this.directory}/`);
      return isOurs ? [{ point, source }] : [];
    });
  }

  /** Pids of stock clients whose mount point is below the node's directory. */
  #clients(): number[] {
    return readdirSync("/proc").flatMap((name) => {
      const pid = Number(name);
      if (!Number.isInteger(pid)) return [];
      const words = textOf(`/proc/${name}/cmdline`).split("\0");
      const isOurs = words.some((word) => word.startsWith(`${this.directory}/`));
      return isOurs && words[0]?.endsWith("glusterfs") === true ? [pid] : [];
    });
  }

  /** 0 while there is none. `lvol1` is the name that an unnamed pool is given. */
  poolProcess(which: "holder" | "server", pool = "lvol1"): number {
    const directory = join(this.root, "run/mortar/pools", `${this.group}-${pool}`);
    return Number(textOf(join(directory, `${which}.pid`)));
  }

}

function outcomeOf(child: ChildProcess, line: string, seconds: number): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const output = { stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    const late = () =>
      new Error(`not done after ${seconds} s: ${line}\n${output.stdout}${output.stderr}`);
    const timer = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      reject(late());
    }, seconds * 1000 + KILL_MS_MAX);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      if (TIMED_OUT.includes(code ?? -1)) reject(late());
      else resolve({ exitCode: code ?? 255, ...output });
    });
  });
}

/** kill -9. */
export function endProcess(pid: number): void {
  assert.ok(Number.isSafeInteger(pid) && pid > 1, `${pid} is no process of ours`);
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/** Asks again and again, for at most `seconds`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  seconds = 30,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `waited ${seconds} s: ${what}`);
    await sleep(50);
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
