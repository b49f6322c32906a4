/**
 * The server process: this thread has the control socket and the commit timer, the worker has
 * everything else. Its last word to the holder (see tether.ts) says why it ends. Arguments: run
 * directory, number of servers before, pid of the holder.
 */
import { writeFileSync } from "node:fs";
import { setIoFlusher } from "@mortar/linux";
import { commitInBackground } from "./background-commit.ts";
import type { ControlReply, ControlRequest } from "./control.ts";
import { listen } from "./control-server.ts";
import { HolderSuccession } from "./holder-succession.ts";
import { recordPid } from "./life-lock.ts";
import { log } from "./log.ts";
import type { PoolErrorCode } from "./pool-error.ts";
import { replaceFile, runFiles } from "./run-directory.ts";
import { SpecStore } from "./spec-store.ts";
import type { PoolStatus } from "./status.ts";
import { removeSurvivingMemory } from "./surviving-memory.ts";
import { LIFE_LOCK_FD } from "./tether.ts";
import type { Word } from "./tether.ts";
import { WorkerLink } from "./worker-link.ts";
import type { FromWorker, WorkerStatus } from "./worker-messages.ts";

const LAST_REPLY_MS = 50;
const DEATH_EXIT_CODE = 70;

const files = runFiles(process.argv[2]!);
const restarts = Number(process.argv[3]);
const startedAtMs = Date.now();
const touched = new SharedArrayBuffer(4);
const store = new SpecStore(files.spec);

recordPid(LIFE_LOCK_FD);
const holder = new HolderSuccession(files, restarts + 1, Number(process.argv[4]));
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
      return leaveWith("stopped");
  }
}

function refuse(code: PoolErrorCode, message: string): never {
  log(`refused: ${code}: ${message}`);
  writeFileSync(files.failure, JSON.stringify({ code, message }), { mode: 0o600 });
  leaveWith("refused");
}

function leaveWith(word: Word): never {
  holder.say(word);
  process.exit(0);
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
      holder.say("devices"); // It keeps them open as well, new ones too.
      return reply;
    case "stop":
      removeSurvivingMemory(files);
      log("stopped on request");
      holder.say("stopped");
      setTimeout(() => process.exit(0), LAST_REPLY_MS);
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
    holderPid: holder.pid,
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
  leaveWith("replaced");
}

function died(reason: string): void {
  log(`died: ${reason}`);
  process.exit(DEATH_EXIT_CODE);
}
