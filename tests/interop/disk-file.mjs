/** Disks for Mortar's packages that are plain files: no loop device, no FUSE, no root. */
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from "node:fs";

const ZEROS = new Uint8Array(1 << 20);
const DISCARDED = new Uint8Array(1 << 20).fill(0xdd);

/** Both an LVM physical volume and a block device of the pool engine. */
export class DiskFile {
  #file;
  name;
  sizeBytes;

  /** @param {string} path of a file that exists */
  constructor(path) {
    this.#file = openSync(path, "r+");
    this.name = path;
    this.sizeBytes = fstatSync(this.#file).size;
  }

  /** @param {number} offset @param {Uint8Array} target */
  read(offset, target) {
    this.#requireInside(offset, target.length);
    for (let at = 0; at < target.length;) {
      const count = readSync(this.#file, target, at, target.length - at, offset + at);
      if (count === 0) throw new Error(`${this.name} ends at ${offset + at}`);
      at += count;
    }
  }

  /** @param {number} offset @param {Uint8Array} source */
  write(offset, source) {
    this.#requireInside(offset, source.length);
    for (let at = 0; at < source.length;) {
      at += writeSync(this.#file, source, at, source.length - at, offset + at);
    }
  }

  /**
   * Overwrites with a pattern: whoever shows discarded bytes again is found out.
   * @param {number} offset @param {number} lengthBytes
   */
  discard(offset, lengthBytes) {
    for (let at = 0; at < lengthBytes; at += DISCARDED.length) {
      this.write(offset + at, DISCARDED.subarray(0, Math.min(DISCARDED.length, lengthBytes - at)));
    }
  }

  flush() {
    fdatasyncSync(this.#file);
  }

  close() {
    closeSync(this.#file);
  }

  /** @param {number} offset @param {number} length */
  #requireInside(offset, length) {
    if (offset >= 0 && offset + length <= this.sizeBytes) return;
    throw new Error(
      `${this.name}: ${length} bytes at ${offset} are outside of its ${this.sizeBytes}`,
    );
  }
}

/**
 * A logical volume as one device: pieces of disks, one behind the other.
 * @typedef {{ disk: DiskFile, diskOffset: number, offset: number, length: number }} Piece
 */
export class PiecedDevice {
  #pieces;

  /** @param {readonly Piece[]} pieces */
  constructor(pieces) {
    this.#pieces = pieces;
  }

  get sizeBytes() {
    return this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** The volume has grown. @param {readonly Piece[]} pieces */
  replace(pieces) {
    this.#pieces = pieces;
  }

  /** @param {number} offset @param {Uint8Array} target */
  read(offset, target) {
    this.#each(offset, target.length, (disk, at, from, length) =>
      disk.read(at, target.subarray(from, from + length)),
    );
  }

  /** @param {number} offset @param {Uint8Array} source */
  write(offset, source) {
    this.#each(offset, source.length, (disk, at, from, length) =>
      disk.write(at, source.subarray(from, from + length)),
    );
  }

  /** @param {number} offset @param {number} lengthBytes */
  discard(offset, lengthBytes) {
    this.#each(offset, lengthBytes, (disk, at, _from, length) => disk.discard(at, length));
  }

  flush() {
    for (const disk of new Set(this.#pieces.map((piece) => piece.disk))) disk.flush();
  }

  /** All of it. Not to be called `zero`: a BlockDevice's method of that name zeroes a range. */
  clear() {
    const { sizeBytes } = this;
    for (let at = 0; at < sizeBytes; at += ZEROS.length) {
      this.write(at, ZEROS.subarray(0, Math.min(ZEROS.length, sizeBytes - at)));
    }
  }

  /**
   * @param {number} offset @param {number} length
   * @param {(disk: DiskFile, at: number, from: number, length: number) => void} visit
   */
  #each(offset, length, visit) {
    let done = 0;
    for (const piece of this.#pieces) {
      const begin = Math.max(offset, piece.offset);
      const end = Math.min(offset + length, piece.offset + piece.length);
      if (begin >= end) continue;
      visit(piece.disk, piece.diskOffset + begin - piece.offset, begin - offset, end - begin);
      done += end - begin;
    }
    if (done !== length)
      throw new Error(`${length} bytes at ${offset} are outside of ${this.sizeBytes}`);
  }
}
