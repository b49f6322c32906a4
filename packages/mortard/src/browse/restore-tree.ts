/**
 * Copies a file or a directory of a snapshot into the live volume.
 *
 * A file is written under a name of its own beside where it belongs, is made like the one of the
 * snapshot (attributes, ACLs, owner, mode, times), is put on the disks, and then gets its name: who
 * looks sees the one of before or the one that is brought back, nothing in between. A directory that
 * is there stays, with what else is in it; its owner, mode and times become those of the snapshot.
 * Hard links become files of their own. Nothing is replaced by something of another kind.
 *
 * Directories on the way to the target must be there, and be directories: a symbolic link among
 * them is refused, so that nothing is written where the path does not say.
 */
import { type GfapiEntry, type GfapiStat, type GfapiVolume, type GfapiWriter, LinuxError } from "@mortar/linux";
import { Errno } from "../snapd/fop-error.ts";
import { BrowseError } from "./browse-error.ts";
import type { FileKind, FileRestored } from "./browse-messages.ts";
import { namesOf } from "./browse-path.ts";
import { kindOf } from "./snapshot-reader.ts";

type Source = Pick<
  GfapiVolume,
  "stat" | "lookup" | "read" | "readlink" | "getXattr" | "openDirectory" | "list" | "closeDirectory"
>;
type Target = Pick<
  GfapiWriter,
  | "lstat" | "create" | "write" | "truncate" | "sync" | "closeFile" | "syncDirectory" | "rename"
  | "unlink" | "mkdir" | "symlink" | "mknod" | "chown" | "chmod" | "setTimes" | "setXattr"
>;

export interface RestoreTreeOptions {
  readonly source: Source;
  readonly target: Target;
  readonly gfid: Uint8Array;
  /** `/a/b` */
  readonly to: string;
  readonly replace: boolean;
  readonly dryRun: boolean;
  /** Names of files that are not finished end with it. */
  readonly mark: string;
}

const CHUNK_BYTES = 1024 * 1024;
const BATCH = 256;
const DEPTH_MAX = 512;
const SKIPPED_MAX = 100;
const S_IFSOCK = 0o140000;
const S_IFMT = 0o170000;
const EEXIST = 17;
/** Those of a client; the rest is the bricks' own. */
export const KEPT_XATTR = /^(user\.|security\.(?!selinux)|system\.posix_acl_(access|default)$)/;
const decoder = new TextDecoder("utf-8", { fatal: true });
const zeros = new Uint8Array(CHUNK_BYTES);

/** Throws BrowseError and LinuxError. */
export function restoreTree(options: RestoreTreeOptions): FileRestored {
  const { to, target, dryRun } = options;
  const names = namesOf(to);
  if (names.length > 0) requireDirectories(target, names.slice(0, -1));
  const clean = `/${names.join("/")}`;
  const done: FileRestored = {
    target: clean, files: 0, directories: 0, links: 0, bytes: 0, replaced: 0, skipped: [],
  };
  copy(options, { gfid: options.gfid, path: clean, depth: 0 }, done);
  if (!dryRun && names.length > 0) target.syncDirectory(parentOf(clean));
  return done;
}

interface At {
  readonly gfid: Uint8Array;
  readonly path: string;
  readonly depth: number;
}

function copy(options: RestoreTreeOptions, at: At, done: FileRestored): void {
  const stat = options.source.stat(at.gfid);
  const kind = kindOf(stat);
  const present = options.target.lstat(at.path);
  if (present !== undefined) checkPresent(options, at.path, kind, kindOf(present));
  if (kind === "directory") copyDirectory(options, at, stat, present !== undefined, done);
  else copyOther(options, at, stat, kind, present !== undefined, done);
}

function checkPresent(
  { replace }: RestoreTreeOptions, path: string, kind: FileKind, present: FileKind,
): void {
  if (kind !== present) {
    const message = `${path} is a ${present} in the volume and a ${kind} in the snapshot: ` +
      "rename one of them, or restore to another path";
    throw new BrowseError(EEXIST, message);
  }
  if (kind === "directory" || replace) return;
  const message = `${path} is in the volume: allow it to be replaced, or restore to another path`;
  throw new BrowseError(EEXIST, message);
}

function copyDirectory(
  options: RestoreTreeOptions, at: At, stat: GfapiStat, isPresent: boolean, done: FileRestored,
): void {
  const { source, target, dryRun } = options;
  if (at.depth > DEPTH_MAX) throw new BrowseError(Errno.EINVAL, `${at.path} is too deep`);
  done.directories += 1;
  if (!isPresent && !dryRun) target.mkdir(at.path, 0o700);
  for (const { name, gfid } of childrenOf(source, at.gfid, at.path, done)) {
    const path = at.path === "/" ? `/${name}` : `${at.path}/${name}`;
    copy(options, { gfid, path, depth: at.depth + 1 }, done);
  }
  if (dryRun) return;
  liken(options, at, stat, at.path);
  target.syncDirectory(at.path);
}

function childrenOf(
  source: Source, gfid: Uint8Array, path: string, done: FileRestored,
): { name: string; gfid: Uint8Array }[] {
  const fd = source.openDirectory(gfid);
  try {
    const children: { name: string; gfid: Uint8Array }[] = [];
    for (;;) {
      const batch = source.list(fd, BATCH);
      for (const entry of batch) {
        const name = nameOf(entry);
        if (name === undefined) skip(done, `${path}: a name that is no UTF-8 is left out`);
        else if (name !== "." && name !== "..") {
          const found = entry.found ?? source.lookup(gfid, entry.name);
          children.push({ name, gfid: found.gfid });
        }
      }
      if (batch.length < BATCH) return children;
    }
  } finally {
    source.closeDirectory(fd);
  }
}

/** Undefined: a call by path could not name it. */
function nameOf({ name }: GfapiEntry): string | undefined {
  try {
    return decoder.decode(name);
  } catch {
    return undefined;
  }
}

function copyOther(
  options: RestoreTreeOptions, at: At, stat: GfapiStat, kind: FileKind, isPresent: boolean,
  done: FileRestored,
): void {
  const { target, dryRun } = options;
  if ((stat.mode & S_IFMT) === S_IFSOCK) {
    skip(done, `${at.path}: a socket is nothing without its process`);
    return;
  }
  if (kind === "link") done.links += 1;
  else done.files += 1;
  if (kind === "file") done.bytes += stat.size;
  if (isPresent) done.replaced += 1;
  if (dryRun) return;
  const temporary = `${parentOf(at.path).replace(/\/$/, "")}/.mortar-restore-${options.mark}`;
  try {
    makeLike(options, at, stat, kind, temporary);
    target.rename(temporary, at.path);
  } catch (error) {
    removeQuietly(target, temporary);
    throw error;
  }
}

function makeLike(
  options: RestoreTreeOptions, at: At, stat: GfapiStat, kind: FileKind, temporary: string,
): void {
  const { source, target } = options;
  if (kind === "link") {
    target.symlink(decoder.decode(source.readlink(at.gfid)), temporary);
    target.chown(temporary, stat.uid, stat.gid);
    target.setTimes(temporary, stat);
    return;
  }
  if (kind === "other") {
    target.mknod(temporary, stat.mode, stat.rdevMajor, stat.rdevMinor);
    liken(options, at, stat, temporary);
    return;
  }
  const fd = target.create(temporary, 0o600);
  try {
    copyBytes(options, at, stat.size, fd, temporary);
    liken(options, at, stat, temporary);
    target.sync(fd, temporary);
  } finally {
    target.closeFile(fd, temporary);
  }
}

/** Holes, and what is as good as one, stay holes. */
function copyBytes(
  { source, target }: RestoreTreeOptions, { gfid, path }: At, sizeBytes: number, fd: number,
  temporary: string,
): void {
  for (let offset = 0; offset < sizeBytes; ) {
    const bytes = source.read(gfid, offset, Math.min(CHUNK_BYTES, sizeBytes - offset));
    if (bytes.length === 0) throw new BrowseError(Errno.EIO, `${path} ends before its size`);
    const isZero = Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;
    if (!isZero) target.write(fd, bytes, offset, temporary);
    offset += bytes.length;
  }
  target.truncate(fd, sizeBytes, temporary);
}

/** The owner comes before the mode, since a change of owner takes set-id bits away; times last. */
function liken(options: RestoreTreeOptions, at: At, stat: GfapiStat, path: string): void {
  const { source, target } = options;
  target.chown(path, stat.uid, stat.gid);
  target.chmod(path, stat.mode & 0o7777);
  for (const name of xattrsOf(source, at.gfid)) {
    target.setXattr(path, name, source.getXattr(at.gfid, name));
  }
  target.setTimes(path, stat);
}

function xattrsOf(source: Source, gfid: Uint8Array): string[] {
  try {
    const names = Buffer.from(source.getXattr(gfid, undefined)).toString("latin1").split("\0");
    return names.filter((name) => KEPT_XATTR.test(name));
  } catch (error) {
    const isNone = error instanceof LinuxError &&
      (error.errno === Errno.ENODATA || error.errno === Errno.EOPNOTSUPP);
    if (isNone) return [];
    throw error;
  }
}

function requireDirectories(target: Target, names: readonly string[]): void {
  let path = "";
  for (const name of names) {
    path += `/${name}`;
    const stat = target.lstat(path);
    if (stat === undefined) {
      throw new BrowseError(Errno.ENOENT, `${path} is not in the volume: make it, or restore it first`);
    }
    if (kindOf(stat) !== "directory") {
      throw new BrowseError(Errno.ENOTDIR, `${path} is no directory of the volume`);
    }
  }
}

function removeQuietly(target: Target, path: string): void {
  try {
    target.unlink(path);
  } catch {
    // It was not made; or the volume is away, which is what is told.
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

function skip(done: FileRestored, text: string): void {
  if (done.skipped.length < SKIPPED_MAX) done.skipped.push(text);
}
