import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unmount } from "@mortar/linux";
import { livingPid, poolClient } from "./client.ts";
import type { PoolClient } from "./client.ts";
import { HOLDER_NODE_OPTIONS } from "./holder-succession.ts";
import { PoolError } from "./pool-error.ts";
import type { PoolErrorCode } from "./pool-error.ts";
import { ownProgram, wantProgram } from "./program.ts";
import { replaceFile, runFiles } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";
import { checkSpec } from "./spec-check.ts";
import type { PoolSpec } from "./spec.ts";
import { ROOT_STORAGE_NAME } from "./tether.ts";

const START_MS_MAX = 120_000;
const POLL_MS = 10;

/**
 * Start the processes of a pool and wait until it is served. Formats the pool if the superblock of
 * its metadata is all zero, as the kernel does. If the pool already runs here, it is given the spec
 * (`reload`) instead.
 *
 * Throws PoolError: what the server refused (`transaction-mismatch`, `corrupt`, ...), or
 * `start-failed`. Then nothing is left behind.
 */
export async function startPool(spec: PoolSpec, runDirectory: string): Promise<PoolClient> {
  checkSpec(spec);
  const files = runFiles(runDirectory);
  const client = poolClient(runDirectory);
  if (livingPid(files) !== undefined) {
    await client.reload(spec);
    return client;
  }
  mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
  // What both processes leave when both are killed: a mount that answers nobody.
  await unmount(files.mountPoint, { detach: true }).catch(() => undefined);
  mkdirSync(files.mountPoint, { recursive: true, mode: 0o700 });
  const { session, failure, controlSocket, opens, nbdSocket, nbdListeners } = files;
  for (const stale of [session, failure, controlSocket, opens, nbdSocket, nbdListeners]) {
    rmSync(stale, { force: true });
  }
  replaceFile(files.spec, JSON.stringify(spec));
  wantProgram(files, ownProgram);
  await untilServed(files, launchHolder(files));
  return client;
}

/**
 * A session and process group of its own, no terminal, output to the log: it outlives whoever
 * started it.
 */
function launchHolder(files: RunFiles): { ended(): string | undefined } {
  const log = openSync(files.log, "a", 0o600);
  const module = join(ownProgram.directory, "holder-host.js");
  const holder = spawn(ownProgram.node, [...HOLDER_NODE_OPTIONS, module, files.directory], {
    argv0: ROOT_STORAGE_NAME,
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  holder.unref();
  let ended: string | undefined;
  holder.once("error", (error) => (ended = error.message));
  holder.once(
    "exit",
    (code, signal) => (ended = `the holder ended with ${signal ?? `exit code ${code}`}`),
  );
  return { ended: () => ended };
}

async function untilServed(
  files: RunFiles,
  holder: { ended(): string | undefined },
): Promise<void> {
  const deadline = Date.now() + START_MS_MAX;
  for (;;) {
    if (existsSync(files.session) && existsSync(files.controlSocket)) return;
    const ended = holder.ended();
    if (ended !== undefined) throw startFailure(files, ended);
    if (Date.now() > deadline) {
      const seconds = START_MS_MAX / 1000;
      const message = `${files.directory}: not served after ${seconds} s; see ${files.log}`;
      throw new PoolError("start-failed", message);
    }
    await sleep(POLL_MS);
  }
}

function startFailure(files: RunFiles, ended: string): PoolError {
  let failure: { code: PoolErrorCode; message: string };
  try {
    failure = JSON.parse(readFileSync(files.failure, "utf8")) as typeof failure;
  } catch {
    const tail = existsSync(files.log)
      ? readFileSync(files.log, "utf8").trimEnd().slice(-2000)
      : "";
    failure = { code: "start-failed", message: `${ended}\n${tail}`.trimEnd() };
  }
  if (livingPid(files) === undefined) rmSync(files.directory, { recursive: true, force: true });
  return new PoolError(failure.code, failure.message);
}
