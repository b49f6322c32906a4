/** Starts a brick server and waits until it serves, or says why it does not. */
import { spawn } from "node:child_process";
import { rmSync, statSync } from "node:fs";
import type { ProcessIdentity } from "../process-identity.ts";
import { BrickError } from "./brick-error.ts";
import { type BrickFiles, type BrickSpec, findProcess, firstErrors } from "./brick-process.ts";

export interface LaunchInput {
  readonly program: string;
  readonly args: readonly string[];
  readonly spec: BrickSpec;
  readonly files: BrickFiles;
  readonly timeoutMs: number;
}

/**
 * Runs glusterfsd. It goes to the background by itself once it has its volfile, listens and is
 * signed in; the exit of its first process is therefore the answer.
 */
export async function launch(input: LaunchInput): Promise<ProcessIdentity> {
  const { spec, files } = input;
  const logBytesBefore = statSync(files.log, { throwIfNoEntry: false })?.size ?? 0;
  rmSync(files.socket, { force: true });
  const outcome = await run(input.program, input.args, input.timeoutMs);
  const name = `${spec.host}:${spec.path}`;
  if (outcome === "missing") {
    throw new BrickError(
      "glusterfsd-missing",
      `The brick ${name} cannot be served: the program ${input.program} is not installed.`,
      { nextStep: "Install it: apt-get install glusterfs-server" },
    );
  }
  const found = findProcess(files, spec.path);
  if (outcome === "ok" && found !== undefined) return found;
  const errors = firstErrors(files.log, logBytesBefore);
  const why =
    outcome === "timeout"
      ? `it did not serve within ${Math.round(input.timeoutMs / 1000)} s`
      : errors === ""
        ? `glusterfsd ended (${outcome})`
        : errors;
  throw new BrickError("start-failed", `The brick ${name} did not start: ${why}`, {
    nextStep: `Read ${files.log}`,
  });
}

function run(program: string, args: readonly string[], timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "ignore", detached: true, cwd: "/" });
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      resolve("timeout");
    }, timeoutMs);
    child.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve(error.code === "ENOENT" ? "missing" : error.message);
    });
    child.once("exit", (code, signalName) => {
      clearTimeout(timer);
      resolve(code === 0 ? "ok" : (signalName ?? `exit code ${code}`));
    });
  });
}
