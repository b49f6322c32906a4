/** A thread that waits for the disk in the brick's place: see Workers. */
import { workerData } from "node:worker_threads";
import {
  allocatePages, EINTR, fileIo, groupsOfUser, signalEventFd, treeCalls,
} from "@mortar/linux";
import { Errno } from "../store/errno.ts";
import { GROUPS_MAX, JobKind, JobWords } from "./job-words.ts";
import type { WorkerSetup } from "./workers.ts";

const BUFFER_BYTES = 256 * 1024;
const { lane, shared, wakeFd } = workerData as WorkerSetup;
const words = new JobWords(shared);
const io = fileIo();
const { fsync } = treeCalls();
const buffer = allocatePages(BUFFER_BYTES);

words.setUp(lane);
signalEventFd(wakeFd);
for (;;) {
  const job = words.waitGiven(lane);
  words.setResult(lane, job, perform(job));
  if (words.finish(lane)) signalEventFd(wakeFd);
}

function perform(job: number): number {
  for (;;) {
    const result = performOnce(job);
    if (result !== -EINTR) return result;
  }
}

function performOnce(job: number): number {
  const kind = words.kind(lane, job);
  const fd = words.fd(lane, job);
  if (kind === JobKind.sync) return fsync(fd);
  if (kind === JobKind.dataSync) return io.fdatasync(fd);
  if (kind === JobKind.health) return checkHealth(fd);
  if (kind === JobKind.groups) return findGroups(words.offset(lane, job));
  return warm(fd, words.offset(lane, job), words.length(lane, job));
}

/** A time stamp is written, flushed and read again. */
function checkHealth(fd: number): number {
  const stamp = Buffer.from(new Date().toISOString());
  buffer.bytes.set(stamp);
  const written = io.pwrite(fd, buffer.address, stamp.length, 0);
  if (written < 0) return written;
  const flushed = io.fdatasync(fd);
  if (flushed < 0) return flushed;
  const read = io.pread(fd, buffer.address, stamp.length, 0);
  if (read < 0) return read;
  const isSame = read === stamp.length && stamp.equals(buffer.bytes.subarray(0, read));
  return isSame ? 0 : -Errno.EIO;
}

function findGroups(uid: number): number {
  const groups = groupsOfUser(uid) ?? new Uint32Array(0);
  const count = Math.min(groups.length, GROUPS_MAX);
  words.groups(lane).set(groups.subarray(0, count));
  return count;
}

/** Into the page cache: the data itself is read again by the brick. */
function warm(fd: number, offset: number, length: number): number {
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
