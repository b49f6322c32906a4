/**
 * The calls that work on a tree of files: descriptors and addresses are numbers, a path is the
 * address of bytes that end with NUL, results are numbers or a negated errno. Nothing is allocated,
 * nothing throws. The caller answers for the addresses.
 */
import { constants } from "node:fs";
import { bind } from "./libc.ts";
import {
  result1, result2, result3, result4, result5, result6,
} from "./call-result.ts";
import type { Call1, Call2, Call3, Call4, Call5, Call6 } from "./call-result.ts";

export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EMPTY_PATH = 0x1000;
export const RENAME_NOREPLACE = 1;
export const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
export const O_PATH = 0o10000000;
export const O_CLOEXEC = 0o2000000;
/** Basic members and the birth time. */
export const STATX_ALL = 0xfff;
export const UTIME_NOW = 0x3fffffff;
export const UTIME_OMIT = 0x3ffffffe;

export interface TreeCalls {
  openat(dirFd: number, path: number, flags: number, mode: number): number;
  /** `how` is the address of a struct open_how of 24 bytes. */
  openat2(dirFd: number, path: number, how: number): number;
  close: Call1;
  statx(dirFd: number, path: number, flags: number, mask: number, buffer: number): number;
  linkat: Call5;
  renameat2(
    oldDirFd: number, oldPath: number, newDirFd: number, newPath: number, flags: number,
  ): number;
  mkdirat: Call3;
  mknodat: Call4;
  symlinkat(target: number, dirFd: number, path: number): number;
  unlinkat: Call3;
  readlinkat(dirFd: number, path: number, buffer: number, length: number): number;
  fchownat(dirFd: number, path: number, uid: number, gid: number, flags: number): number;
  fchmodat(dirFd: number, path: number, mode: number, flags: number): number;
  fchmod: Call2;
  fchown: Call3;
  /** `times` is the address of two struct timespec: access, modification. */
  utimensat(dirFd: number, path: number, times: number, flags: number): number;
  futimens: Call2;
  fchdir: Call1;
  getdents(fd: number, buffer: number, length: number): number;
  ftruncate: Call2;
  lseek: Call3;
  fsync: Call1;
  syncfs: Call1;
  fstatfs: Call2;
  copyFileRange: Call6;
  /** Paths are relative to the working directory; a symbolic link is not followed. */
  lgetxattr: Call4;
  lsetxattr: Call5;
  llistxattr: Call3;
  lremovexattr: Call2;
  fgetxattr: Call4;
  fsetxattr: Call5;
  flistxattr: Call3;
  fremovexattr: Call2;
}

const OPENAT2 = 437;
const HOW_BYTES = 24;

let bound: TreeCalls | undefined;

export function treeCalls(): TreeCalls {
  bound ??= { ...nameCalls(), ...descriptorCalls(), ...xattrCalls() };
  return bound;
}

type NameCalls = Pick<
  TreeCalls,
  | "openat" | "openat2" | "statx" | "linkat" | "renameat2" | "mkdirat" | "mknodat" | "symlinkat"
  | "unlinkat" | "readlinkat" | "fchownat" | "fchmodat" | "utimensat"
>;

function nameCalls(): NameCalls {
  const openat2 = result5(
    bind("int64_t syscall(int64_t number, int64_t dir, uintptr_t path, uintptr_t how, size_t size)"),
  );
  return {
    openat: result4(bind("int openat64(int dir, uintptr_t path, int flags, uint mode)")),
    openat2: (dirFd, path, how) => openat2(OPENAT2, dirFd, path, how, HOW_BYTES),
    statx: result5(
      bind("int statx(int dir, uintptr_t path, int flags, uint mask, uintptr_t buffer)"),
    ),
    linkat: result5(
      bind("int linkat(int oldDir, uintptr_t oldPath, int newDir, uintptr_t newPath, int flags)"),
    ),
    renameat2: result5(
      bind("int renameat2(int oldDir, uintptr_t old, int newDir, uintptr_t new, uint flags)"),
    ),
    mkdirat: result3(bind("int mkdirat(int dir, uintptr_t path, uint mode)")),
    mknodat: result4(bind("int mknodat(int dir, uintptr_t path, uint mode, uint64_t device)")),
    symlinkat: result3(bind("int symlinkat(uintptr_t target, int dir, uintptr_t path)")),
    unlinkat: result3(bind("int unlinkat(int dir, uintptr_t path, int flags)")),
    readlinkat: result4(
      bind("int64_t readlinkat(int dir, uintptr_t path, uintptr_t buffer, size_t length)"),
    ),
    fchownat: result5(bind("int fchownat(int dir, uintptr_t path, uint uid, uint gid, int flags)")),
    fchmodat: result4(bind("int fchmodat(int dir, uintptr_t path, uint mode, int flags)")),
    utimensat: result4(bind("int utimensat(int dir, uintptr_t path, uintptr_t times, int flags)")),
  };
}

/** koffi gives a BigInt where a number is not exact: places of 2^53 and more. */
function asNumber(call: Call3): Call3 {
  return (a, b, c) => {
    const place: number | bigint = call(a, b, c);
    return typeof place === "number" ? place : Number(place);
  };
}

type DescriptorCalls = Pick<
  TreeCalls,
  | "close" | "fchmod" | "fchown" | "futimens" | "fchdir" | "getdents" | "ftruncate" | "lseek"
  | "fsync" | "syncfs" | "fstatfs" | "copyFileRange"
>;

function descriptorCalls(): DescriptorCalls {
  return {
    close: result1(bind("int close(int fd)")),
    fchmod: result2(bind("int fchmod(int fd, uint mode)")),
    fchown: result3(bind("int fchown(int fd, uint uid, uint gid)")),
    futimens: result2(bind("int futimens(int fd, uintptr_t times)")),
    fchdir: result1(bind("int fchdir(int fd)")),
    getdents: result3(bind("int64_t getdents64(int fd, uintptr_t buffer, size_t length)")),
    ftruncate: result2(bind("int ftruncate64(int fd, int64_t length)")),
    lseek: asNumber(result3(bind("int64_t lseek64(int fd, int64_t offset, int whence)"))),
    fsync: result1(bind("int fsync(int fd)")),
    syncfs: result1(bind("int syncfs(int fd)")),
    fstatfs: result2(bind("int fstatfs64(int fd, uintptr_t buffer)")),
    copyFileRange: result6(
      bind(
        "int64_t copy_file_range(int in, uintptr_t inOffset, int out, uintptr_t outOffset, " +
          "size_t length, uint flags)",
      ),
    ),
  };
}

type XattrCalls = Pick<
  TreeCalls,
  | "lgetxattr" | "lsetxattr" | "llistxattr" | "lremovexattr"
  | "fgetxattr" | "fsetxattr" | "flistxattr" | "fremovexattr"
>;

function xattrCalls(): XattrCalls {
  const get = "uintptr_t name, uintptr_t value, size_t size";
  const set = `${get}, int flags`;
  return {
    lgetxattr: result4(bind(`int64_t lgetxattr(uintptr_t path, ${get})`)),
    lsetxattr: result5(bind(`int lsetxattr(uintptr_t path, ${set})`)),
    llistxattr: result3(bind("int64_t llistxattr(uintptr_t path, uintptr_t list, size_t size)")),
    lremovexattr: result2(bind("int lremovexattr(uintptr_t path, uintptr_t name)")),
    fgetxattr: result4(bind(`int64_t fgetxattr(int fd, ${get})`)),
    fsetxattr: result5(bind(`int fsetxattr(int fd, ${set})`)),
    flistxattr: result3(bind("int64_t flistxattr(int fd, uintptr_t list, size_t size)")),
    fremovexattr: result2(bind("int fremovexattr(int fd, uintptr_t name)")),
  };
}

const SEEK_SET = 0;
const EXACT_HIGH = 0x1f_ffff;

/**
 * Go to a place of 64 bits: cookies of ext4 use them all. 0, or a negated errno. Only those that a
 * number cannot carry cost a BigInt.
 */
export function seekExact(fd: number, high: number, low: number): number {
  const { lseek } = treeCalls();
  if (high <= EXACT_HIGH) return Math.min(lseek(fd, high * 2 ** 32 + low, SEEK_SET), 0);
  const wide = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
  return Math.min((lseek as unknown as WideSeek)(fd, wide, SEEK_SET), 0);
}

/** koffi takes a BigInt wherever it takes a number of 64 bits. */
type WideSeek = (fd: number, offset: bigint, whence: number) => number;
