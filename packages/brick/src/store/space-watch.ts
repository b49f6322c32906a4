/**
 * How full the brick's file system is: what STATFS answers, and whether the reserve is touched.
 *
 *     struct statfs (64 bits): type | bsize | blocks | bfree | bavail | files | ffree | fsid (8)
 *                              | namelen | frsize | flags, 8 bytes each
 */
import type { BrickOptions } from "../options.ts";
import type { Out } from "../wire/out.ts";
import { addressAt, calls, scratch, VALUE } from "./scratch.ts";

const CHECK_MS = 5000;
/** The kernel's own, that flags are there; statvfs(3) does not show it. */
const ST_VALID = 0x20;
const { view } = scratch;

export class SpaceWatch {
  readonly #fd: number;
  readonly #options: BrickOptions;
  #checkedAt = -CHECK_MS;
  /** Only the reserve is left: what makes or grows files gets ENOSPC. */
  isFull = false;

  constructor(fd: number, options: BrickOptions) {
    this.#fd = fd;
    this.#options = options;
  }

  /** Another reserve counts at once. */
  forgetCheck(): void {
    this.#checkedAt = -CHECK_MS;
  }

  check(nowMs: number): void {
    if (nowMs - this.#checkedAt < CHECK_MS) return;
    this.#checkedAt = nowMs;
    if (calls.fstatfs(this.#fd, addressAt(VALUE)) < 0) return;
    this.isFull = word(4) < this.#reservedBlocks();
  }

  /** The eleven numbers of a STATFS reply, the reserve not among what is free; or a negated errno. */
  write(out: Out): number {
    const result = calls.fstatfs(this.#fd, addressAt(VALUE));
    if (result < 0) return result;
    const reserved = this.#reservedBlocks();
    const shared = Math.max(this.#options.sharedBrickCount, 1);
    const share = (value: number): number => Math.floor(value / shared);
    const frsize = word(9) || word(1);
    out.u64(word(1));
    out.u64(frsize);
    out.u64(share(word(2)));
    const free = Math.max(word(3) - reserved, 0);
    out.u64(share(free));
    out.u64(share(Math.min(word(4), free)));
    out.u64(share(word(5)));
    out.u64(share(word(6)));
    out.u64(share(word(6)));
    out.u32(view.getUint32(VALUE + 60, true));
    out.u32(view.getUint32(VALUE + 56, true));
    out.u64(word(10) & ~ST_VALID);
    out.u64(word(8));
    return 0;
  }

  #reservedBlocks(): number {
    const { reserveBytes, reservePercent } = this.#options;
    if (reserveBytes > 0) return Math.ceil(reserveBytes / word(1));
    return Math.round((word(2) * reservePercent) / 100);
  }
}

function word(index: number): number {
  const at = VALUE + 8 * index;
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}
