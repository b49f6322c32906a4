/**
 * Names are made, moved and taken away here. Every operation has one step that counts, in which the
 * kernel changes the name itself; a cut before or after it (kill -9, or a power cut, which keeps a
 * prefix of the steps, as the journals of XFS and ext4 are in order) leaves the operation whole or
 * absent. What it may leave besides:
 *
 * | operation | steps; the one that counts in capitals | a cut leaves |
 * |---|---|---|
 * | create, mknod of a file | no name, dressed; LINK NAME; handle | no handle: heal |
 * | mkdir | landfill/GFID, dressed; handle; RENAME TO NAME | landfill and handle: start |
 * | mknod of others | landfill/GFID, dressed; LINK NAME; to handle | landfill: start; heal |
 * | link | gfid2path; LINK NAME | an attribute too many |
 * | unlink | handle away, or to unlink/; UNLINK NAME | heal; unlink/: start |
 * | rmdir | handle to landfill; RMDIR; landfill away | landfill: start; heal |
 * | rename | target's handle; gfid2path; RENAME; gfid2path; handle | heal; an attribute |
 *
 * "Start" is emptyLandfill and emptyUnlinked. "Heal" is healHandle, when the name is looked up
 * next: a file whose only link is the name has no handle, and a directory's handle tells where it
 * should be. Nothing here waits, and nobody runs in between.
 *
 * Names are addresses in the scratch memory. Parents are slots whose directory is open. Results are
 * 0 or a slot, or a negated errno.
 */
import { constants } from "node:fs";
import {
  AT_EMPTY_PATH, AT_REMOVEDIR, O_CLOEXEC, O_TMPFILE, RENAME_NOREPLACE,
} from "@mortar/linux";
import { Errno } from "./errno.ts";
import { emptyLandfill } from "./landfill.ts";
import {
  handleIsTaken, linkDirectoryHandle, linkHandle, renameToHandle, replaceDirectoryHandle,
} from "./handles.ts";
import { KNOWN } from "./inode-table.ts";
import { dressFd, dressPath, slotOfRequest } from "./new-object.ts";
import type { NewObject } from "./new-object.ts";
import type { Objects } from "./objects.ts";
import type { OpenInode } from "./open-files.ts";
import type { ParentLinks } from "./parent-link.ts";
import {
  addressAt, calls, DOT, EMPTY, S_IFDIR, S_IFLNK, S_IFREG, statAt, statx,
} from "./scratch.ts";
import { landfillPath, unlinkedPath } from "./side-paths.ts";

const S_IFMT = 0o170000;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW |
  O_CLOEXEC;
const SIDE = 2;
const HANDLE = 3;
/** Attributes that these operations look at for themselves. */
const NEW_STAT = 5;

export class Entries {
  readonly #objects: Objects;
  readonly #links: ParentLinks;

  constructor(objects: Objects, links: ParentLinks) {
    this.#objects = objects;
    this.#links = links;
  }

  /**
   * A regular file, open for reading and writing; its gfid in scratch GFID. `fill` is given it
   * before it has a name.
   */
  createFile(
    parent: number, name: number, object: NewObject, fill?: (fd: number) => number,
  ): number {
    const objects = this.#objects;
    const parentFd = objects.fd(parent);
    const fd = calls.openat(
      parentFd, addressAt(DOT), O_TMPFILE | constants.O_RDWR | O_CLOEXEC, object.mode & 0o777,
    );
    if (fd < 0) return fd;
    let result = dressFd(fd, object);
    if (result === 0 && fill !== undefined) result = fill(fd);
    if (result === 0) result = this.#links.setFd(fd, parent, name);
    if (result === 0) result = calls.linkat(fd, EMPTY_PATH, parentFd, name, AT_EMPTY_PATH);
    if (result < 0) {
      calls.close(fd);
      return result;
    }
    const slot = slotOfRequest(objects);
    if (linkHandle(objects, slot, parentFd, name) !== -Errno.EEXIST) return fd;
    return this.#replaceOrphan(slot, parentFd, name, fd);
  }

  /** The new file's gfid has a handle: of nothing that has a name, or the file is one too many. */
  #replaceOrphan(slot: number, parentFd: number, name: number, fd: number): number {
    const objects = this.#objects;
    if (handleIsTaken(objects, slot)) {
      calls.unlinkat(parentFd, name, 0);
      calls.close(fd);
      // It is another kind of object perhaps.
      objects.table.forget(slot);
      return -Errno.EEXIST;
    }
    calls.unlinkat(objects.directory.glusterfsFd, objects.handle(slot, HANDLE), 0);
    linkHandle(objects, slot, parentFd, name);
    return fd;
  }

  mkdir(parent: number, name: number, object: NewObject): number {
    const objects = this.#objects;
    const { glusterfsFd } = objects.directory;
    const slot = slotOfRequest(objects);
    const side = landfillPath(objects.table.words, 4 * slot, SIDE);
    let result = calls.mkdirat(glusterfsFd, side, object.mode & 0o777);
    if (result < 0) return result;
    const fd = objects.openChild(glusterfsFd, side, OPEN_DIRECTORY);
    result = fd < 0 ? fd : dressFd(fd, object);
    if (result === 0) result = linkDirectoryHandle(objects, slot, parent, name);
    if (result === 0) {
      result = calls.renameat2(glusterfsFd, side, objects.fd(parent), name, RENAME_NOREPLACE);
      if (result < 0) calls.unlinkat(glusterfsFd, objects.handle(slot, HANDLE), 0);
    }
    if (result < 0) {
      if (fd >= 0) calls.close(fd);
      calls.unlinkat(glusterfsFd, side, AT_REMOVEDIR);
      objects.table.forget(slot);
      return result;
    }
    objects.table.set(slot, KNOWN.directory | KNOWN.handle);
    objects.adopt(slot, fd);
    return slot;
  }

  /** Anything but a directory; `device` as of mknod(2). */
  mknod(parent: number, name: number, object: NewObject, device: number): number {
    if ((object.mode & S_IFMT) === S_IFREG) {
      const fd = this.createFile(parent, name, object);
      if (fd < 0) return fd;
      calls.close(fd);
      return slotOfRequest(this.#objects);
    }
    const side = this.#sideOfRequest();
    const { glusterfsFd } = this.#objects.directory;
    const result = calls.mknodat(glusterfsFd, side, object.mode & (S_IFMT | 0o777), device);
    return result < 0 ? result : this.#nameSide(parent, name, object, side);
  }

  /** A regular file that only its gfid leads to. */
  makeNameless(object: NewObject): number {
    const objects = this.#objects;
    const side = this.#sideOfRequest();
    const { glusterfsFd } = objects.directory;
    let result = calls.mknodat(glusterfsFd, side, object.mode & (S_IFMT | 0o777), 0);
    if (result === 0) result = dressPath(glusterfsFd, side, object);
    const slot = slotOfRequest(objects);
    if (result === 0) result = renameToHandle(objects, slot, side);
    if (result === 0) return slot;
    calls.unlinkat(glusterfsFd, side, 0);
    objects.table.forget(slot);
    return result;
  }

  /** `target` is the address of the link's text, with NUL. */
  symlink(parent: number, name: number, object: NewObject, target: number): number {
    const side = this.#sideOfRequest();
    const result = calls.symlinkat(target, this.#objects.directory.glusterfsFd, side);
    object.mode = S_IFLNK;
    return result < 0 ? result : this.#nameSide(parent, name, object, side);
  }

  #sideOfRequest(): number {
    const slot = slotOfRequest(this.#objects);
    return landfillPath(this.#objects.table.words, 4 * slot, SIDE);
  }

  #nameSide(parent: number, name: number, object: NewObject, side: number): number {
    const objects = this.#objects;
    const { glusterfsFd } = objects.directory;
    const slot = slotOfRequest(objects);
    let result = handleIsTaken(objects, slot)
      ? -Errno.EEXIST : dressPath(glusterfsFd, side, object);
    if (result === 0) result = this.#links.setPath(side, parent, name);
    if (result === 0) result = calls.linkat(glusterfsFd, side, objects.fd(parent), name, 0);
    if (result < 0) {
      calls.unlinkat(glusterfsFd, side, 0);
      objects.table.forget(slot);
      return result;
    }
    renameToHandle(objects, slot, side);
    return slot;
  }

  /** Another name for a non-directory. */
  link(slot: number, parent: number, name: number): number {
    const objects = this.#objects;
    if (objects.isDirectory(slot)) return -Errno.EPERM;
    if (objects.table.has(slot, KNOWN.unlinked)) return -Errno.ENOENT;
    const added = this.#links.add(slot, parent, name);
    if (added < 0 && added !== -Errno.EEXIST) return added;
    const { glusterfsFd } = objects.directory;
    const handle = objects.handle(slot, HANDLE);
    const result = calls.linkat(glusterfsFd, handle, objects.fd(parent), name, 0);
    if (result < 0 && added === 0) this.#links.remove(slot, parent, name);
    return objects.gone(slot, result);
  }

  /** A name for an object that has lost its last one, and that somebody has open. */
  linkUnlinked(slot: number, parent: number, name: number, open: OpenInode): number {
    const objects = this.#objects;
    const { glusterfsFd } = objects.directory;
    const side = unlinkedPath(objects.table.words, 4 * slot, SIDE);
    this.#links.add(slot, parent, name);
    const result = calls.linkat(glusterfsFd, side, objects.fd(parent), name, 0);
    if (result < 0) return result;
    objects.table.clear(slot, KNOWN.unlinked);
    objects.openFiles.markLinked(open);
    return renameToHandle(objects, slot, unlinkedPath(objects.table.words, 4 * slot, SIDE));
  }

  /**
   * `slot` -1: it has no gfid. The entry's attributes are at `stat`. `open`: somebody has it open.
   */
  unlink(
    parent: number, name: number, slot: number, stat: number, open: OpenInode | undefined,
  ): number {
    const objects = this.#objects;
    if (statx.kind(statAt(stat)) === S_IFDIR) return -Errno.EISDIR;
    const isLast = statx.nlink(statAt(stat)) <= 2;
    if (slot >= 0 && isLast) this.#parkHandle(slot, open);
    const result = calls.unlinkat(objects.fd(parent), name, 0);
    if (slot < 0) return result;
    if (result < 0) {
      if (isLast) this.#restoreHandle(slot, parent, name, open);
      return result;
    }
    if (isLast) this.#nameless(slot, open);
    // One that is open may get another name yet.
    if (!isLast || open !== undefined) this.#links.remove(slot, parent, name);
    return 0;
  }

  rmdir(parent: number, name: number, slot: number): number {
    const objects = this.#objects;
    const { glusterfsFd } = objects.directory;
    if (slot < 0) return calls.unlinkat(objects.fd(parent), name, AT_REMOVEDIR);
    const handle = objects.handle(slot, HANDLE);
    const side = landfillPath(objects.table.words, 4 * slot, SIDE);
    const moved = calls.renameat2(glusterfsFd, handle, glusterfsFd, side, 0);
    const result = calls.unlinkat(objects.fd(parent), name, AT_REMOVEDIR);
    if (result < 0) {
      if (moved === 0) calls.renameat2(glusterfsFd, side, glusterfsFd, handle, 0);
      return result;
    }
    if (moved === 0) calls.unlinkat(glusterfsFd, side, 0);
    objects.table.forget(slot);
    return 0;
  }

  /** A directory with all that is in it: its name goes at once, the rest is taken apart after. */
  removeTree(parent: number, name: number, slot: number): number {
    const objects = this.#objects;
    const { glusterfsFd } = objects.directory;
    const side = landfillPath(objects.table.words, 4 * slot, SIDE);
    const result = calls.renameat2(objects.fd(parent), name, glusterfsFd, side, 0);
    if (result < 0) return result;
    calls.unlinkat(glusterfsFd, objects.handle(slot, HANDLE), 0);
    objects.table.forget(slot);
    emptyLandfill();
    return 0;
  }

  /**
   * `target` -1: the new name is free; else its attributes are at RENAME_TARGET_STAT, and
   * `openTarget` tells who has it open.
   */
  rename(
    oldParent: number, oldName: number, newParent: number, newName: number, slot: number,
    target: number, openTarget: OpenInode | undefined,
  ): number {
    const objects = this.#objects;
    const isDirectory = objects.isDirectory(slot);
    const targetStat = statAt(NEW_STAT);
    const hasTarget = target >= 0;
    const targetIsDirectory = hasTarget && statx.kind(targetStat) === S_IFDIR;
    if (hasTarget && targetIsDirectory !== isDirectory) {
      return targetIsDirectory ? -Errno.EISDIR : -Errno.ENOTDIR;
    }
    const isLast = hasTarget && !targetIsDirectory && statx.nlink(targetStat) <= 2;
    const moved = targetIsDirectory ? this.#moveToLandfill(target) : false;
    if (isLast) this.#parkHandle(target, openTarget);
    const added = isDirectory ? 0 : this.#links.add(slot, newParent, newName);
    const result = calls.renameat2(
      objects.fd(oldParent), oldName, objects.fd(newParent), newName, 0,
    );
    if (result < 0) {
      if (moved) this.#moveFromLandfill(target);
      if (isLast) this.#restoreHandle(target, newParent, newName, openTarget);
      if (!isDirectory && added === 0) this.#links.remove(slot, newParent, newName);
      return result;
    }
    if (isDirectory) {
      replaceDirectoryHandle(objects, slot, newParent, newName);
      objects.table.set(slot, KNOWN.handle);
    } else {
      this.#links.remove(slot, oldParent, oldName);
    }
    if (isLast) this.#nameless(target, openTarget);
    if (hasTarget && !targetIsDirectory && (!isLast || openTarget !== undefined)) {
      this.#links.remove(target, newParent, newName);
    }
    if (targetIsDirectory) this.#forgetDirectory(target);
    return 0;
  }

  /** The last descriptor of an object without a name was closed. */
  removeUnlinked(inode: OpenInode): void {
    calls.unlinkat(
      this.#objects.directory.glusterfsFd, unlinkedPath(inode.words, 0, SIDE), 0,
    );
  }

  /** The handle goes first: without it, the name is found and given one; the reverse would leak. */
  #parkHandle(slot: number, open: OpenInode | undefined): void {
    const objects = this.#objects;
    const { glusterfsFd } = objects.directory;
    const handle = objects.handle(slot, HANDLE);
    if (open === undefined) {
      calls.unlinkat(glusterfsFd, handle, 0);
      return;
    }
    const side = unlinkedPath(open.words, 0, SIDE);
    calls.renameat2(glusterfsFd, handle, glusterfsFd, side, 0);
  }

  #restoreHandle(slot: number, parent: number, name: number, open: OpenInode | undefined): void {
    const objects = this.#objects;
    linkHandle(objects, slot, objects.fd(parent), name);
    if (open !== undefined) this.removeUnlinked(open);
  }

  #nameless(slot: number, open: OpenInode | undefined): void {
    const objects = this.#objects;
    if (open === undefined) {
      objects.table.forget(slot);
      return;
    }
    objects.openFiles.markUnlinked(open);
    objects.table.set(slot, KNOWN.unlinked);
  }

  #moveToLandfill(slot: number): boolean {
    const objects = this.#objects;
    const { glusterfsFd } = objects.directory;
    const side = landfillPath(objects.table.words, 4 * slot, SIDE);
    return calls.renameat2(glusterfsFd, objects.handle(slot, HANDLE), glusterfsFd, side, 0) === 0;
  }

  #moveFromLandfill(slot: number): void {
    const objects = this.#objects;
    const side = landfillPath(objects.table.words, 4 * slot, SIDE);
    renameToHandle(objects, slot, side);
  }

  #forgetDirectory(slot: number): void {
    const objects = this.#objects;
    const side = landfillPath(objects.table.words, 4 * slot, SIDE);
    calls.unlinkat(objects.directory.glusterfsFd, side, 0);
    objects.table.forget(slot);
  }
}

const EMPTY_PATH = addressAt(EMPTY);
export const RENAME_TARGET_STAT = NEW_STAT;
