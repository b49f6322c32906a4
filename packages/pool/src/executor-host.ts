/**
 * A thread that does for the worker what would keep it: see TransferLanes. It owns one lane. A
 * write is marked as done before it is answered, as newer writes may follow the answer.
 */
import { workerData } from "node:worker_threads";
import {
  clearRequest, Errno, layouts, markDone, PAGE_BYTES, REPLY_POSITION, sendAnswer,
} from "@mortar/fuse";
import { errnoName, fileIo, LinuxError, preadFully, pwriteFully, viewMemory } from "@mortar/linux";
import { RecordedFlushFailure } from "./flush-failure.ts";
import { JobKind, LaneWords } from "./lane-words.ts";
import { limitedLog } from "./log.ts";
import { FUSE_FD } from "./tether.ts";
import type { ExecutorSetup } from "./worker-messages.ts";

const { lane, shared, flushFailure } = workerData as ExecutorSetup;
const words = new LaneWords(shared);
const failure = new RecordedFlushFailure(words, flushFailure);
const io = fileIo();
const report = limitedLog();
const requestAddress = words.requestAddress(lane);
const replyAddress = words.replyAddress(lane);
/** The headers are all that is looked at from here; the data is for the kernel. */
const input = new DataView(viewMemory(requestAddress, PAGE_BYTES));
const output = new DataView(viewMemory(replyAddress, 2 * PAGE_BYTES));
const channel = {
  send: (position: number, length: number) => io.write(FUSE_FD, replyAddress + position, length),
};

words.setUp(lane);
for (;;) {
  words.waitGiven(lane);
  perform();
  clearRequest(input);
  words.free(lane);
}

function perform(): void {
  const kind = words.kind(lane);
  const length = words.length(lane);
  try {
    if (kind === JobKind.read) {
      preadFully(words.fd(lane), replyAddress + PAGE_BYTES, length, words.offset(lane), "read");
      answer(0, length);
    } else if (kind === JobKind.write) {
      pwriteFully(words.fd(lane), requestAddress + PAGE_BYTES, length, words.offset(lane), "write");
      markDone(input);
      const { writeOut, outHeader } = layouts;
      writeOut.field.size.set(output, REPLY_POSITION + outHeader.size, length);
      writeOut.field.padding.set(output, REPLY_POSITION + outHeader.size, 0);
      answer(0, writeOut.size);
    } else {
      flush();
      answer(0, 0);
    }
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    report(`request: ${error.message}`);
    answer(error.errno === Errno.ENOSPC ? -Errno.ENOSPC : -Errno.EIO, 0);
  }
}

/** Whose error the kernel told here, it tells nobody else: the engine must hear of it. */
function flush(): void {
  for (let index = 0; index < words.fdCount(lane); index++) {
    let result: number;
    do result = io.fdatasync(words.fd(lane, index));
    while (result === -Errno.EINTR);
    if (result === 0) continue;
    failure.flushError = -result;
    throw new LinuxError("fdatasync", "flush", -result);
  }
}

function answer(error: number, bodyBytes: number): void {
  const sent = sendAnswer(channel, input, output, error, bodyBytes);
  // ENOENT: the caller was killed meanwhile. ENODEV: unmounted. Neither wants an answer any more.
  if (sent >= 0 || sent === -Errno.ENOENT || sent === -Errno.ENODEV) return;
  throw new Error(`writing /dev/fuse failed with ${errnoName(-sent)}`);
}
