/** A file or a disk as the block device that thin and lvm2 ask for, with Node's own calls only. */
import {
  closeSync, fstatSync, fsyncSync, openSync, readSync, statSync, type Stats, writeSync,
} from "node:fs";
import type { BlockDevice } from "@mortar/thin";
import type { PvDevice } from "@mortar/lvm2";
import { UsageError } from "./pool-words.ts";

const SECTOR_BYTES = 512;
const SIZE_BYTES_MAX = 2 ** 52;

export class FileDevice implements BlockDevice, PvDevice {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #fd: number;

  /** `flags` as for `open`: "r" or "r+". Throws what the system throws. */
  constructor(path: string, flags: "r" | "r+") {
    this.name = path;
    this.#fd = openSync(path, flags);
    try {
      this.sizeBytes = sizeOf(this.#fd, path);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** The same file or the same disk, under whatever name. */
  isSameAs(other: FileDevice): boolean {
    return identity(fstatSync(this.#fd)) === identity(fstatSync(other.#fd));
  }

  /** Whether a path leads to it. */
  isAt(path: string): boolean {
    try {
      return identity(fstatSync(this.#fd)) === identity(statSync(path));
    } catch {
      return false;
    }
  }

  /** "7:0" of a disk; undefined for a file. */
  get diskNumber(): string | undefined {
    const stats = fstatSync(this.#fd);
    if (!stats.isBlockDevice()) return undefined;
    const major = Math.floor(stats.rdev / 256) & 0xfff;
    const minor = (stats.rdev & 0xff) | ((Math.floor(stats.rdev / 0x100000) & 0xfff) << 8);
    return `${major}:${minor}`;
  }

  read(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.#fd, target, done, target.length - done, offset + done);
      if (count === 0) throw new UsageError(`${this.name} ends at byte ${offset + done}.`);
      done += count;
    }
  }

  write(offset: number, source: Uint8Array): void {
    for (let done = 0; done < source.length; ) {
      done += writeSync(this.#fd, source, done, source.length - done, offset + done);
    }
  }

  discard(): void {}

  flush(): void {
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function identity(stats: Stats): string {
  return stats.isBlockDevice() ? `disk ${stats.rdev}` : `file ${stats.dev} ${stats.ino}`;
}

function sizeOf(fd: number, path: string): number {
  const stats = fstatSync(fd);
  if (stats.isFile()) return stats.size;
  if (stats.isBlockDevice() || stats.isCharacterDevice()) return probeSize(fd);
  throw new UsageError(`${path} is neither a file nor a disk.`);
}

/** Node cannot ask a disk for its size, so this looks for the last sector that can be read. */
function probeSize(fd: number): number {
  const sector = Buffer.alloc(SECTOR_BYTES);
  const isThere = (number: number): boolean => {
    try {
      return readSync(fd, sector, 0, SECTOR_BYTES, number * SECTOR_BYTES) === SECTOR_BYTES;
    } catch {
      return false;
    }
  };
  let low = -1;
  let high = SIZE_BYTES_MAX / SECTOR_BYTES;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isThere(middle)) low = middle;
    else high = middle;
  }
  return high * SECTOR_BYTES;
}
