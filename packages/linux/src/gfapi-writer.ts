/**
 * A client of a GlusterFS volume that writes: libgfapi, by path. What gfapi.ts reads of a snapshot is
 * put into the live volume with it.
 *
 * Every call waits for the volume's bricks: it belongs on a thread of its own. Failures are thrown
 * as LinuxError. No call follows a symbolic link at the end of a path; those before are the
 * caller's to check.
 */
import { createRequire } from "node:module";
import type { GfapiPlace, GfapiStat } from "./gfapi.ts";
import { openVolume, readStat, STAT_BYTES } from "./gfapi.ts";
import { lastErrno, LinuxError } from "./libc.ts";
import type { CFunction } from "./libc.ts";

const LIBRARY = "libgfapi.so.0";
const O_WRONLY = 0x1;
const O_EXCL = 0x80;
const EIO = 5;
const ENOENT = 2;

const calls = {
  end: "int glfs_fini(uintptr_t fs)",
  lstat: "int glfs_lstat(uintptr_t fs, const char *path, void *stat)",
  create: "uintptr_t glfs_creat(uintptr_t fs, const char *path, int flags, uint32_t mode)",
  write: "long glfs_pwrite(uintptr_t fd, void *bytes, size_t count, long offset, int flags, void *a, void *b)",
  truncate: "int glfs_ftruncate(uintptr_t fd, long length, void *a, void *b)",
  sync: "int glfs_fsync(uintptr_t fd, void *a, void *b)",
  close: "int glfs_close(uintptr_t fd)",
  openDirectory: "uintptr_t glfs_opendir(uintptr_t fs, const char *path)",
  closeDirectory: "int glfs_closedir(uintptr_t fd)",
  rename: "int glfs_rename(uintptr_t fs, const char *from, const char *to)",
  unlink: "int glfs_unlink(uintptr_t fs, const char *path)",
  mkdir: "int glfs_mkdir(uintptr_t fs, const char *path, uint32_t mode)",
  symlink: "int glfs_symlink(uintptr_t fs, const char *target, const char *path)",
  mknod: "int glfs_mknod(uintptr_t fs, const char *path, uint32_t mode, uint64_t device)",
  chown: "int glfs_lchown(uintptr_t fs, const char *path, uint32_t uid, uint32_t gid)",
  chmod: "int glfs_chmod(uintptr_t fs, const char *path, uint32_t mode)",
  setTimes: "int glfs_lutimens(uintptr_t fs, const char *path, void *times)",
  setXattr: "int glfs_lsetxattr(uintptr_t fs, const char *path, const char *name, void *value, size_t bytes, int flags)",
} as const;

type Calls = { readonly [Name in keyof typeof calls]: CFunction };

let bound: Calls | undefined;

function loaded(): Calls {
  if (bound !== undefined) return bound;
  const koffi = createRequire(import.meta.url)("koffi") as {
    load(path: string): { func(signature: string): CFunction };
  };
  const library = koffi.load(LIBRARY);
  bound = Object.fromEntries(
    Object.entries(calls).map(([name, signature]) => [name, library.func(signature)]),
  ) as Calls;
  return bound;
}

export class GfapiWriter {
  readonly #fs: number;
  readonly #api: Calls;

  /** Throws LinuxError, or Error when the library is not there. */
  constructor(place: GfapiPlace) {
    this.#fs = openVolume(place);
    this.#api = loaded();
  }

  close(): void {
    this.#api.end(this.#fs);
  }

  /** Undefined: there is no such thing. */
  lstat(path: string): GfapiStat | undefined {
    const view = new DataView(new ArrayBuffer(STAT_BYTES));
    if (this.#api.lstat(this.#fs, path, new Uint8Array(view.buffer)) === 0) return readStat(view);
    if (lastErrno() === ENOENT) return undefined;
    throw failure("lstat", path);
  }

  /** A new file for writing; refused when there is one. */
  create(path: string, mode: number): number {
    const fd = this.#api.create(this.#fs, path, O_WRONLY | O_EXCL, mode);
    if (fd === 0) throw failure("create", path);
    return fd;
  }

  /** All of it. */
  write(fd: number, bytes: Uint8Array, offset: number, path: string): void {
    let done = 0;
    while (done < bytes.length) {
      const rest = bytes.subarray(done);
      const wrote = this.#api.write(fd, rest, rest.length, offset + done, 0, null, null);
      if (wrote <= 0) throw failure("write", path);
      done += wrote;
    }
  }

  truncate(fd: number, lengthBytes: number, path: string): void {
    check(this.#api.truncate(fd, lengthBytes, null, null), "truncate", path);
  }

  /** On the bricks' disks when it returns. */
  sync(fd: number, path: string): void {
    check(this.#api.sync(fd, null, null), "fsync", path);
  }

  closeFile(fd: number, path: string): void {
    check(this.#api.close(fd), "close", path);
  }

  /** What was renamed or made in it stays after a power cut. */
  syncDirectory(path: string): void {
    const fd = this.#api.openDirectory(this.#fs, path);
    if (fd === 0) throw failure("opendir", path);
    const result = this.#api.sync(fd, null, null);
    const error = result < 0 ? failure("fsync", path) : undefined;
    this.#api.closeDirectory(fd);
    if (error !== undefined) throw error;
  }

  rename(from: string, to: string): void {
    check(this.#api.rename(this.#fs, from, to), "rename", to);
  }

  unlink(path: string): void {
    check(this.#api.unlink(this.#fs, path), "unlink", path);
  }

  mkdir(path: string, mode: number): void {
    check(this.#api.mkdir(this.#fs, path, mode), "mkdir", path);
  }

  symlink(target: string, path: string): void {
    check(this.#api.symlink(this.#fs, target, path), "symlink", path);
  }

  /** A named pipe, a socket, a device. */
  mknod(path: string, mode: number, major: number, minor: number): void {
    check(this.#api.mknod(this.#fs, path, mode, deviceOf(major, minor)), "mknod", path);
  }

  chown(path: string, uid: number, gid: number): void {
    check(this.#api.chown(this.#fs, path, uid, gid), "chown", path);
  }

  /** Not of a symbolic link, which has none. */
  chmod(path: string, mode: number): void {
    check(this.#api.chmod(this.#fs, path, mode), "chmod", path);
  }

  setTimes(path: string, { atime, atimeNsec, mtime, mtimeNsec }: GfapiStat): void {
    const times = BigInt64Array.of(
      BigInt(atime), BigInt(atimeNsec), BigInt(mtime), BigInt(mtimeNsec),
    );
    check(this.#api.setTimes(this.#fs, path, new Uint8Array(times.buffer)), "utimens", path);
  }

  setXattr(path: string, name: string, value: Uint8Array): void {
    const result = this.#api.setXattr(this.#fs, path, name, value, value.length, 0);
    check(result, `setxattr ${name}`, path);
  }
}

/** glibc's dev_t: 12 bits of the major and 8 of the minor number, the rest of both above. */
function deviceOf(major: number, minor: number): number {
  const [a, b] = [BigInt(major), BigInt(minor)];
  const high = ((a & 0xfffff000n) << 32n) | ((b & 0xffffff00n) << 12n);
  return Number(high | ((a & 0xfffn) << 8n) | (b & 0xffn));
}

function check(result: number, call: string, path: string): void {
  if (result < 0) throw failure(call, path);
}

function failure(call: string, path: string): LinuxError {
  const errno = lastErrno();
  return new LinuxError(call, path, errno === 0 ? EIO : errno);
}
