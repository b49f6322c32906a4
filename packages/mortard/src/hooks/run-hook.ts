/** One part of one hook, within its time. */
import { spawn } from "node:child_process";
import type { HookReport } from "@mortar/cluster";
import { freezeGuest, thawGuest } from "./guest-agent.ts";
import type { Hook } from "./hook.ts";

export type HookPhase = "before" | "after";

export interface HookOccasion {
  readonly snapshot: string;
  readonly volumes: readonly string[];
}

const OUTPUT_BYTES_MAX = 4096;
/** A script that ignores SIGTERM is killed after this. */
const KILL_MS = 1000;

/** Does not reject. */
export async function runHook(
  hook: Hook,
  phase: HookPhase,
  occasion: HookOccasion,
): Promise<HookReport> {
  const startMs = performance.now();
  let error: string | undefined;
  try {
    if (hook.kind === "script") await runScript(hook, phase, occasion);
    else if (phase === "before") await freezeGuest(hook.socket, hook.limitMs);
    else await thawGuest(hook.socket, hook.limitMs);
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause);
  }
  const tookMs = Math.round(performance.now() - startMs);
  const { name, required } = hook;
  return { name, phase, required, tookMs, ...(error === undefined ? {} : { error }) };
}

/** The script and all that it started, which is a process group of its own. */
function runScript(
  { path, limitMs }: Extract<Hook, { kind: "script" }>,
  phase: HookPhase,
  { snapshot, volumes }: HookOccasion,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, [phase], {
      cwd: "/",
      detached: true,
      env: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        MORTAR_SNAPSHOT: snapshot,
        MORTAR_VOLUMES: volumes.join(" "),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString("utf8")).slice(-OUTPUT_BYTES_MAX);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    const signalAll = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // All of them have ended.
      }
    };
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      signalAll("SIGTERM");
      setTimeout(() => signalAll("SIGKILL"), KILL_MS);
    }, limitMs);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    // Not "close": what it left in the background may keep its output open.
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      const last = said.trim().split("\n").at(-1) ?? "";
      const how = late ? `took longer than ${limitMs} ms` : `ended with ${signal ?? code}`;
      if (code === 0 && !late) resolve();
      else reject(new Error(`${path} ${phase} ${how}${last === "" ? "" : `: ${last}`}`));
    });
  });
}
