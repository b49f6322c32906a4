/**
 * Files on a mounted file system, and what they have to hold. Every change is done to both;
 * whatever is read is compared. A file is clean when it was fsynced after its last change.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { allocatePages, fileIo } from "@mortar/linux";

/** @typedef {import("../interop/random.mjs").Random} Random */

const PAGE = 4096;
const FILE_MAX = 3 << 20;
const FILES_MAX = 24;
const WRITE_MAX = 256 << 10;
const DIRECT_MAX = 64 << 10;

/** @typedef {{ bytes: Uint8Array, clean: boolean }} Expected */

export class FileModel {
  /** @type {Map<string, Expected>} */
  files = new Map();
  #directory;
  #random;
  #pattern;
  #aligned = allocatePages(DIRECT_MAX);
  #count = 0;

  /** @param {string} directory where the file system is mounted @param {Random} random */
  constructor(directory, random) {
    this.#directory = directory;
    this.#random = random;
    this.#pattern = random.bytes(4 << 20);
  }

  /** One random change or comparison. @returns {string} what was done */
  step() {
    const random = this.#random;
    const names = [...this.files.keys()];
    if (names.length === 0 || (names.length < FILES_MAX && random.chance(0.04)))
      return this.#create();
    const name = random.pick(names);
    /** @type {readonly [number, () => string][]} */
    const choices = [
      [40, () => this.#write(name)],
      [10, () => this.#writeDirect(name)],
      [14, () => this.#sync(name)],
      [18, () => this.#compare(name)],
      [4, () => this.#truncate(name)],
      [5, () => this.#punch(name)],
      [4, () => this.#allocate(name)],
      [2, () => this.#rename(name)],
      [3, () => this.#unlink(name)],
    ];
    let ticket = random.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, action] of choices) {
      if (ticket < weight) return action();
      ticket -= weight;
    }
    throw new Error("no choice was made");
  }

  /** Make many pages dirty, so that write-back has something to do. */
  dirty() {
    for (let index = 0; index < 12; index++)
      if (this.files.size > 0) this.#write(this.#random.pick([...this.files.keys()]));
  }

  /** What a snapshot taken now has to hold. @returns {Map<string, Expected>} */
  copy() {
    return new Map(
      [...this.files].map(([name, { bytes, clean }]) => [
        name,
        { bytes: Uint8Array.from(bytes), clean },
      ]),
    );
  }

  allClean() {
    for (const file of this.files.values()) file.clean = true;
  }

  /** Every file, whole. */
  verifyAll() {
    verifyFiles(this.#directory, this.files, false);
  }

  #create() {
    this.#count += 1;
    const name = `f${this.#count}`;
    closeSync(openSync(this.#path(name), "wx"));
    this.files.set(name, { bytes: new Uint8Array(0), clean: false });
    return `create ${name}`;
  }

  /** @param {string} name */
  #write(name) {
    const random = this.#random;
    const longest = random.chance(0.2) ? WRITE_MAX : 2 * PAGE;
    const length = 1 + random.below(longest);
    const offset = random.below(FILE_MAX - length);
    const from = random.below(this.#pattern.length - length);
    const source = this.#pattern.subarray(from, from + length);
    this.#withFile(name, constants.O_WRONLY, (fd) =>
      requireAll(writeSync(fd, source, 0, length, offset), length),
    );
    this.#put(name, offset, source);
    return `write ${name} ${offset}+${length}`;
  }

  /** @param {string} name */
  #writeDirect(name) {
    const random = this.#random;
    const length = (1 + random.below(DIRECT_MAX / PAGE)) * PAGE;
    const offset = random.below((FILE_MAX - length) / PAGE) * PAGE;
    const from = random.below(this.#pattern.length - length);
    const source = this.#pattern.subarray(from, from + length);
    this.#aligned.bytes.set(source);
    this.#withFile(name, constants.O_WRONLY | constants.O_DIRECT, (fd) =>
      requireAll(fileIo().pwrite(fd, this.#aligned.address, length, offset), length),
    );
    this.#put(name, offset, source);
    return `write ${name} ${offset}+${length} direct`;
  }

  /** @param {string} name */
  #sync(name) {
    this.#withFile(name, constants.O_WRONLY, fsyncSync);
    this.#expected(name).clean = true;
    return `fsync ${name}`;
  }

  /** @param {string} name */
  #compare(name) {
    const { bytes } = this.#expected(name);
    if (bytes.length === 0) return `look at ${name}`;
    const offset = this.#random.below(bytes.length);
    const length = Math.min(bytes.length - offset, 1 + this.#random.below(WRITE_MAX));
    const shown = new Uint8Array(length);
    this.#withFile(name, constants.O_RDONLY, (fd) =>
      requireAll(readSync(fd, shown, 0, length, offset), length),
    );
    requireSame(name, shown, bytes.subarray(offset, offset + length), offset);
    return `read ${name} ${offset}+${length}`;
  }

  /** @param {string} name */
  #truncate(name) {
    const size = this.#random.below(FILE_MAX);
    this.#withFile(name, constants.O_WRONLY, (fd) => ftruncateSync(fd, size));
    this.#resize(name, size);
    return `truncate ${name} ${size}`;
  }

  /** @param {string} name */
  #punch(name) {
    const { bytes } = this.#expected(name);
    if (bytes.length < 2) return `nothing to punch in ${name}`;
    const offset = this.#random.below(bytes.length - 1);
    const length = 1 + this.#random.below(bytes.length - offset);
    this.#fallocate(name, "--punch-hole", offset, length);
    bytes.fill(0, offset, offset + length);
    this.#expected(name).clean = false;
    return `punch ${name} ${offset}+${length}`;
  }

  /** @param {string} name */
  #allocate(name) {
    const offset = this.#random.below(FILE_MAX / 2);
    const length = 1 + this.#random.below(FILE_MAX / 2);
    this.#fallocate(name, "--posix", offset, length);
    this.#resize(name, Math.max(this.#expected(name).bytes.length, offset + length));
    return `allocate ${name} ${offset}+${length}`;
  }

  /** @param {string} name */
  #rename(name) {
    this.#count += 1;
    const target = `f${this.#count}`;
    renameSync(this.#path(name), this.#path(target));
    const expected = this.#expected(name);
    this.files.delete(name);
    this.files.set(target, { ...expected, clean: false });
    return `rename ${name} ${target}`;
  }

  /** @param {string} name */
  #unlink(name) {
    unlinkSync(this.#path(name));
    this.files.delete(name);
    return `unlink ${name}`;
  }

  /** @param {string} name @param {string} how @param {number} offset @param {number} length */
  #fallocate(name, how, offset, length) {
    const words = [how, "--offset", String(offset), "--length", String(length), this.#path(name)];
    const ended = spawnSync("fallocate", words, { encoding: "utf8" });
    if (ended.status !== 0) throw new Error(`fallocate ${words.join(" ")}: ${ended.stderr}`);
  }

  /** @param {string} name */
  #path(name) {
    return join(this.#directory, name);
  }

  /** @param {string} name */
  #expected(name) {
    const expected = this.files.get(name);
    if (!expected) throw new Error(`the model has no file ${name}`);
    return expected;
  }

  /** @param {string} name @param {number} offset @param {Uint8Array} source */
  #put(name, offset, source) {
    this.#resize(name, Math.max(this.#expected(name).bytes.length, offset + source.length));
    this.#expected(name).bytes.set(source, offset);
  }

  /** @param {string} name @param {number} size */
  #resize(name, size) {
    const expected = this.#expected(name);
    expected.clean = false;
    if (size === expected.bytes.length) return;
    const bytes = new Uint8Array(size);
    bytes.set(expected.bytes.subarray(0, size));
    expected.bytes = bytes;
  }

  /** @param {string} name @param {number} flags @param {(fd: number) => void} use */
  #withFile(name, flags, use) {
    const fd = openSync(this.#path(name), flags);
    try {
      use(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/**
 * Compare a directory with what it has to hold: all of it, or only the files that were clean.
 * @param {string} directory @param {ReadonlyMap<string, Expected>} files @param {boolean} onlyClean
 */
export function verifyFiles(directory, files, onlyClean) {
  for (const [name, { bytes, clean }] of files) {
    if (onlyClean && !clean) continue;
    const path = join(directory, name);
    if (!existsSync(path)) throw new Error(`${path} is missing`);
    const shown = readFileSync(path);
    if (shown.length !== bytes.length)
      throw new Error(`${path} has ${shown.length} bytes, not ${bytes.length}`);
    requireSame(path, shown, bytes, 0);
  }
  if (onlyClean) return;
  const unknown = readdirSync(directory).filter((name) => !files.has(name));
  if (unknown.length > 0)
    throw new Error(`${directory} has files that were not there: ${unknown.join(" ")}`);
}

/**
 * @param {string} name
 * @param {Uint8Array} shown
 * @param {Uint8Array} expected
 * @param {number} offset
 */
function requireSame(name, shown, expected, offset) {
  if (Buffer.compare(shown, expected) === 0) return;
  const at = shown.findIndex((byte, index) => byte !== expected[index]);
  throw new Error(`${name} differs from what was written at byte ${offset + at}`);
}

/** @param {number} count @param {number} length */
function requireAll(count, length) {
  if (count !== length) throw new Error(`a transfer of ${length} bytes ended with ${count}`);
}
