/**
 * Stock's `glfsheal`: a client of the volume that tells what is to be healed, having taken the locks
 * of each object, and that ends a split-brain. It takes its volfile from a file.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HealToolRun } from "@mortar/cluster";

/** Where it writes its log, and what else it does not start without. */
const LOG_DIRECTORY = "/var/log/glusterfs";
const LIMIT_MS = 115_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const KILLED = 255;

export interface HealToolRequest {
  readonly volume: string;
  readonly words: readonly string[];
  /** As the volume's clients on this node have it. */
  readonly volfile: string;
  /** For the file that it reads it from. */
  readonly directory: string;
}

export async function runHealTool(request: HealToolRequest): Promise<HealToolRun> {
  const program = healTool();
  if (program === undefined) return { installed: false, exitCode: 0, output: "" };
  const { volume, words, volfile, directory } = request;
  mkdirSync(LOG_DIRECTORY, { recursive: true });
  const place = mkdtempSync(join(directory, "heal-"));
  try {
    // It has the volume's password in it.
    const file = join(place, "client.vol");
    writeFileSync(file, volfile, { mode: 0o600 });
    return await run(program, [volume, ...words, "volfile-path", file]);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Each distribution has a place of its own for it. */
export function healTool(): string | undefined {
  const places = ["/usr/libexec/glusterfs", "/usr/lib/glusterfs", "/usr/lib64/glusterfs"];
  const machines = readdirSync("/usr/lib").filter((it) => it.endsWith("-linux-gnu"));
  return [...machines.map((it) => `/usr/lib/${it}/glusterfs`), ...places]
    .map((it) => join(it, "glfsheal"))
    .find((it) => existsSync(it));
}

function run(program: string, args: readonly string[]): Promise<HealToolRun> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: LIMIT_MS, maxBuffer: OUTPUT_BYTES_MAX, killSignal: "SIGKILL" as const };
    execFile(program, args, limits, (error, stdout) => {
      const code = error === null ? 0 : (error.code ?? KILLED);
      if (typeof code === "string") {
        reject(new Error(`${program} cannot be run: ${error?.message}`));
      } else if (error?.killed === true) {
        reject(new Error(`${program} did not end within ${LIMIT_MS / 1000} s`));
      } else {
        resolve({ installed: true, exitCode: code, output: stdout });
      }
    });
  });
}
