/**
 * The server process: this thread has the control socket and the commit timer, the worker has
 * everything else. Its last word to the holder (see tether.ts) says why it ends. Arguments: run
 * directory, number of servers before, pid of the holder.
 */
import { writeFileSync } from "node:fs";
import { setIoFlusher } from "@mortar/linux";
import { commitInBackground } from "./background-commit.ts";
import type { ControlReply, ControlRequest, NbdControlRequest } from "./control.ts";
import { listen } from "./control-server.ts";
import { startExecutors } from "./executors.ts";
import { RecordedFlushFailure } from "./flush-failure.ts";
import { HolderSuccession } from "./holder-succession.ts";
import { LaneWords, makeLaneWords } from "./lane-words.ts";
import { NbdListeners } from "./nbd-listeners.ts";
import { recordPid } from "./life-lock.ts";
import { log } from "./log.ts";
import { PoolError } from "./pool-error.ts";
import { PoolGuard } from "./pool-guard.ts";
import type { PoolErrorCode } from "./pool-error.ts";
import { ownProgram, versionOf } from "./program.ts";
import { RollingBackups } from "./rolling-backups.ts";
import { replaceFile, runFiles } from "./run-directory.ts";
import { SpaceKeeper } from "./space-keeper.ts";
import { SpecStore } from "./spec-store.ts";
import type { PoolStatus } from "./status.ts";
import { removeSurvivingMemory } from "./surviving-memory.ts";
import { LIFE_LOCK_FD } from "./tether.ts";
import type { Word } from "./tether.ts";
import { WorkerLink } from "./worker-link.ts";
import type { FromWorker, WorkerStatus } from "./worker-messages.ts";

const LAST_REPLY_MS = 50;
/** Requests that waited for this server come first. */
const EXECUTORS_AFTER_MS = 200;
const DEATH_EXIT_CODE = 70;

const files = runFiles(process.argv[2]!);
const restarts = Number(process.argv[3]);
const startedAtMs = Date.now();
const version = versionOf(ownProgram);
const touched = new SharedArrayBuffer(4);
const lanes = makeLaneWords();
const failure = new RecordedFlushFailure(new LaneWords(lanes), files.flushFailure);
const store = new SpecStore(files.spec);

recordPid(LIFE_LOCK_FD);
const holder = new HolderSuccession(files, restarts + 1, Number(process.argv[4]));
setIoFlusher();
failure.recall();
const worker = new WorkerLink(
  { directory: files.directory, restarts, touched, lanes },
  () => store.spec.mount !== false,
  { told, died },
);
const nbd = new NbdListeners(files, failure, (request) => worker.ask(request));
const guard = new PoolGuard(files, () => store.spec, (request) => worker.ask(request));
const backups = new RollingBackups(
  () => store.spec,
  failure,
  (request) => worker.ask(request),
  (judgement) => guard.publish(judgement),
);
const space = new SpaceKeeper(
  () => store.spec,
  failure,
  (request) => worker.ask(request),
);
process.on("SIGTERM", () => void leave());
process.on("SIGINT", () => undefined); // A terminal's Ctrl-C is not for us.

function told(message: Exclude<FromWorker, { kind: "reply" }>): void {
  switch (message.kind) {
    case "ready":
      return ready(message);
    case "refused":
      return refuse(message.code, message.message);
    case "nbd-flush":
      return void nbd.flush(message.fds);
    case "nbd-parked":
      guard.look();
      return nbd.retryParked();
    case "waiting":
      return guard.look();
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
    failure,
    () => guard.commit(),
  );
  guard.look();
  listen(files, answer, () => {
    nbd.start();
    replaceFile(files.session, JSON.stringify(negotiated));
    const { volumes } = store.spec;
    holder.say("serving");
    const how = store.spec.mount === false ? "by NBD alone" : `FUSE 7.${negotiated.minor}`;
    log(`serving ${volumes.length} volumes, ${how}, restarts ${restarts}`);
    setTimeout(() => startExecutors(lanes, files.flushFailure, died), EXECUTORS_AFTER_MS);
    void space.start();
    backups.start();
  });
}

async function answer(request: ControlRequest): Promise<ControlReply> {
  if (isNbdRequest(request)) return { ok: true, result: await answerNbd(request) };
  if (request.verb === "space") return { ok: true, result: await space.report(request.sets) };
  const reply = await store.around(request, () => worker.ask(request));
  if (!reply.ok) return reply;
  switch (request.verb) {
    case "status":
      return { ok: true, result: describe(reply.result as WorkerStatus) };
    case "activate":
      return { ok: true, result: `${files.mountPoint}/${request.volume.name}` };
    case "reload":
      guard.look();
      holder.say("devices"); // It keeps them open as well, new ones too.
      return reply;
    case "stop":
      guard.close();
      backups.close();
      nbd.close();
      removeSurvivingMemory(files);
      log("stopped on request");
      await holder.sayStopped();
      setTimeout(() => process.exit(0), LAST_REPLY_MS);
      return reply;
    default:
      return reply;
  }
}

function isNbdRequest(request: ControlRequest): request is NbdControlRequest {
  return request.verb.startsWith("nbd-");
}

async function answerNbd(request: NbdControlRequest): Promise<unknown> {
  switch (request.verb) {
    case "nbd-export":
      if (!store.spec.volumes.some((volume) => volume.name === request.volume))
        throw new PoolError("not-found", `${request.volume} is not active`);
      return nbd.export(request);
    case "nbd-unexport":
      return nbd.unexport(request);
    default:
      return nbd.status();
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
    isHeld: holder.isHolding,
    startedAtMs,
    restarts,
    version,
    program: ownProgram.directory,
    mountPoint: files.mountPoint,
    ...status,
  };
}

/** Commit and make room for the next server. Requests that come meanwhile wait in the kernel. */
async function leave(): Promise<void> {
  await holder.whenHeld();
  const reply = await worker.ask({ verb: "leave" });
  log(reply.ok ? "making room for the next server" : `leaving without a commit: ${reply.message}`);
  leaveWith("replaced");
}

function died(reason: string): void {
  log(`died: ${reason}`);
  process.exit(DEATH_EXIT_CODE);
}
