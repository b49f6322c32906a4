/**
 * From a gfid, or a parent and a name, to the object on the disk. A path of the wire is never
 * followed: a name is one component, opened relative to its directory's descriptor, and never
 * through a symbolic link; a gfid leads to its handle, and a directory's handle is followed one
 * parent at a time, each compared with the gfid that it should have.
 *
 * Extended attributes of names are reached by making their directory the working directory: the
 * kernel has no such call relative to a descriptor before 6.13. So the working directory belongs to
 * this class, and nothing else may use relative paths.
 */
import { constants } from "node:fs";
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, STATX_ALL } from "@mortar/linux";
import type { BrickDirectory } from "./brick-directory.ts";
import { Errno } from "./errno.ts";
import { gfidBytes, parseDirectoryHandle, writeGfidText, writeHandlePath } from "./handle-path.ts";
import { InodeTable, KNOWN } from "./inode-table.ts";
import type { OpenFiles } from "./open-files.ts";
import {
  addressAt, ATTRIBUTE_NAME, calls, DOT, EMPTY, GFID, handleAt, HOW, nameAt, S_IFDIR,
  S_IFLNK, S_IFREG, scratch, statAt, statx, TARGET, TARGET_BYTES,
} from "./scratch.ts";

const RESOLVE = 2 | 4 | 8; // No magic links, no symbolic links, beneath the directory.
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW |
  O_CLOEXEC;
const DEPTH_MAX = 100_000;
/** The stat and handle that `resolve` uses; requests use those below. */
const OWN_STAT = 6;
const OWN_HANDLE = 6;
const OWN_NAME = 3;
const UNLINK_PREFIX = Buffer.from("unlink/");
const KIND_BIT: ReadonlyMap<number, number> = new Map([
  [S_IFDIR, KNOWN.directory], [S_IFLNK, KNOWN.symlink], [S_IFREG, 0],
]);

export interface ObjectsOptions {
  readonly inodes: number;
  /** Open directories that are kept. */
  readonly directories: number;
  /** Another object is to have this slot, or none. */
  readonly forgotten: (slot: number) => void;
}

export class Objects {
  readonly table: InodeTable;
  readonly directory: BrickDirectory;
  readonly openFiles: OpenFiles;
  /** Slots with an open directory, and where to look for one to close next. */
  readonly #ring: Int32Array;
  readonly #recent: Uint8Array;
  #hand = 0;
  /** The attribute of the times is read and written: `features.ctime`. */
  keepsTimes = true;
  /** What the client of this request sees as the root, if that is another directory; else -1. */
  rootSlot = -1;
  /** Objects whose attributes the reply tells, if somebody wants to know; see Upcalls. */
  told: number[] | undefined;
  #base: number;

  constructor(directory: BrickDirectory, openFiles: OpenFiles, options: ObjectsOptions) {
    this.directory = directory;
    this.openFiles = openFiles;
    this.table = new InodeTable(options.inodes, (slot) => {
      this.closeDirectory(slot);
      options.forgotten(slot);
    });
    this.#ring = new Int32Array(options.directories).fill(-1);
    this.#recent = new Uint8Array(this.table.capacity);
    this.#base = directory.glusterfsFd;
  }

  /** They are read anew, from where they count now. */
  forgetTimes(): void {
    for (let slot = 0; slot < this.table.size; slot++) {
      this.table.clear(slot, KNOWN.times | KNOWN.noMdata);
    }
  }

  /** The slot of an object that exists, its kind known; or a negated errno: ESTALE. */
  resolve(view: DataView, at: number): number {
    const found = this.table.find(view, at);
    if (found >= 0) return found;
    return this.#discover(view, at);
  }

  /** The slot of a directory that is open (`fd`); or a negated errno. */
  resolveDirectory(view: DataView, at: number): number {
    const slot = this.resolve(view, at);
    if (slot < 0) return slot;
    if (!this.table.has(slot, KNOWN.directory)) return -Errno.ENOTDIR;
    const fd = this.openDirectory(slot);
    return fd < 0 ? fd : slot;
  }

  /** Of a directory that `resolveDirectory` gave. */
  fd(slot: number): number {
    return this.table.directoryFd[slot]!;
  }

  isDirectory(slot: number): boolean {
    return this.table.has(slot, KNOWN.directory);
  }

  /** The address of the path of a non-directory, relative to `.glusterfs`. */
  handle(slot: number, index: number): number {
    const at = handleAt(index);
    if (this.table.has(slot, KNOWN.unlinked)) this.#unlinkedPath(slot, at);
    else writeHandlePath(scratch.bytes, at, this.table.words, slot * 4);
    return addressAt(at);
  }

  /** Attributes of an object; ESTALE when it is gone. */
  stat(slot: number, index: number): number {
    const buffer = addressAt(statAt(index));
    if (this.isDirectory(slot)) {
      const fd = this.openDirectory(slot);
      return fd < 0 ? fd : this.statFd(fd, index);
    }
    const path = this.handle(slot, OWN_HANDLE);
    const { glusterfsFd } = this.directory;
    const result = calls.statx(glusterfsFd, path, AT_SYMLINK_NOFOLLOW, STATX_ALL, buffer);
    if (result !== -Errno.ENOENT) return result;
    this.table.forget(slot);
    return -Errno.ESTALE;
  }

  statFd(fd: number, index: number): number {
    const flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
    return calls.statx(fd, addressAt(EMPTY), flags, STATX_ALL, addressAt(statAt(index)));
  }

  /** Attributes of an entry; the name is scratch name `name`. */
  statChild(parent: number, name: number, index: number): number {
    return calls.statx(
      this.fd(parent), addressAt(nameAt(name)), AT_SYMLINK_NOFOLLOW, STATX_ALL,
      addressAt(statAt(index)),
    );
  }

  /** The slot of the entry whose attributes are at `index`; ENODATA when it has no gfid. */
  slotOfChild(parent: number, name: number, index: number): number {
    const at = statAt(index);
    const ino = statx.ino(at);
    const known = this.table.findInode(ino, statx.bornSeconds(at), statx.bornNanoseconds(at));
    if (known >= 0) return known;
    this.#goTo(this.fd(parent));
    const result = calls.lgetxattr(
      addressAt(nameAt(name)), ATTRIBUTE_NAME.gfid, addressAt(GFID), 16,
    );
    this.#goTo(this.directory.glusterfsFd);
    if (result < 0) return result;
    return result === 16 ? this.enterAtStat(index) : -Errno.ENODATA;
  }

  /** The slot of the gfid in scratch GFID, of the inode whose attributes are at `index`. */
  enterAtStat(index: number): number {
    const at = statAt(index);
    const slot = this.table.enter(scratch.view, GFID);
    this.table.set(slot, KIND_BIT.get(statx.kind(at)) ?? KNOWN.special);
    this.table.setInode(
      slot, statx.ino(at), statx.bornSeconds(at), statx.bornNanoseconds(at),
    );
    return slot;
  }

  /** Open a directory for keeping; the descriptor or a negated errno. */
  openDirectory(slot: number): number {
    const fd = this.table.directoryFd[slot]!;
    if (fd >= 0) {
      this.#recent[slot] = 1;
      return fd;
    }
    return this.#follow(slot);
  }

  closeDirectory(slot: number): void {
    const fd = this.table.directoryFd[slot]!;
    if (fd < 0) return;
    this.#leave(fd);
    calls.close(fd);
    this.table.directoryFd[slot] = -1;
  }

  /** Open an entry without following links; `flags` of open(2). */
  openChild(directoryFd: number, nameAddress: number, flags: number): number {
    scratch.view.setUint32(HOW, flags, true);
    scratch.view.setUint32(HOW + 4, 0, true);
    scratch.view.setUint32(HOW + 8, 0, true);
    scratch.view.setUint32(HOW + 12, 0, true);
    scratch.view.setUint32(HOW + 16, RESOLVE, true);
    scratch.view.setUint32(HOW + 20, 0, true);
    return calls.openat2(directoryFd, nameAddress, addressAt(HOW));
  }

  /** Open a non-directory by its gfid. */
  openHandle(slot: number, flags: number): number {
    const path = this.handle(slot, OWN_HANDLE);
    const result = this.openChild(this.directory.glusterfsFd, path, flags | O_CLOEXEC);
    if (result !== -Errno.ENOENT) return result;
    this.table.forget(slot);
    return -Errno.ESTALE;
  }

  /** The target of a symbolic link into scratch TARGET: its length or a negated errno. */
  readLink(slot: number, length: number): number {
    if (!this.table.has(slot, KNOWN.symlink)) return -Errno.EINVAL;
    const path = this.handle(slot, OWN_HANDLE);
    const { glusterfsFd } = this.directory;
    return this.gone(slot, calls.readlinkat(glusterfsFd, path, addressAt(TARGET), length));
  }

  /** Read an attribute of an object: its length or a negated errno. */
  getAttribute(slot: number, name: number, value: number, length: number): number {
    if (this.isDirectory(slot)) {
      const fd = this.openDirectory(slot);
      return fd < 0 ? fd : calls.fgetxattr(fd, name, value, length);
    }
    return this.gone(slot, calls.lgetxattr(this.handle(slot, OWN_HANDLE), name, value, length));
  }

  setAttribute(slot: number, name: number, value: number, length: number, flags: number): number {
    if (this.isDirectory(slot)) {
      const fd = this.openDirectory(slot);
      return fd < 0 ? fd : calls.fsetxattr(fd, name, value, length, flags);
    }
    const path = this.handle(slot, OWN_HANDLE);
    return this.gone(slot, calls.lsetxattr(path, name, value, length, flags));
  }

  removeAttribute(slot: number, name: number): number {
    if (this.isDirectory(slot)) {
      const fd = this.openDirectory(slot);
      return fd < 0 ? fd : calls.fremovexattr(fd, name);
    }
    return this.gone(slot, calls.lremovexattr(this.handle(slot, OWN_HANDLE), name));
  }

  listAttributes(slot: number, list: number, length: number): number {
    if (this.isDirectory(slot)) {
      const fd = this.openDirectory(slot);
      return fd < 0 ? fd : calls.flistxattr(fd, list, length);
    }
    return this.gone(slot, calls.llistxattr(this.handle(slot, OWN_HANDLE), list, length));
  }

  /** An object whose handle is missing is stale. */
  gone(slot: number, result: number): number {
    if (result !== -Errno.ENOENT) return result;
    this.table.forget(slot);
    return -Errno.ESTALE;
  }

  // How a slot comes to be.

  #discover(view: DataView, at: number): number {
    const slot = this.table.enter(view, at);
    const { table } = this;
    if (table.isRoot(slot)) {
      table.set(slot, KNOWN.directory | KNOWN.handle);
      return slot;
    }
    const status = this.#kindOf(slot);
    if (status < 0) {
      table.forget(slot);
      return status;
    }
    return slot;
  }

  /** What the handle tells; a link may be a directory's, or an object of its own. */
  #kindOf(slot: number): number {
    const { table } = this;
    let path = this.handle(slot, OWN_HANDLE);
    const buffer = addressAt(statAt(OWN_STAT));
    const { glusterfsFd } = this.directory;
    let result = calls.statx(glusterfsFd, path, AT_SYMLINK_NOFOLLOW, STATX_ALL, buffer);
    if (result === -Errno.ENOENT && this.openFiles.unlinkedCount > 0) {
      table.set(slot, KNOWN.unlinked);
      path = this.handle(slot, OWN_HANDLE);
      result = calls.statx(glusterfsFd, path, AT_SYMLINK_NOFOLLOW, STATX_ALL, buffer);
    }
    if (result < 0) return result === -Errno.ENOENT ? -Errno.ESTALE : result;
    const stat = statAt(OWN_STAT);
    if (statx.kind(stat) === S_IFLNK) {
      const length = calls.lgetxattr(path, ATTRIBUTE_NAME.gfid, addressAt(GFID), 16);
      if (length === -Errno.ENODATA) {
        table.set(slot, KNOWN.directory);
        return Math.min(this.#follow(slot), 0);
      }
      if (length !== 16 || !this.#isGfid(slot)) return -Errno.ESTALE;
    }
    table.set(slot, KIND_BIT.get(statx.kind(stat)) ?? KNOWN.special);
    table.setInode(
      slot, statx.ino(stat), statx.bornSeconds(stat), statx.bornNanoseconds(stat),
    );
    return 0;
  }

  /** Up the handles to a directory that is open, and down again. */
  #follow(slot: number): number {
    const { table } = this;
    if (table.isRoot(slot)) {
      return this.#keep(slot, calls.openat(
        this.directory.brickFd, addressAt(DOT), OPEN_DIRECTORY, 0,
      ));
    }
    const chain: { readonly gfid: DataView; readonly name: string }[] = [];
    let gfid = this.#gfidOf(slot);
    let fd = -1;
    while (fd < 0) {
      const link = this.#readHandle(gfid);
      if (link === undefined || chain.length >= DEPTH_MAX) return -Errno.ESTALE;
      chain.push({ gfid, name: link.name });
      gfid = viewOf(gfidBytes(link.parent));
      const parent = table.find(gfid, 0);
      if (parent >= 0 && this.fdIsOpen(parent)) fd = this.fd(parent);
      else if (isRootGfid(gfid)) fd = this.openDirectory(this.resolve(gfid, 0));
    }
    for (const step of chain.toReversed()) {
      fd = this.#descend(fd, step.gfid, step.name);
      if (fd < 0) return fd;
    }
    return fd;
  }

  fdIsOpen(slot: number): boolean {
    return this.table.directoryFd[slot]! >= 0;
  }

  #descend(parentFd: number, gfid: DataView, name: string): number {
    const at = nameAt(OWN_NAME);
    const length = Buffer.byteLength(name, "latin1");
    if (length > 255) return -Errno.ESTALE;
    wholeScratch.write(name, at, "latin1");
    scratch.bytes[at + length] = 0;
    const fd = this.openChild(parentFd, addressAt(at), OPEN_DIRECTORY);
    if (fd < 0) return -Errno.ESTALE;
    const slot = this.table.enter(gfid, 0);
    const size = calls.fgetxattr(fd, ATTRIBUTE_NAME.gfid, addressAt(GFID), 16);
    if (size !== 16 || !this.#isGfid(slot)) {
      calls.close(fd);
      return -Errno.ESTALE;
    }
    this.table.set(slot, KNOWN.directory);
    return this.#keep(slot, fd);
  }

  /**
   * Where a directory is: its parent's slot, with the parent open, and its name into scratch name
   * `name`; a negated errno.
   */
  placeOf(slot: number, name: number): number {
    const link = this.#readHandle(this.#gfidOf(slot));
    if (link === undefined) return -Errno.ESTALE;
    wholeScratch.write(`${link.name}\0`, nameAt(name), "latin1");
    return this.resolveDirectory(viewOf(gfidBytes(link.parent)), 0);
  }

  #readHandle(gfid: DataView): ReturnType<typeof parseDirectoryHandle> {
    for (let word = 0; word < 4; word++) gfidWords[word] = gfid.getUint32(4 * word, false);
    const at = handleAt(OWN_HANDLE);
    writeHandlePath(scratch.bytes, at, gfidWords, 0);
    const length = calls.readlinkat(
      this.directory.glusterfsFd, addressAt(at), addressAt(TARGET), TARGET_BYTES,
    );
    if (length < 0) return undefined;
    return parseDirectoryHandle(wholeScratch.toString("latin1", TARGET, TARGET + length));
  }

  #gfidOf(slot: number): DataView {
    const view = new DataView(new ArrayBuffer(16));
    for (let word = 0; word < 4; word++) {
      view.setUint32(4 * word, this.table.words[4 * slot + word]!, false);
    }
    return view;
  }

  #isGfid(slot: number): boolean {
    const { words } = this.table;
    for (let word = 0; word < 4; word++) {
      if (scratch.view.getUint32(GFID + 4 * word, false) !== words[4 * slot + word]) return false;
    }
    return true;
  }

  /** Put an open directory into the ring; another one is closed if it is full. */
  #keep(slot: number, fd: number): number {
    if (fd < 0) return fd;
    this.closeDirectory(slot);
    const ring = this.#ring;
    for (let tries = 2 * ring.length; tries > 0; tries--) {
      this.#hand = (this.#hand + 1) % ring.length;
      const old = ring[this.#hand]!;
      if (old < 0 || !this.fdIsOpen(old)) break;
      if (this.#recent[old] === 0) {
        this.closeDirectory(old);
        break;
      }
      this.#recent[old] = 0;
    }
    ring[this.#hand] = slot;
    this.#recent[slot] = 1;
    this.table.directoryFd[slot] = fd;
    return fd;
  }

  /** Take over a descriptor of a directory whose slot is known. */
  adopt(slot: number, fd: number): void {
    this.#keep(slot, fd);
  }

  #unlinkedPath(slot: number, at: number): void {
    scratch.bytes.set(UNLINK_PREFIX, at);
    const end = writeGfidText(
      scratch.bytes, at + UNLINK_PREFIX.length, this.table.words, slot * 4,
    );
    scratch.bytes[end] = 0;
  }

  #goTo(fd: number): void {
    if (this.#base === fd) return;
    calls.fchdir(fd);
    this.#base = fd;
  }

  #leave(fd: number): void {
    if (this.#base === fd) this.#goTo(this.directory.glusterfsFd);
  }
}

const gfidWords = new Uint32Array(4);
const wholeScratch = Buffer.from(scratch.bytes.buffer);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function isRootGfid(gfid: DataView): boolean {
  return gfid.getUint32(12) === 1 && gfid.getUint32(0) === 0 && gfid.getUint32(4) === 0 &&
    gfid.getUint32(8) === 0;
}
