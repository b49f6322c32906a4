/**
 * The thread that serves: it owns /dev/fuse, the engine, the devices and the journal, and does one
 * request after the other with synchronous system calls. Between two requests it takes what the
 * main thread asks; `wake` (see @mortar/fuse) makes it look. So the engine is never entered twice,
 * and no lock is needed. Long or waiting transfers go to executors: see TransferLanes.
 */
import { readFileSync } from "node:fs";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { FuseSession, PAGE_BYTES } from "@mortar/fuse";
import type { Negotiated } from "@mortar/fuse";
import { errnoName, setIoFlusher } from "@mortar/linux";
import { BufferJournal } from "@mortar/thin";
import type { ControlReply } from "./control.ts";
import { ControlHandler } from "./control-handler.ts";
import { isOperatingError, poolErrorOf } from "./errno-table.ts";
import { RecordedFlushFailure } from "./flush-failure.ts";
import { LaneWords } from "./lane-words.ts";
import { limitedLog, log } from "./log.ts";
import type { FlushDevices } from "./flush-rounds.ts";
import { nbdErrorOf } from "./nbd-exports.ts";
import type { ExportHost } from "./nbd-exports.ts";
import { NbdHost } from "./nbd-host.ts";
import type { NbdWorkerRequest } from "./nbd-host.ts";
import { RoomKeeper } from "./room-keeper.ts";
import { replaceFile, runFiles } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";
import { ServedFiles } from "./served-files.ts";
import type { OpenHandles } from "./served-files.ts";
import { openServedPool } from "./served-pool.ts";
import { checkSpec } from "./spec-check.ts";
import { survivingMemory } from "./surviving-memory.ts";
import { FUSE_FD } from "./tether.ts";
import { TransferLanes } from "./transfer-lanes.ts";
import { UnmountedSession } from "./unmounted-session.ts";
import type { WorkerSession } from "./unmounted-session.ts";
import { WaitingRequests } from "./waiting-requests.ts";
import { WorkerLoop } from "./worker-loop.ts";
import type { FromWorker, ToWorker, WorkerSetup } from "./worker-messages.ts";

const MAX_WRITE_BYTES = 1024 * 1024;
/**
 * Far above the 128 tags of a loop device: in a full pool, writes that wait must not keep the kernel
 * from sending reads.
 */
const MAX_BACKGROUND = 1024;

/** 131,000 mappings between two commits; a journal that is full makes the engine commit. */
const JOURNAL_BYTES = 4 * 1024 * 1024;

const setup = workerData as WorkerSetup;
const port = parentPort!;

function tell(message: FromWorker): void {
  port.postMessage(message);
}

function main(): void {
  const files = runFiles(setup.directory);
  setIoFlusher();
  let serving: ReturnType<typeof open>;
  try {
    serving = open(files);
  } catch (error) {
    const { code, message } = poolErrorOf(error, setup.directory);
    tell({ kind: "refused", code, message });
    return;
  }
  serve(serving);
}

interface Serving {
  readonly session: WorkerSession;
  readonly handler: ControlHandler;
  readonly lanes: TransferLanes;
  readonly exports: Omit<ExportHost, "flush">;
  readonly flushes: FlushDevices;
  readonly room: RoomKeeper;
}

function open(files: RunFiles): Serving {
  const spec = checkSpec(JSON.parse(readFileSync(files.spec, "utf8")));
  const touched = new Int32Array(setup.touched);
  const report = limitedLog();
  const words = new LaneWords(setup.lanes);
  const failure = new RecordedFlushFailure(words, files.flushFailure);
  const lanes = new TransferLanes(files, words, MAX_WRITE_BYTES);
  const pool = openServedPool(
    spec,
    () => new BufferJournal(survivingMemory(files, "journal", JOURNAL_BYTES).bytes),
    () => {
      lanes.drain();
      touched[0] = 1;
    },
    failure,
  );
  const waiting = new WaitingRequests(files, PAGE_BYTES + MAX_WRITE_BYTES);
  const room = new RoomKeeper(pool, waiting, () => tell({ kind: "waiting" }));
  const served = new ServedFiles({
    opens: (readJson(files.opens) as OpenHandles | undefined) ?? [],
    lanes,
    flush: () => {
      const descriptors = pool.descriptorsToFlush();
      if (descriptors && lanes.canFlush(descriptors)) return lanes.giveFlush(descriptors);
      lanes.drain();
      pool.commit();
      return 0;
    },
    onOpensChange: (opens) => replaceFile(files.opens, JSON.stringify(opens)),
    onError: (subject, error) => report(`${subject}: ${describe(error)}`),
    mayWait: (error) => room.mayWait(error),
  });
  const exports = {
    vgName: spec.vgName,
    files: served,
    pool,
    mayWait: (error: unknown) => room.mayWait(error),
  };
  const flushes: FlushDevices = {
    descriptors: () => pool.descriptorsToFlush(),
    commit: () => {
      lanes.drain();
      pool.commit();
    },
    start: (fds) => tell({ kind: "nbd-flush", fds }),
    noteError: (errno) => (failure.flushError = errno),
    failed: (error) => nbdErrorOf(served.errnoOf(error)),
  };
  for (const volume of spec.volumes) served.add(volume, pool.body(volume));
  const negotiated = readJson(files.session) as Negotiated | undefined;
  const session =
    spec.mount === false
      ? new UnmountedSession(FUSE_FD)
      : new FuseSession(lanes.channels, served, {
          maxWriteBytes: MAX_WRITE_BYTES,
          maxBackground: MAX_BACKGROUND,
          lanes,
          park: (request) => room.park(request),
          ...(negotiated && { negotiated }),
        });
  return { session, handler: new ControlHandler(pool, served), lanes, exports, flushes, room };
}

/** Ends when the control socket says stop, or the file system is unmounted. */
function serve({ session, handler, lanes, exports, flushes, room }: Serving): void {
  if (setup.restarts > 0) takeOver(session, room);
  const loop = new WorkerLoop(session, FUSE_FD);
  const nbd = new NbdHost(loop, exports, flushes, () => tell({ kind: "nbd-parked" }));
  while (session.negotiated === undefined) {
    if (session.serveOne() === "closed") return unmounted(handler);
  }
  tell({ kind: "ready", negotiated: session.negotiated });
  for (;;) {
    if (loop.run() === "closed") return unmounted(handler);
    lanes.drain();
    if (answerControl(session, handler, nbd, room)) return;
  }
}

function unmounted(handler: ControlHandler): void {
  handler.close();
  tell({ kind: "unmounted" });
}

/**
 * What the last server had taken and not answered is still in the buffers. With that done, nothing
 * is lost on any kernel; asking for the rest only makes sure (an old kernel, before Linux 6.9,
 * refuses).
 */
function takeOver(session: WorkerSession, room: RoomKeeper): void {
  const answered = session.serveLeftOver();
  room.tend((request) => session.serveAgain(request), true);
  const errno = session.resend();
  log(
    `took over${answered > 0 ? ` with ${answered} requests in flight` : ""}` +
      `${room.count > 0 ? `, ${room.count} wait for room` : ""}; ` +
      `resend: ${errno === 0 ? "yes" : errnoName(errno)}`,
  );
}

/** True when the worker is to end. */
function answerControl(
  session: WorkerSession,
  handler: ControlHandler,
  nbd: NbdHost,
  room: RoomKeeper,
): boolean {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return false;
    const { id, request } = received.message as ToWorker;
    const reply = isNbdRequest(request) ? answerNbd(nbd, request) : handler.handle(request);
    if (request.verb === "reload") nbd.retryParked(); // There may be room now.
    if (request.verb !== "leave" && request.verb !== "stop") {
      room.tend((parked) => session.serveAgain(parked));
    }
    const isFill = request.verb === "commit" && reply.ok;
    tell({ kind: "reply", id, reply: isFill ? { ok: true, result: room.fill() } : reply });
    if (reply.ok && (request.verb === "stop" || request.verb === "leave")) return true;
  }
}

function isNbdRequest(request: ToWorker["request"]): request is NbdWorkerRequest {
  return request.verb.startsWith("nbd-");
}

function answerNbd(nbd: NbdHost, request: NbdWorkerRequest): ControlReply {
  try {
    return { ok: true, result: nbd.perform(request) };
  } catch (error) {
    const { code, message } = poolErrorOf(error, request.verb);
    return { ok: false, code, message };
  }
}

/** The stack only for faults of the program: a full pool is no surprise. */
function describe(error: unknown): string {
  const { message, stack } = error as Error;
  return isOperatingError(error) ? message : (stack ?? message);
}

/** A file that this program wrote itself, or undefined. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

main();
