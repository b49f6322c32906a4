import { spawn } from "node:child_process";
import { connect } from "node:net";
import { mkdirSync, openSync, closeSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BrickStatus } from "./server/control-answers.ts";
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
  const file = `${spec.controlSocket}.json`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(spec), { mode: 0o600 });
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(process.execPath, ["--enable-source-maps", HOST, file], {
    detached: true, stdio: ["ignore", "ignore", log],
  });
  closeSync(log);
  child.unref();
  for (let waited = 0; waited < START_MS_MAX; waited += 20) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    const status = await brickStatus(spec.controlSocket).catch(() => undefined);
    if (status?.pid === child.pid) return { pid: status!.pid, port: status!.port };
    await delay(20);
  }
  throw new Error(`brick ${spec.path} did not start: see ${logFile}`);
}

export async function brickStatus(controlSocket: string): Promise<BrickStatus> {
  return (await askBrick(controlSocket, { command: "status" })) as BrickStatus;
}

/** One request over the control socket of a brick; see controlAnswers. Throws Error. */
export function askBrick(controlSocket: string, request: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlSocket);
    let text = "";
    socket.setTimeout(10_000, () => socket.destroy(new Error(`${controlSocket}: no answer`)));
    socket.once("error", reject);
    socket.once("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes("\n")) return;
      socket.destroy();
      const { result, error } = JSON.parse(text) as { result?: unknown; error?: string };
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    });
    socket.once("close", () => reject(new Error(`${controlSocket}: closed without an answer`)));
  });
}
