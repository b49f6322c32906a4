/**
 * Replacing the processes of a running pool by those of another installation, while it is used.
 *
 *     try whether the installation runs  →  record it in program.json
 *     →  server: SIGTERM; it commits, ends, and the holder starts the next one
 *     →  holder: SIGUSR2; it ends, and the server starts the next one
 *
 * At every moment one of the two is at work, so nothing above sees more than a pause. What does not
 * come up is replaced by the old version again, by the process that started it (see program.ts);
 * then this throws, and the pool runs on as it was.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { livingPid, poolClient } from "./client.ts";
import { PoolError } from "./pool-error.ts";
import { isSameProgram, ownProgram, wantedProgram, wantProgram } from "./program.ts";
import type { Program } from "./program.ts";
import { runFiles } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";

export interface ReplacedProcesses {
  readonly before: RunningProcesses;
  readonly after: RunningProcesses;
}

export interface RunningProcesses {
  readonly version: string;
  readonly serverPid: number;
  readonly holderPid: number;
}

const PROBE_MS_MAX = 30_000;
/** A commit of a large pool on a slow disk takes its time. */
const SERVER_MS_MAX = 130_000;
const HOLDER_MS_MAX = 30_000;
const POLL_MS = 10;

const execute = promisify(execFile);

/**
 * Have server and holder of the pool of `runDirectory` replaced by those of `program`: the calling
 * installation if not given. The same one again is fine: both are started anew.
 *
 * Throws PoolError: `start-failed` when the new version does not come up, and the old one serves;
 * `unreachable` when nothing runs there.
 */
export async function replaceProcesses(
  runDirectory: string,
  program: Program = ownProgram,
): Promise<ReplacedProcesses> {
  const files = runFiles(runDirectory);
  if (livingPid(files) === undefined) {
    const message = `no pool runs in ${runDirectory}: activate the volume group`;
    throw new PoolError("unreachable", message);
  }
  await requireRunnable(program);
  const client = poolClient(runDirectory);
  const before = await client.status();
  const previous = wantedProgram(files);
  wantProgram(files, program, isSameProgram(previous, program) ? undefined : previous);
  process.kill(before.serverPid, "SIGTERM");
  await until(SERVER_MS_MAX, "server", files, async () => {
    requireStillWanted(files, program);
    return (await client.status()).serverPid !== before.serverPid;
  });
  await until(HOLDER_MS_MAX, "holder", files, async () => (await client.status()).isHeld);
  const { program: directory, holderPid } = await client.status();
  if (directory !== program.directory) throw fellBack(files, program);
  process.kill(holderPid, "SIGUSR2");
  await until(HOLDER_MS_MAX, "holder", files, async () => {
    requireStillWanted(files, program);
    const status = await client.status();
    return status.isHeld && status.holderPid !== holderPid;
  });
  wantProgram(files, program); // It runs: there is nothing to go back to.
  return { before, after: await client.status() };
}

async function requireRunnable({ node, directory }: Program): Promise<void> {
  try {
    const probe = join(directory, "probe-host.js");
    await execute(node, [probe], { cwd: "/", timeout: PROBE_MS_MAX });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const reason = stderr === undefined || stderr === "" ? message : stderr.trimEnd().slice(-2000);
    const told = `${directory} does not run, so nothing was changed: ${reason}`;
    throw new PoolError("start-failed", told);
  }
}

/** Whoever falls back to the old version says so in the file. */
function requireStillWanted(files: RunFiles, program: Program): void {
  if (!isSameProgram(wantedProgram(files), program)) throw fellBack(files, program);
}

function fellBack(files: RunFiles, program: Program): PoolError {
  return new PoolError(
    "start-failed",
    `what is in ${program.directory} does not come up: the old version serves on; see ${files.log}`,
  );
}

async function until(
  limitMs: number,
  what: string,
  files: RunFiles,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline || !existsSync(files.directory)) {
      const seconds = limitMs / 1000;
      throw new PoolError("start-failed", `no new ${what} within ${seconds} s; see ${files.log}`);
    }
    await sleep(POLL_MS);
  }
}
