/**
 * The thread that keeps the books of who owns which data block. It reads the trees of the state at
 * which the engine began to tell, through descriptors of its own, and from then on waits for what
 * the engine tells in the log, and for questions. The engine waits for neither: what it tells is in
 * the log before it is acknowledged, so every question finds it counted.
 */
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import { scanSpace, SpaceBacklog, SpaceLogReader } from "@mortar/thin";
import type { SpaceAccounting } from "@mortar/thin";
import { SegmentedReader } from "./segmented-reader.ts";
import type { SpaceReport } from "./space.ts";
import type { FromKeeper, KeepRequest, SpaceQuestion, ToKeeper } from "./space-messages.ts";

class LogLost extends Error {}

const port = parentPort!;

function tell(message: FromKeeper): void {
  port.postMessage(message);
}

port.on("message", (message: ToKeeper) => {
  for (let next: KeepRequest | undefined = begin(message); next !== undefined;) next = keep(next);
});

/** Between two pools' lives there is nothing to answer from. */
function begin(message: ToKeeper): KeepRequest | undefined {
  if (message.kind === "keep") return message;
  const reason = "the pool's metadata is about to be read";
  tell({ kind: "answer", id: message.id, report: { ready: false, retry: true, reason } });
  return undefined;
}

/** Until the log is lost. Answers the next request to keep books, if it came meanwhile. */
function keep(request: KeepRequest): KeepRequest | undefined {
  const reader = new SpaceLogReader(request.log);
  try {
    const books = scan(request, reader);
    for (;;) {
      reader.drain(books);
      if (reader.isLost) throw new LogLost();
      const next = answerQuestions(books, request.chunkBytes, reader);
      if (next !== undefined) return next;
      reader.wait();
    }
  } catch (error) {
    if (error instanceof LogLost) tell({ kind: "lost" });
    else tell({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

function scan(request: KeepRequest, reader: SpaceLogReader): SpaceAccounting {
  const startedAtMs = performance.now();
  const backlog = new SpaceBacklog();
  const metadata = new SegmentedReader(request.metadata, request.devices);
  const drain = (): void => {
    reader.drain(backlog);
    if (reader.isLost || backlog.isLost) throw new LogLost();
  };
  try {
    const books = scanSpace({ metadata, superblock: request.superblock, onPause: drain });
    drain();
    tell({ kind: "scanned", tookMs: Math.round(performance.now() - startedAtMs) });
    backlog.replay(books);
    return books;
  } catch (error) {
    // What could not be read was given away already: the engine needed the room.
    if (reader.isLost) throw new LogLost();
    throw error;
  } finally {
    metadata.close();
  }
}

function answerQuestions(
  books: SpaceAccounting,
  chunkBytes: number,
  reader: SpaceLogReader,
): KeepRequest | undefined {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return undefined;
    const message = received.message as ToKeeper;
    if (message.kind === "keep") return message;
    reader.drain(books); // What was acknowledged before the question came.
    if (reader.isLost) throw new LogLost();
    tell({ kind: "answer", id: message.id, report: reportOf(books, chunkBytes, message) });
  }
}

function reportOf(
  books: SpaceAccounting,
  chunkBytes: number,
  { sets }: SpaceQuestion,
): SpaceReport {
  return {
    ready: true,
    chunkBytes,
    devices: books.all(),
    freedBlocks: sets.map((ids) => (ids.every((id) => books.has(id)) ? books.freedBy(ids) : null)),
  };
}
