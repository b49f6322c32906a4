import { spawn } from "node:child_process";
import { mkdirSync, openSync, closeSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { brickStatus } from "./control-client.ts";
import type { BrickSpec } from "./spec.ts";

const HOST = fileURLToPath(new URL("./brick-host.js", import.meta.url));
const START_MS_MAX = 20_000;

export interface StartedBrick {
  readonly pid: number;
  readonly port: number;
}

/**
 * Start the brick's process and wait until it serves. The spec is written beside its control
 * socket, what it says to `logFile`. It lives on when this process ends. Throws Error with what the
 * process said, if it did not come up.
 */
export async function startBrick(spec: BrickSpec, logFile: string): Promise<StartedBrick> {
  return await startServer(HOST, spec, logFile);
}

/** The same of any program that takes such a spec, and answers "status" at its control socket. */
export async function startServer(
  program: string, spec: { readonly controlSocket: string }, logFile: string,
): Promise<StartedBrick> {
  const file = `${spec.controlSocket}.json`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(spec), { mode: 0o600 });
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(process.execPath, [program, file], {
    detached: true, stdio: ["ignore", "ignore", log],
  });
  closeSync(log);
  child.unref();
  const deadline = performance.now() + START_MS_MAX;
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    const status = await brickStatus(spec.controlSocket).catch(() => undefined);
    if (status?.pid === child.pid) return { pid: status!.pid, port: status!.port };
    await delay(20);
  }
  child.kill("SIGKILL");
  throw new Error(`it did not start: see ${logFile}`);
}
