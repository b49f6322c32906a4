/**
 * The index of what has to be healed, as the self-heal daemon reads it:
 *
 *     indices/xattrop/GFID                replicas have missed something of this object
 *     indices/dirty/GFID                  a write of it was begun, and not ended
 *     indices/entry-changes/PARENT/NAME   names that may differ between replicas
 *     indices/KIND/KIND-UUID              the file without content that all of these are links of
 *
 * A link that is there already, or gone already, is as good as one that was made or removed. A
 * start takes a new base: the old one goes when it has lost its last link. Paths are relative to
 * `.glusterfs`, the working directory.
 */
import { randomUUID } from "node:crypto";
import {
  closeSync, constants, lstatSync, mkdirSync, openSync, readdirSync, renameSync, rmdirSync, rmSync,
  unlinkSync,
} from "node:fs";
import { O_CLOEXEC } from "@mortar/linux";
import { Errno } from "./errno.ts";
import { writeGfidText } from "./handle-path.ts";
import { addressAt, calls, INDEX_PATH, NAME_BYTES_MAX, scratch } from "./scratch.ts";

export const INDEX_KIND = { pending: 0, dirty: 1, entries: 2 } as const;
export const INDEX_NAMES = ["xattrop", "dirty", "entry-changes"] as const;
const DIRECTORY_MODE = 0o600;
const EMLINK = 31;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const GFID_TEXT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const PREFIX = INDEX_NAMES.map((name) => Buffer.from(`indices/${name}/`));
const BASE_PATH = INDEX_PATH + 512;

export class IndexDirectory {
  readonly #glusterfsFd: number;
  /** The name of the base of each kind. */
  readonly #bases: string[] = [];
  /** Links of objects, by kind. */
  readonly #counts = [0, 0, 0];

  constructor(glusterfsFd: number) {
    this.#glusterfsFd = glusterfsFd;
    for (const name of INDEX_NAMES) {
      mkdirSync(`indices/${name}`, { recursive: true, mode: DIRECTORY_MODE });
      this.#bases.push(`${name}-${randomUUID()}`);
    }
    for (const kind of [INDEX_KIND.pending, INDEX_KIND.dirty]) {
      this.#counts[kind] = readdirSync(this.path(kind)).filter(isGfidText).length;
      this.purgeBases(kind);
    }
    this.purgeBases(INDEX_KIND.entries);
  }

  path(kind: number): string {
    return `indices/${INDEX_NAMES[kind]}`;
  }

  /** How many objects are in the index. */
  count(kind: number): number {
    return this.#counts[kind]!;
  }

  isBase(kind: number, name: string): boolean {
    return name.startsWith(`${INDEX_NAMES[kind]}-`);
  }

  /** The gfid in `words`; 0 or a negated errno. */
  add(kind: number, words: Uint32Array, base: number): number {
    const path = writePath(kind, words, base);
    const result = this.#link(kind, path);
    if (result === 0) this.#counts[kind]!++;
    return result === -Errno.EEXIST ? 0 : result;
  }

  remove(kind: number, words: Uint32Array, base: number): number {
    const result = calls.unlinkat(this.#glusterfsFd, writePath(kind, words, base), 0);
    if (result === 0) this.#counts[kind]!--;
    return result === -Errno.ENOENT ? 0 : result;
  }

  /** By the text that a client gives: any name in the directory. */
  removeName(kind: number, name: string): number {
    if (!isEntryName(name)) return -Errno.EINVAL;
    const path = writeText(`${this.path(kind)}/${name}`, INDEX_PATH);
    const result = calls.unlinkat(this.#glusterfsFd, path, 0);
    if (result === 0 && isGfidText(name)) this.#counts[kind]!--;
    return result === -Errno.ENOENT ? 0 : result;
  }

  /** `name` in latin1: every byte of it. */
  addEntry(parent: string, name: string): number {
    if (!isEntryName(name)) return -Errno.EINVAL;
    const directory = this.entriesOf(parent);
    const path = writeText(`${directory}/${name}`, INDEX_PATH);
    let result = this.#link(INDEX_KIND.entries, path);
    if (result === -Errno.ENOENT) {
      result = status(() => mkdirSync(directory, { mode: DIRECTORY_MODE }));
      if (result === 0) result = this.#link(INDEX_KIND.entries, path);
    }
    return result === -Errno.EEXIST ? 0 : result;
  }

  removeEntry(parent: string, name: string): number {
    if (!isEntryName(name)) return -Errno.EINVAL;
    const path = writeText(`${this.entriesOf(parent)}/${name}`, INDEX_PATH);
    const result = calls.unlinkat(this.#glusterfsFd, path, 0);
    return result === -Errno.ENOENT ? 0 : result;
  }

  /** Names of a parent are forgotten. What is left of them gets out of the way, to be found. */
  removeEntries(parent: string): number {
    const directory = this.entriesOf(parent);
    let result = status(() => rmdirSync(directory));
    if (result === -Errno.ENOTEMPTY) {
      result = status(() => renameSync(directory, this.entriesOf(randomUUID())));
    }
    return result === -Errno.ENOENT ? 0 : result;
  }

  /** With all the names in it. */
  wipeEntries(parent: string): number {
    return status(() => rmSync(this.entriesOf(parent), { recursive: true, force: true }));
  }

  entriesOf(parent: string): string {
    return `${this.path(INDEX_KIND.entries)}/${parent}`;
  }

  /** Of a directory of the index; undefined: it is not there. */
  lstat(path: string) {
    return lstatSync(latin1(path), { throwIfNoEntry: false });
  }

  open(path: string): number {
    return calls.openat(
      this.#glusterfsFd, writeText(path, INDEX_PATH), OPEN_DIRECTORY | O_CLOEXEC, 0,
    );
  }

  /** Bases of earlier starts that no link is left of. */
  purgeBases(kind: number): void {
    for (const name of readdirSync(this.path(kind))) {
      if (!this.isBase(kind, name) || name === this.#bases[kind]) continue;
      const path = `${this.path(kind)}/${name}`;
      if (lstatSync(path, { throwIfNoEntry: false })?.nlink === 1) status(() => unlinkSync(path));
    }
  }

  #link(kind: number, path: number): number {
    const fd = this.#glusterfsFd;
    let base = writeText(`${this.path(kind)}/${this.#bases[kind]}`, BASE_PATH);
    const result = calls.linkat(fd, base, fd, path, 0);
    if (result !== -Errno.ENOENT && result !== -EMLINK) return result;
    if (result === -EMLINK) {
      this.#bases[kind] = `${INDEX_NAMES[kind]}-${randomUUID()}`;
      base = writeText(`${this.path(kind)}/${this.#bases[kind]}`, BASE_PATH);
    }
    const made = status(() => {
      mkdirSync(this.path(kind), { recursive: true, mode: DIRECTORY_MODE });
      closeSync(openSync(
        `${this.path(kind)}/${this.#bases[kind]}`, constants.O_CREAT | constants.O_WRONLY, 0,
      ));
    });
    return made < 0 ? made : calls.linkat(fd, base, fd, path, 0);
  }
}

export function isGfidText(name: string): boolean {
  return GFID_TEXT.test(name);
}

function isEntryName(name: string): boolean {
  return name !== "" && name.length <= NAME_BYTES_MAX && !/[/\0]/.test(name) &&
    name !== "." && name !== "..";
}

const wholeScratch = Buffer.from(scratch.bytes.buffer);

/** indices/KIND/GFID: its address. */
function writePath(kind: number, words: Uint32Array, base: number): number {
  const prefix = PREFIX[kind]!;
  scratch.bytes.set(prefix, INDEX_PATH);
  const end = writeGfidText(scratch.bytes, INDEX_PATH + prefix.length, words, base);
  scratch.bytes[end] = 0;
  return addressAt(INDEX_PATH);
}

function writeText(text: string, at: number): number {
  scratch.bytes[at + wholeScratch.write(text, at, "latin1")] = 0;
  return addressAt(at);
}

function latin1(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** 0, or the negated errno of what was thrown. */
function status(perform: () => void): number {
  try {
    perform();
    return 0;
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    return errno;
  }
}
