/**
 * The server process: this thread has the control socket and the commit timer, the worker has
 * everything else. It ends with an ExitCode for its holder. Arguments: run directory, number of
 * servers before.
 */
import { writeFileSync } from "node:fs";
import { setIoFlusher } from "@mortar/linux";
import { commitInBackground } from "./background-commit.ts";
import type { ControlReply, ControlRequest } from "./control.ts";
import { listen } from "./control-server.ts";
import { ExitCode } from "./exit-code.ts";
import { lockForLife } from "./life-lock.ts";
import { log } from "./log.ts";
import type { PoolErrorCode } from "./pool-error.ts";
import { replaceFile, runFiles } from "./run-directory.ts";
import { SpecStore } from "./spec-store.ts";
import type { PoolStatus } from "./status.ts";
import { removeSurvivingMemory } from "./surviving-memory.ts";
import { WorkerLink } from "./worker-link.ts";
import type { FromWorker, WorkerStatus } from "./worker-messages.ts";

const LAST_REPLY_MS = 50;
const DEATH_EXIT_CODE = 70;

const files = runFiles(process.argv[2]!);
const restarts = Number(process.argv[3]);
const startedAtMs = Date.now();
const holderPid = process.ppid;
const touched = new SharedArrayBuffer(4);
const store = new SpecStore(files.spec);

if (!(await lockForLife(files.serverPid)))
  refuse("start-failed", `${files.directory} has a server already`);
setIoFlusher();
const worker = new WorkerLink({ directory: files.directory, restarts, touched }, { told, died });
process.on("SIGTERM", () => void leave());
process.on("SIGINT", () => undefined); // A terminal's Ctrl-C is not for us.

function told(message: Exclude<FromWorker, { kind: "reply" }>): void {
  switch (message.kind) {
    case "ready":
      return ready(message);
    case "refused":
      return refuse(message.code, message.message);
    case "unmounted":
      log("the file system was unmounted: ending");
      removeSurvivingMemory(files);
      return process.exit(ExitCode.stopped);
  }
}

function refuse(code: PoolErrorCode, message: string): never {
  log(`refused: ${code}: ${message}`);
  writeFileSync(files.failure, JSON.stringify({ code, message }), { mode: 0o600 });
  process.exit(ExitCode.refused);
}

/** The session file tells whoever started the pool that all is up, so it comes last. */
function ready({ negotiated }: Extract<FromWorker, { kind: "ready" }>): void {
  commitInBackground(
    new Int32Array(touched),
    () => store.spec,
    () => worker.ask({ verb: "commit" }),
  );
  listen(files, answer, () => {
    replaceFile(files.session, JSON.stringify(negotiated));
    const { volumes } = store.spec;
    log(`serving ${volumes.length} volumes, FUSE 7.${negotiated.minor}, restarts ${restarts}`);
  });
}

async function answer(request: ControlRequest): Promise<ControlReply> {
  const reply = await store.around(request, () => worker.ask(request));
  if (!reply.ok) return reply;
  switch (request.verb) {
    case "status":
      return { ok: true, result: describe(reply.result as WorkerStatus) };
    case "activate":
      return { ok: true, result: `${files.mountPoint}/${request.volume.name}` };
    case "reload":
      process.kill(holderPid, "SIGHUP"); // It keeps the devices open as well, new ones too.
      return reply;
    case "stop":
      removeSurvivingMemory(files);
      log("stopped on request");
      setTimeout(() => process.exit(ExitCode.stopped), LAST_REPLY_MS);
      return reply;
    default:
      return reply;
  }
}

function describe(status: WorkerStatus): PoolStatus {
  const { vgName, poolName, uuid } = store.spec;
  return {
    vgName,
    poolName,
    uuid,
    serverPid: process.pid,
    holderPid,
    startedAtMs,
    restarts,
    mountPoint: files.mountPoint,
    ...status,
  };
}

/** Commit and make room for the next server. Requests that come meanwhile wait in the kernel. */
async function leave(): Promise<void> {
  const reply = await worker.ask({ verb: "leave" });
  log(reply.ok ? "making room for the next server" : `leaving without a commit: ${reply.message}`);
  process.exit(ExitCode.replaced);
}

function died(reason: string): void {
  log(`died: ${reason}`);
  process.exit(DEATH_EXIT_CODE);
}
