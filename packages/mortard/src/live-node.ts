/** A whole node for tests: the program itself, with a root and an address of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Answer, MortarClient } from "@mortar/api";
import { brickFiles, findProcess, readRecord } from "./bricks/brick-process.ts";
import { nodePaths } from "./paths.ts";
import { signal } from "./process-identity.ts";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));

export class LiveNode {
  readonly directory = mkdtempSync(join(tmpdir(), `mortard-${process.pid}-`));
  readonly paths = nodePaths(join(this.directory, "r"));
  readonly address: string;
  readonly client = new MortarClient({ socketPath: this.paths.socketPath });
  process: ChildProcess | undefined;
  readonly #mounts: string[] = [];

  /** `number` tells several nodes of one test apart. */
  constructor(number = 1) {
    this.address = `127.${77 + number}.${(process.pid >> 8) & 0xff}.${(process.pid & 0xff) || 1}`;
  }

  configure(settings: object): void {
    mkdirSync(join(this.paths.root, "etc/mortar"), { recursive: true });
    writeFileSync(this.paths.configFile, JSON.stringify(settings));
  }

  async start(): Promise<void> {
    const args = [MAIN, "--root", this.paths.root, "--address", this.address, "--log-level", "debug"];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.process = child;
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 20) {
      if (child.exitCode !== null) throw new Error(`mortard ended: ${said}`);
      try {
        const answer = await this.client.nodeStatus();
        if (answer.ok && answer.result.pid === child.pid) return;
      } catch {
        // It does not listen yet.
      }
      await sleep(20);
    }
    throw new Error(`mortard does not answer: ${said}`);
  }

  async end(name: NodeJS.Signals): Promise<number | null> {
    const child = this.process;
    if (child === undefined) return null;
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.signalCode === null) child.kill(name);
    else return child.exitCode;
    return await ended;
  }

  brickDirectory(name: string): string {
    return `${this.address}:${join(this.directory, name)}`;
  }

  mount(volume: string): string {
    const mountPoint = mkdtempSync(join(this.directory, "mnt-"));
    const log = `log-file=${join(this.directory, "client.log")}`;
    this.#mounts.push(mountPoint);
    const words = ["-t", "glusterfs", "-o", log, `${this.address}:/${volume}`, mountPoint];
    execFileSync("mount", words, { timeout: 30_000, killSignal: "SIGKILL" });
    return mountPoint;
  }

  unmount(mountPoint: string): void {
    limited("umount", [mountPoint]);
    this.#mounts.splice(this.#mounts.indexOf(mountPoint), 1);
  }

  logLines(message: string): Record<string, unknown>[] {
    return readFileSync(this.paths.logFile, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line["msg"] === message);
  }

  /** Unmounts, ends bricks and the daemon, removes everything. */
  async clean(): Promise<void> {
    for (const mountPoint of this.#mounts) {
      try {
        limited("umount", ["-f", "-l", mountPoint]);
      } catch {
        // It was unmounted by its test.
      }
    }
    await this.end("SIGKILL");
    const home = { runDirectory: this.paths.brickRunDirectory, logDirectory: this.paths.logDirectory };
    for (const name of readdirSync(home.runDirectory, { recursive: true }).map(String)) {
      const record = name.endsWith(".json") ? readRecord(join(home.runDirectory, name)) : undefined;
      if (record === undefined) continue;
      const found = findProcess(brickFiles(home, record.spec.path), record.spec.path);
      if (found !== undefined) signal(found, "SIGKILL");
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * Files of a client's mount. A mount whose server is gone would hang whoever touches it: a child
 * does, which is killed when it takes too long. These throw what the program complained of.
 */
export const onMount = {
  read: (path: string): Buffer => limited("cat", [path]),
  write: (path: string, content: string | Uint8Array): void => {
    limited("dd", [`of=${path}`, "status=none"], content);
  },
  exists: (path: string): boolean => {
    try {
      limited("test", ["-e", path]);
      return true;
    } catch {
      return false;
    }
  },
};

function limited(program: string, words: string[], input: string | Uint8Array = ""): Buffer {
  return execFileSync(program, words, {
    input,
    timeout: 10_000,
    killSignal: "SIGKILL",
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** The result of an answer that is expected to be good. */
export function good<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.result;
  throw new Error(`refused: ${JSON.stringify(answer.problem)}`);
}

/** Waits for something to become true; for what has no event to wait for. */
export async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
    if (await check()) return;
    await sleep(50);
  }
  throw new Error(`it did not happen: ${what}`);
}
