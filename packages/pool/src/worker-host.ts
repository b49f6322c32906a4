/**
 * The thread that serves: it owns /dev/fuse, the engine, the devices and the journal, and does one
 * request after the other with synchronous system calls. Between two requests it takes what the
 * main thread asks; `wake` (see
 * @mortar/fuse) makes it look. So the engine is never entered twice, and no lock is needed.
 *
 * More workers will each have a clone of the descriptor, which the holder must own as it owns this
 * one: requests taken through a descriptor that closes are lost. Then mappings move to shared
 * memory; all that belongs to one descriptor is already in `channelOf` and FuseSession.
 */
import { readFileSync } from "node:fs";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { FuseSession, PAGE_BYTES } from "@mortar/fuse";
import type { FuseChannel, Negotiated } from "@mortar/fuse";
import { allocatePages, errnoName, fileIo, lockMemory, setIoFlusher } from "@mortar/linux";
import { BufferJournal } from "@mortar/thin";
import { ControlHandler } from "./control-handler.ts";
import { isOperatingError, poolErrorOf } from "./errno-table.ts";
import { limitedLog, log } from "./log.ts";
import { replaceFile, runFiles } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";
import { ServedFiles } from "./served-files.ts";
import type { OpenHandles } from "./served-files.ts";
import { openServedPool } from "./served-pool.ts";
import { checkSpec } from "./spec-check.ts";
import { survivingMemory } from "./surviving-memory.ts";
import { FUSE_FD } from "./tether.ts";
import type { FromWorker, ToWorker, WorkerSetup } from "./worker-messages.ts";

const MAX_WRITE_BYTES = 1024 * 1024;
/** Above the 128 tags of a loop device, or the kernel holds its requests back. */
const MAX_BACKGROUND = 256;

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
  serve(serving.session, serving.handler);
}

function open(files: RunFiles): { session: FuseSession; handler: ControlHandler } {
  const spec = checkSpec(JSON.parse(readFileSync(files.spec, "utf8")));
  const touched = new Int32Array(setup.touched);
  const report = limitedLog();
  const pool = openServedPool(
    spec,
    () => new BufferJournal(survivingMemory(files, "journal", JOURNAL_BYTES).bytes),
    () => void (touched[0] = 1),
  );
  const served = new ServedFiles({
    opens: (readJson(files.opens) as OpenHandles | undefined) ?? [],
    flush: () => pool.commit(),
    onOpensChange: (opens) => replaceFile(files.opens, JSON.stringify(opens)),
    onError: (subject, error) => report(`${subject}: ${describe(error)}`),
  });
  for (const volume of spec.volumes) served.add(volume, pool.body(volume));
  const negotiated = readJson(files.session) as Negotiated | undefined;
  const session = new FuseSession(channelOf(files), served, {
    maxWriteBytes: MAX_WRITE_BYTES,
    maxBackground: MAX_BACKGROUND,
    ...(negotiated && { negotiated }),
  });
  return { session, handler: new ControlHandler(pool, served) };
}

/** Ends when the control socket says stop, or the file system is unmounted. */
function serve(session: FuseSession, handler: ControlHandler): void {
  if (setup.restarts > 0) takeOver(session);
  let ready = false;
  for (;;) {
    if (!ready && session.negotiated !== undefined) {
      ready = true;
      tell({ kind: "ready", negotiated: session.negotiated });
    }
    const served = session.serveOne();
    if (served === "closed") {
      handler.close();
      tell({ kind: "unmounted" });
      return;
    }
    if (served === "woken" && answerControl(handler)) return;
  }
}

/**
 * What the last server had taken and not answered: its one request is still in the buffer. With
 * that done, nothing is lost on any kernel; asking for the rest only makes sure (an old kernel,
 * before Linux 6.9, refuses).
 */
function takeOver(session: FuseSession): void {
  const answered = session.serveLeftOver();
  const errno = session.resend();
  log(
    `took over${answered ? " with one request in flight" : ""}; ` +
      `resend: ${errno === 0 ? "yes" : errnoName(errno)}`,
  );
}

/** True when the worker is to end. */
function answerControl(handler: ControlHandler): boolean {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return false;
    const { id, request } = received.message as ToWorker;
    const reply = handler.handle(request);
    tell({ kind: "reply", id, reply });
    if (reply.ok && (request.verb === "stop" || request.verb === "leave")) return true;
  }
}

function channelOf(files: RunFiles): FuseChannel {
  const bytes = PAGE_BYTES + MAX_WRITE_BYTES;
  const request = survivingMemory(files, "request", bytes);
  const reply = allocatePages(bytes);
  lockMemory(reply.address, bytes);
  const io = fileIo();
  return {
    request: request.bytes,
    reply: reply.bytes,
    receive: (position) => io.read(FUSE_FD, request.address + position, bytes - position),
    send: (position, length) => io.write(FUSE_FD, reply.address + position, length),
  };
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
