/** The stock brick server, glusterfsd: started, ended, and asked over its unix socket. */
import { spawn } from "node:child_process";
import { readFileSync, rmSync, statSync } from "node:fs";
import type { ProcessIdentity } from "../process-identity.ts";
import { releaseBarrier, setBarrier, terminate } from "./brick-client.ts";
import type { BrickEngineCalls, BrickStart } from "./brick-engine.ts";
import { BrickError } from "./brick-error.ts";
import { findProcess } from "./brick-process.ts";
import { isSelfHealDaemon, selfHealCommandLine } from "./self-heal-daemon.ts";
import { askStock } from "./stock-questions.ts";

export const stockEngine: BrickEngineCalls = {
  start,
  // A self-heal daemon, which has no directory, is ended by a signal.
  end: (brick, path) => path.startsWith("/") ? terminate(brick, path) : Promise.reject(
    new BrickError("not-supported", `${path} is not told to end`),
  ),
  raiseBarrier: (brick, path) => setBarrier(brick, path, true),
  releaseBarrier,
  // It gives locks as ever.
  drain: () => Promise.resolve({ drains: false, old: 0, held: [], waiting: [] }),
  endDrain: () => Promise.resolve(),
  ask: askStock,
  // It fetches its volfile again when it is told so, as every client of the management port.
  reconfigure: () => Promise.resolve([]),
};

/**
 * Runs glusterfsd. It goes to the background by itself once it has its volfile, listens and is
 * signed in; the exit of its first process is therefore the answer.
 */
async function start(input: BrickStart): Promise<ProcessIdentity> {
  const { spec, files, node } = input;
  const logBytesBefore = statSync(files.log, { throwIfNoEntry: false })?.size ?? 0;
  rmSync(files.socket, { force: true });
  const isHealer = isSelfHealDaemon(spec);
  const program = isHealer ? node.glusterfs : node.glusterfsd;
  const words = isHealer ? selfHealCommandLine(input) : commandLine(input);
  const outcome = await run(program, words, input.timeoutMs);
  const name = `${spec.host}:${spec.path}`;
  if (outcome === "missing" && isHealer) {
    throw new BrickError(
      "glusterfsd-missing",
      `Nothing heals ${spec.volume} on this node: the program ${program} is not installed.`,
      { nextStep: "Install it: apt-get install glusterfs-client" },
    );
  }
  if (outcome === "missing") {
    throw new BrickError(
      "glusterfsd-missing",
      `The brick ${name} cannot be served: the program ${node.glusterfsd} is not installed.`,
      {
        nextStep:
          "Install it: apt-get install glusterfs-server. Or let Mortar serve the brick: " +
          `volume set ${spec.volume} mortar.brick-engine builtin`,
      },
    );
  }
  const found = findProcess(files, spec.path);
  if (outcome === "ok" && found !== undefined) return found;
  const errors = firstErrors(files.log, logBytesBefore);
  const why =
    outcome === "timeout"
      ? `it did not serve within ${Math.round(input.timeoutMs / 1000)} s`
      : errors === ""
        ? `${program} ended (${outcome})`
        : errors;
  const what = isHealer ? `The self-heal daemon of ${spec.volume}` : `The brick ${name}`;
  throw new BrickError("start-failed", `${what} did not start: ${why}`, {
    nextStep: `Read ${files.log}`,
  });
}

/** The arguments that glusterd gives to a brick (docs/formats/gluster-management.md). */
function commandLine({ spec, files, port, node }: BrickStart): string[] {
  return [
    "-s", node.address ?? "127.0.0.1",
    `--volfile-server-port=${node.managementPort}`,
    "--volfile-id", spec.volfileId,
    "-p", files.pid,
    "-S", files.socket,
    "--brick-name", spec.path,
    "-l", files.log,
    "--xlator-option", `*-posix.glusterd-uuid=${node.uuid}`,
    "--process-name", "brick",
    "--brick-port", String(port),
    "--xlator-option", `${spec.volume}-server.listen-port=${port}`,
  ];
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

/** The first errors in a brick's log from `sinceBytes` on: why it did not start. */
function firstErrors(logFile: string, sinceBytes: number): string {
  let text: string;
  try {
    text = readFileSync(logFile).subarray(sinceBytes).toString("utf8");
  } catch {
    return "";
  }
  const errors = text.split("\n").filter((line) => /^\[[^\]]*\] [ECA] /.test(line));
  return errors.slice(0, 2).map((line) => line.replace(/^\[[^\]]*\] /, "")).join(" | ");
}
