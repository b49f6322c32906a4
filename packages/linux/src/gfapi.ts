/**
 * A client of a GlusterFS volume in this process: libgfapi, the library of stock GlusterFS, loaded
 * when first used. Objects are named by their gfid, as on the wire; everything is read-only.
 *
 * Every call waits for the volume's bricks: it belongs on a thread of its own. Failures are thrown
 * as LinuxError.
 *
 * Structures of the C library that are read here, offsets in bytes (64-bit Linux):
 *
 *     struct stat    8 ino, x86-64: 16 nlink (u64), 24 mode, 28 uid, 32 gid, 40 rdev
 *                    arm64: 16 mode, 20 nlink, 24 uid, 28 gid, 32 rdev
 *                    both: 48 size, 56 blksize, 64 blocks, 72 atime, 88 mtime, 104 ctime
 *     struct dirent  18 type, 19 name
 *     struct statvfs 0 bsize, 8 frsize, 16 blocks, 24 bfree, 32 bavail, 40 files, 48 ffree
 */
import { createRequire } from "node:module";
import { lastErrno, LinuxError } from "./libc.ts";
import type { CFunction } from "./libc.ts";

const LIBRARY = "libgfapi.so.0";
export const STAT_BYTES = 144;
const STATVFS_BYTES = 112;
const DIRENT_BYTES = 280;
const NAME_AT = 19;
const GFID_BYTES = 16;
const VALUE_BYTES_MAX = 65_536;
const WITH_STAT = 1;
const WITH_HANDLE = 2;
const O_RDONLY = 0;
const ENOENT = 2;
const EIO = 5;
/** Objects and open files kept for the next use. */
const OBJECTS_MAX = 8192;
const FILES_MAX = 256;

export interface GfapiStat {
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly size: number;
  readonly blksize: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly atime: number;
  readonly atimeNsec: number;
  readonly mtime: number;
  readonly mtimeNsec: number;
  readonly ctime: number;
  readonly ctimeNsec: number;
}

export interface GfapiEntry {
  readonly name: Uint8Array;
  /** DT_ number. */
  readonly type: number;
  /** Absent: to be looked up. */
  readonly found?: { readonly gfid: Uint8Array; readonly stat: GfapiStat };
}

export interface GfapiPlace {
  /** Or "/snaps/SNAPSHOT/VOLUME". */
  readonly volume: string;
  readonly server: string;
  readonly port: number;
  readonly logFile: string;
}

export interface GfapiUsage {
  readonly bsize: number;
  readonly frsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

const calls = {
  create: "uintptr_t glfs_new(const char *volume)",
  setServer: "int glfs_set_volfile_server(uintptr_t fs, const char *kind, const char *host, int port)",
  setLogging: "int glfs_set_logging(uintptr_t fs, const char *file, int level)",
  init: "int glfs_init(uintptr_t fs)",
  end: "int glfs_fini(uintptr_t fs)",
  lookup: "uintptr_t glfs_h_lookupat(uintptr_t fs, uintptr_t parent, void *name, void *stat, int follow)",
  find: "uintptr_t glfs_h_create_from_handle(uintptr_t fs, void *handle, int bytes, void *stat)",
  gfid: "long glfs_h_extract_handle(uintptr_t object, void *handle, int bytes)",
  forget: "int glfs_h_close(uintptr_t object)",
  stat: "int glfs_h_stat(uintptr_t fs, uintptr_t object, void *stat)",
  readlink: "int glfs_h_readlink(uintptr_t fs, uintptr_t object, void *target, size_t bytes)",
  getXattr: "int glfs_h_getxattrs(uintptr_t fs, uintptr_t object, const char *name, void *value, size_t bytes)",
  open: "uintptr_t glfs_h_open(uintptr_t fs, uintptr_t object, int flags)",
  close: "int glfs_close(uintptr_t fd)",
  read: "long glfs_pread(uintptr_t fd, void *target, size_t bytes, long offset, int flags, void *stat)",
  openDirectory: "uintptr_t glfs_h_opendir(uintptr_t fs, uintptr_t object)",
  closeDirectory: "int glfs_closedir(uintptr_t fd)",
  seekDirectory: "void glfs_seekdir(uintptr_t fd, long offset)",
  list: "int glfs_xreaddirplus_r(uintptr_t fd, uint32_t flags, void *xstat, void *entry, void *result)",
  entryStat: "uintptr_t glfs_xreaddirplus_get_stat(uintptr_t xstat)",
  entryObject: "uintptr_t glfs_xreaddirplus_get_object(uintptr_t xstat)",
  free: "void glfs_free(uintptr_t xstat)",
  usage: "int glfs_statvfs(uintptr_t fs, const char *path, void *usage)",
} as const;

type Gfapi = { readonly [Name in keyof typeof calls]: CFunction } & { readonly copy: CFunction };

let gfapi: Gfapi | undefined;

function loaded(): Gfapi {
  if (gfapi !== undefined) return gfapi;
  const koffi = createRequire(import.meta.url)("koffi") as {
    load(path: string): { func(signature: string): CFunction };
  };
  let library: ReturnType<typeof koffi.load>;
  try {
    library = koffi.load(LIBRARY);
  } catch (error) {
    throw new Error(`${LIBRARY} cannot be loaded. Install it: apt-get install libgfapi0`, {
      cause: error,
    });
  }
  const bound = Object.fromEntries(
    Object.entries(calls).map(([name, signature]) => [name, library.func(signature)]),
  );
  const copy = koffi.load("libc.so.6").func("void *memcpy(void *to, uintptr_t from, size_t bytes)");
  gfapi = { ...bound, copy } as Gfapi;
  return gfapi;
}

/** Throws Error when the library is not there; says which package has it. */
export function requireGfapi(): void {
  loaded();
}

/** The library's client of the volume; to be ended by `glfs_fini`. Throws LinuxError. */
export function openVolume({ volume, server, port, logFile }: GfapiPlace): number {
  const { create, setServer, setLogging, init, end } = loaded();
  const fs = create(volume);
  if (fs === 0) throw new LinuxError("glfs_new", volume, lastErrno() || EIO);
  const ready =
    setServer(fs, "tcp", server, port) === 0 &&
    setLogging(fs, logFile, LOG_WARNING) === 0 &&
    init(fs) === 0;
  if (ready) return fs;
  const failure = new LinuxError("glfs_init", volume, lastErrno() || EIO);
  end(fs);
  throw failure;
}

export class GfapiVolume {
  readonly #api = loaded();
  readonly #name: string;
  readonly #fs: number;
  /** By gfid in hexadecimal, least recently used first. */
  readonly #objects = new Map<string, number>();
  readonly #files = new Map<string, number>();
  readonly #stat = new DataView(new ArrayBuffer(STAT_BYTES));

  /** Throws LinuxError. */
  constructor(place: GfapiPlace) {
    this.#name = place.volume;
    this.#fs = openVolume(place);
  }

  close(): void {
    for (const fd of this.#files.values()) this.#api.close(fd);
    for (const object of this.#objects.values()) this.#api.forget(object);
    this.#files.clear();
    this.#objects.clear();
    this.#api.end(this.#fs);
  }

  lookup(parent: Uint8Array, name: Uint8Array): { gfid: Uint8Array; stat: GfapiStat } {
    const { lookup, gfid: extract } = this.#api;
    const object = lookup(this.#fs, this.#object(parent), terminated(name), this.#statBytes, 0);
    if (object === 0) throw this.#failure("lookup");
    const gfid = new Uint8Array(GFID_BYTES);
    extract(object, gfid, GFID_BYTES);
    this.#keep(hexOf(gfid), object);
    return { gfid, stat: readStat(this.#stat) };
  }

  stat(gfid: Uint8Array): GfapiStat {
    this.#check("stat", this.#api.stat(this.#fs, this.#object(gfid), this.#statBytes));
    return readStat(this.#stat);
  }

  readlink(gfid: Uint8Array): Uint8Array {
    const target = new Uint8Array(4096);
    const { readlink } = this.#api;
    const length = readlink(this.#fs, this.#object(gfid), target, target.length);
    return target.slice(0, this.#check("readlink", length));
  }

  /** The value, or without a name the names, each with its NUL. */
  getXattr(gfid: Uint8Array, name: string | undefined): Uint8Array {
    const value = new Uint8Array(VALUE_BYTES_MAX);
    const { getXattr } = this.#api;
    const length = getXattr(this.#fs, this.#object(gfid), name ?? null, value, value.length);
    return value.slice(0, this.#check("getxattr", length));
  }

  read(gfid: Uint8Array, offset: number, sizeBytes: number): Uint8Array {
    const target = new Uint8Array(sizeBytes);
    const { read } = this.#api;
    const length = read(this.#file(gfid), target, sizeBytes, offset, 0, null);
    return target.subarray(0, this.#check("read", length));
  }

  usage(): GfapiUsage {
    const bytes = new Uint8Array(STATVFS_BYTES);
    this.#check("statvfs", this.#api.usage(this.#fs, "/", bytes));
    const view = new DataView(bytes.buffer);
    const at = (index: number): number => Number(view.getBigUint64(8 * index, true));
    return {
      bsize: at(0), frsize: at(1), blocks: at(2), bfree: at(3), bavail: at(4), files: at(5),
      ffree: at(6),
    };
  }

  /** A number for `list`, `rewind`, `closeDirectory`. */
  openDirectory(gfid: Uint8Array): number {
    const fd = this.#api.openDirectory(this.#fs, this.#object(gfid));
    if (fd === 0) throw this.#failure("opendir");
    return fd;
  }

  closeDirectory(fd: number): void {
    this.#api.closeDirectory(fd);
  }

  rewind(fd: number): void {
    this.#api.seekDirectory(fd, 0);
  }

  /** The next entries; fewer than `countMax` only at the end. */
  list(fd: number, countMax: number): GfapiEntry[] {
    const entries: GfapiEntry[] = [];
    const pointer = new DataView(new ArrayBuffer(16));
    const words = new Uint8Array(pointer.buffer);
    const entry = new Uint8Array(DIRENT_BYTES);
    while (entries.length < countMax) {
      pointer.setBigUint64(0, 0n, true);
      const has = this.#api.list(
        fd, WITH_STAT | WITH_HANDLE, words.subarray(0, 8), entry, words.subarray(8),
      );
      this.#check("readdirp", has);
      const xstat = Number(pointer.getBigUint64(0, true));
      const isEnd = pointer.getBigUint64(8, true) === 0n;
      const found = isEnd ? undefined : this.#found(xstat, has);
      if (xstat !== 0) this.#api.free(xstat);
      if (isEnd) break;
      const end = entry.indexOf(0, NAME_AT);
      const name = entry.slice(NAME_AT, end < 0 ? entry.length : end);
      entries.push({ name, type: entry[18]!, ...(found === undefined ? {} : { found }) });
    }
    return entries;
  }

  #found(xstat: number, has: number): GfapiEntry["found"] | undefined {
    if (xstat === 0 || has !== (WITH_STAT | WITH_HANDLE)) return undefined;
    const stat = this.#api.entryStat(xstat);
    const object = this.#api.entryObject(xstat);
    if (stat === 0 || object === 0) return undefined;
    const gfid = new Uint8Array(GFID_BYTES);
    this.#api.gfid(object, gfid, GFID_BYTES);
    this.#api.copy(this.#statBytes, stat, STAT_BYTES);
    return { gfid, stat: readStat(this.#stat) };
  }

  get #statBytes(): Uint8Array {
    return new Uint8Array(this.#stat.buffer);
  }

  #object(gfid: Uint8Array): number {
    const key = hexOf(gfid);
    const known = this.#objects.get(key);
    if (known !== undefined) {
      this.#objects.delete(key);
      this.#objects.set(key, known);
      return known;
    }
    const { lookup, find } = this.#api;
    const isRoot = key === ROOT;
    const object = isRoot
      ? lookup(this.#fs, 0, terminated(SLASH), this.#statBytes, 0)
      : find(this.#fs, Uint8Array.from(gfid), GFID_BYTES, this.#statBytes);
    if (object === 0) throw this.#failure("find by gfid");
    this.#keep(key, object);
    return object;
  }

  #keep(key: string, object: number): void {
    const former = this.#objects.get(key);
    if (former !== undefined) this.#api.forget(former);
    this.#objects.delete(key);
    this.#objects.set(key, object);
    if (this.#objects.size <= OBJECTS_MAX) return;
    const [oldest, address] = this.#objects.entries().next().value!;
    this.#objects.delete(oldest);
    this.#api.forget(address);
  }

  #file(gfid: Uint8Array): number {
    const key = hexOf(gfid);
    const known = this.#files.get(key);
    if (known !== undefined) {
      this.#files.delete(key);
      this.#files.set(key, known);
      return known;
    }
    const fd = this.#api.open(this.#fs, this.#object(gfid), O_RDONLY);
    if (fd === 0) throw this.#failure("open");
    this.#files.set(key, fd);
    if (this.#files.size > FILES_MAX) {
      const [oldest, former] = this.#files.entries().next().value!;
      this.#files.delete(oldest);
      this.#api.close(former);
    }
    return fd;
  }

  #check(call: string, result: number): number {
    if (result < 0) throw this.#failure(call);
    return result;
  }

  #failure(call: string): LinuxError {
    const errno = lastErrno();
    // A pointer that is nothing with no number behind it: the library found no such thing.
    return new LinuxError(call, this.#name, errno === 0 ? (call === "lookup" ? ENOENT : EIO) : errno);
  }
}

const LOG_WARNING = 5;
const ROOT = `${"0".repeat(31)}1`;
const SLASH = Uint8Array.of(0x2f);

function terminated(name: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(name.length + 1);
  bytes.set(name);
  return bytes;
}

function hexOf(gfid: Uint8Array): string {
  return Buffer.from(gfid.buffer, gfid.byteOffset, gfid.length).toString("hex");
}

const isX64 = process.arch === "x64";

export function readStat(view: DataView): GfapiStat {
  const u32 = (at: number): number => view.getUint32(at, true);
  const u64 = (at: number): number => Number(view.getBigUint64(at, true));
  const i64 = (at: number): number => Number(view.getBigInt64(at, true));
  // glibc: 12 bits of the major and 8 of the minor number, the rest of both in the upper half.
  const low = u32(isX64 ? 40 : 32);
  const high = u32(isX64 ? 44 : 36);
  return {
    mode: u32(isX64 ? 24 : 16),
    nlink: isX64 ? u64(16) : u32(20),
    uid: u32(isX64 ? 28 : 24),
    gid: u32(isX64 ? 32 : 28),
    rdevMajor: ((low >>> 8) & 0xfff) | (high & 0xfffff000),
    rdevMinor: (low & 0xff) | ((low >>> 12) & 0xffffff00),
    size: u64(48),
    blksize: u32(56),
    blocks: u64(64),
    atime: i64(72),
    atimeNsec: u32(80),
    mtime: i64(88),
    mtimeNsec: u32(96),
    ctime: i64(104),
    ctimeNsec: u32(112),
  };
}
