/** A thread that waits for the disk in the brick's place: see Workers. */
import { workerData } from "node:worker_threads";
import { allocatePages, EINTR, fileIo, signalEventFd, treeCalls } from "@mortar/linux";
import { JobKind, JobWords, LaneState } from "./job-words.ts";
import type { WorkerSetup } from "./workers.ts";

const BUFFER_BYTES = 256 * 1024;
const { lane, shared, wakeFd } = workerData as WorkerSetup;
const words = new JobWords(shared);
const io = fileIo();
const { fsync } = treeCalls();
const buffer = allocatePages(BUFFER_BYTES);

words.setUp(lane);
for (;;) {
  words.waitGiven(lane);
  words.setResult(lane, perform());
  words.setState(lane, LaneState.done);
  signalEventFd(wakeFd);
}

function perform(): number {
  const fd = words.fd(lane);
  for (;;) {
    const result = performOnce(fd);
    if (result !== -EINTR) return result;
  }
}

function performOnce(fd: number): number {
  const kind = words.kind(lane);
  if (kind === JobKind.sync) return fsync(fd);
  return kind === JobKind.dataSync ? io.fdatasync(fd) : warm(fd);
}

/** Into the page cache: the data itself is read again by the brick. */
function warm(fd: number): number {
  const length = words.length(lane);
  const offset = words.offset(lane);
  let done = 0;
  while (done < length) {
    const wanted = Math.min(length - done, BUFFER_BYTES);
    const count = io.pread(fd, buffer.address, wanted, offset + done);
    if (count < 0) return count;
    if (count === 0) break;
    done += count;
  }
  return done;
}
