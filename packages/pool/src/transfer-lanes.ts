/**
 * The buffers through which requests are taken, and the executors to which the worker gives away
 * what keeps a thread busy or waiting: transfers of many pages, reads of what the page cache does
 * not have, flushes of a pool whose mappings are all committed. An executor does the system call
 * and answers the kernel itself.
 *
 * Only transfers whose place on the disk is settled are given away (mapped, and for a write one's
 * own). Whatever changes mappings, or commits them, waits for all executors first (`drain`): so no
 * chunk is shared, freed or used anew under a transfer that is under way.
 *
 * One lane is always the worker's. The request buffers are one file that outlives the process.
 */
import { ELSEWHERE, PAGE_BYTES } from "@mortar/fuse";
import type { FuseChannel, LaneChoice } from "@mortar/fuse";
import { allocatePages, fileIo, lockMemory } from "@mortar/linux";
import type { FileIo } from "@mortar/linux";
import { FLUSH_DEVICES_MAX, JobKind, LANE_COUNT, LaneWords } from "./lane-words.ts";
import type { RunFiles } from "./run-directory.ts";
import { survivingMemory } from "./surviving-memory.ts";
import { FUSE_FD } from "./tether.ts";

const POLLIN = 1;

export class TransferLanes implements LaneChoice {
  readonly channels: readonly FuseChannel[];
  readonly #words: LaneWords;
  readonly #io: FileIo = fileIo();
  readonly #pollAddress: number;
  #current = 0;
  /** Some lane may be with an executor. */
  #given = false;

  constructor(files: RunFiles, words: LaneWords, maxWriteBytes: number) {
    const laneBytes = PAGE_BYTES + maxWriteBytes;
    const requests = survivingMemory(files, "request", LANE_COUNT * laneBytes);
    const replies = allocatePages(LANE_COUNT * laneBytes);
    lockMemory(replies.address, LANE_COUNT * laneBytes);
    this.#words = words;
    this.channels = Array.from({ length: LANE_COUNT }, (_, lane) => {
      const at = lane * laneBytes;
      words.setAddresses(lane, requests.address + at, replies.address + at);
      return {
        request: requests.bytes.subarray(at, at + laneBytes),
        reply: replies.bytes.subarray(at, at + laneBytes),
        receive: (position) =>
          this.#io.read(FUSE_FD, requests.address + at + position, laneBytes - position),
        send: (position, length) =>
          this.#io.write(FUSE_FD, replies.address + at + position, length),
      };
    });
    const poll = allocatePages(PAGE_BYTES);
    const view = new DataView(poll.bytes.buffer, poll.bytes.byteOffset);
    view.setInt32(0, FUSE_FD, true);
    view.setInt16(4, POLLIN, true);
    this.#pollAddress = poll.address;
  }

  /** The current request can be given away, and a lane is left for the next one. */
  get canGive(): boolean {
    return this.#words.isUp(this.#current) && this.#otherFree() >= 0;
  }

  /** More requests wait, so that giving away a long one lets the next begin. */
  get requestsWait(): boolean {
    return this.#io.poll(this.#pollAddress, 1, 0) > 0;
  }

  giveRead(fd: number, offset: number, length: number): number {
    return this.#give(JobKind.read, fd, offset, length);
  }

  giveWrite(fd: number, offset: number, length: number): number {
    return this.#give(JobKind.write, fd, offset, length);
  }

  /** False when there are too many devices for one job. */
  canFlush(fds: readonly number[]): boolean {
    return fds.length <= FLUSH_DEVICES_MAX && this.canGive;
  }

  giveFlush(fds: readonly number[]): number {
    this.#words.setFlush(this.#current, fds);
    this.#given = true;
    this.#words.give(this.#current);
    return ELSEWHERE;
  }

  use(lane: number): void {
    this.#current = lane;
  }

  free(): number {
    return this.#otherFree();
  }

  /** Wait until no executor is at work. */
  drain(): void {
    if (!this.#given) return;
    for (let lane = 0; lane < LANE_COUNT; lane++) this.#words.waitFree(lane);
    this.#given = false;
  }

  #give(kind: number, fd: number, offset: number, length: number): number {
    this.#words.setTransfer(this.#current, kind, fd, offset, length);
    this.#given = true;
    this.#words.give(this.#current);
    return ELSEWHERE;
  }

  #otherFree(): number {
    for (let step = 1; step < LANE_COUNT; step++) {
      const lane = (this.#current + step) % LANE_COUNT;
      if (this.#words.isFree(lane)) return lane;
    }
    return -1;
  }
}
