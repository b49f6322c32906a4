/** Mortar's own brick server: started, ended, and asked over its control socket. */
import { readFileSync, statSync } from "node:fs";
import {
  BrickControlError, type BrickSpec, type ControlErrorCode, type DrainReport, type Reconfigured,
  askBrick, specOfVolfile, startBrick,
} from "@mortar/brick";
import type { DrainLeave, LockChoice } from "@mortar/cluster";
import { type ProcessIdentity, identify } from "../process-identity.ts";
import type { BrickAddress } from "./brick-client.ts";
import type { BrickEngineCalls, BrickStart } from "./brick-engine.ts";
import { BrickError, type BrickErrorCode } from "./brick-error.ts";
import { isSnapshotDaemon, startSnapshotDaemon } from "./snapshot-daemon.ts";

export const builtinEngine: BrickEngineCalls = {
  start,
  end: async (brick) => {
    await ask(brick, { command: "stop" });
  },
  raiseBarrier: async (brick) => {
    // One that stands is a dead daemon's: its time would be over before the snapshot is.
    if ((await ask(brick, { command: "barrier-raise" })) === true) return;
    await ask(brick, { command: "barrier-lower" });
    await ask(brick, { command: "barrier-raise" });
  },
  releaseBarrier: async (brick) => (await ask(brick, { command: "barrier-lower" })) !== null,
  drain: async (brick, { holds, leaves, watchdogMs }) => {
    const request = { command: "drain", holds, leaves, timeoutMs: watchdogMs };
    return { drains: true, ...((await ask(brick, request)) as DrainReport) };
  },
  endDrain: async (brick) => {
    await ask(brick, { command: "drain-end" });
  },
  ask: async (brick, _path, question, locks) =>
    (await ask(brick, { command: question, ...(locks && { locks }) })) as object | null,
  reconfigure: async (brick, volfile) => {
    const answer = await ask(brick, { command: "reconfigure", volfile });
    return (answer as Reconfigured).needsRestart;
  },
};

async function start(input: BrickStart): Promise<ProcessIdentity> {
  const { spec, files } = input;
  const logBytesBefore = statSync(files.log, { throwIfNoEntry: false })?.size ?? 0;
  const name = `${spec.host}:${spec.path}`;
  try {
    const { pid } = isSnapshotDaemon(spec)
      ? await startSnapshotDaemon(input)
      : await startBrick(specOf(input), files.log);
    const found = identify(pid);
    if (found !== undefined) return found;
    throw new Error("it ended at once");
  } catch (error) {
    const said = lastLines(files.log, logBytesBefore);
    const reason = said === "" ? (error as Error).message : said;
    throw new BrickError("start-failed", `The brick ${name} did not start: ${reason}`, {
      nextStep: `Read ${files.log}`,
      cause: error,
    });
  }
}

function specOf({ files, port, volfile, node }: BrickStart): BrickSpec {
  const place = {
    controlSocket: files.socket,
    port,
    // The name in its pathinfo is the machine's own: the self-heal daemon knows its bricks by that.
    nodeUuid: node.uuid,
    ...(node.address === undefined ? {} : { address: node.address }),
  };
  return { ...specOfVolfile(volfile, place), pidFile: files.pid };
}

const codeOf: Readonly<Record<ControlErrorCode, BrickErrorCode>> = {
  unreachable: "operation-failed",
  closed: "connection-lost",
  timeout: "operation-timeout",
  refused: "refused",
};

interface ControlRequest {
  readonly command: string;
  readonly volfile?: string;
  readonly holds?: boolean;
  readonly leaves?: readonly DrainLeave[];
  readonly timeoutMs?: number;
  readonly locks?: LockChoice;
}

/** Throws BrickError. */
async function ask(brick: BrickAddress, request: ControlRequest): Promise<unknown> {
  try {
    return await askBrick(brick.socket, request, brick.timeoutMs);
  } catch (error) {
    if (!(error instanceof BrickControlError)) throw error;
    const text = `The brick ${brick.name} did not perform ${request.command}: ${error.message}`;
    throw new BrickError(codeOf[error.code], text, {
      nextStep: "Look at `mortar volume status` and at the brick's log",
      cause: error,
    });
  }
}

/** What a brick server said from `sinceBytes` on, without times and stacks. */
function lastLines(logFile: string, sinceBytes: number): string {
  let text: string;
  try {
    text = readFileSync(logFile).subarray(sinceBytes).toString("utf8");
  } catch {
    return "";
  }
  const lines = text.split("\n").flatMap((line) => /^\S+Z (?:E )?(.*)$/.exec(line)?.[1] ?? []);
  return lines.slice(-2).join(" | ");
}
