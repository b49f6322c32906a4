/**
 * `trusted.glusterfs.mdata`: the times of an object by the clients' clocks, so that replicas agree.
 * 57 bytes, big-endian:
 *
 * | at | | |
 * |---|---|---|
 * | 0 | u8 | version, 1 |
 * | 1 | u64 | flags, 0 |
 * | 9 | i64, i64 | change: seconds, nanoseconds |
 * | 25 | i64, i64 | modification |
 * | 41 | i64, i64 | access |
 *
 * A credential tells which of them the request sets. They only go forward, since requests of
 * several clients may overtake each other; only utimes(2) sets modification and access back.
 */

/** Seconds as the nearest number. The names are those of the wire's mdata and iatt. */
export interface MdataTimes {
  ctime: number;
  ctimeNsec: number;
  mtime: number;
  mtimeNsec: number;
  atime: number;
  atimeNsec: number;
}

/** Bits of a credential's flags. */
export const MDATA_FLAG = {
  ctime: 0x1, mtime: 0x2, atime: 0x4, parentCtime: 0x8, parentMtime: 0x10,
} as const;

export const MDATA_BYTES = 57;
const VERSION = 1;
const CTIME_AT = 9;
const MTIME_AT = 25;
const ATIME_AT = 41;
const TWO_32 = 2 ** 32;
const NANOSECONDS_MAX = 999_999_999;

export function noTimes(): MdataTimes {
  return { ctime: 0, ctimeNsec: 0, mtime: 0, mtimeNsec: 0, atime: 0, atimeNsec: 0 };
}

/** False, and `target` as it was, when the bytes are no mdata of a version that is known. */
export function readMdata(view: DataView, at: number, length: number, target: MdataTimes): boolean {
  if (length !== MDATA_BYTES || view.byteLength - at < length) return false;
  if (view.getUint8(at) !== VERSION) return false;
  if (!hasNanoseconds(view, at + CTIME_AT) || !hasNanoseconds(view, at + MTIME_AT)
    || !hasNanoseconds(view, at + ATIME_AT)) return false;
  target.ctime = secondsAt(view, at + CTIME_AT);
  target.ctimeNsec = view.getUint32(at + CTIME_AT + 12);
  target.mtime = secondsAt(view, at + MTIME_AT);
  target.mtimeNsec = view.getUint32(at + MTIME_AT + 12);
  target.atime = secondsAt(view, at + ATIME_AT);
  target.atimeNsec = view.getUint32(at + ATIME_AT + 12);
  return true;
}

export function writeMdata(view: DataView, at: number, times: Readonly<MdataTimes>): void {
  view.setUint8(at, VERSION);
  view.setUint32(at + 1, 0);
  view.setUint32(at + 5, 0);
  setTime(view, at + CTIME_AT, times.ctime, times.ctimeNsec);
  setTime(view, at + MTIME_AT, times.mtime, times.mtimeNsec);
  setTime(view, at + ATIME_AT, times.atime, times.atimeNsec);
}

/** A new object, or the first request that sets a time of one without mdata: all three. */
export function startMdata(times: MdataTimes, seconds: number, nanoseconds: number): void {
  times.ctime = seconds;
  times.ctimeNsec = nanoseconds;
  times.mtime = seconds;
  times.mtimeNsec = nanoseconds;
  times.atime = seconds;
  times.atimeNsec = nanoseconds;
}

/** What the flags say of the parent, as flags of an object. */
export function parentFlags(flags: number): number {
  return (flags >> 3) & (MDATA_FLAG.ctime | MDATA_FLAG.mtime);
}

/** Set what the flags name, if that goes forward. True when anything changed. */
export function touchMdata(
  times: MdataTimes, flags: number, seconds: number, nanoseconds: number,
): boolean {
  let isChanged = false;
  if ((flags & MDATA_FLAG.ctime) !== 0
    && isAfter(seconds, nanoseconds, times.ctime, times.ctimeNsec)) {
    times.ctime = seconds;
    times.ctimeNsec = nanoseconds;
    isChanged = true;
  }
  if ((flags & MDATA_FLAG.mtime) !== 0
    && isAfter(seconds, nanoseconds, times.mtime, times.mtimeNsec)) {
    times.mtime = seconds;
    times.mtimeNsec = nanoseconds;
    isChanged = true;
  }
  if ((flags & MDATA_FLAG.atime) !== 0
    && isAfter(seconds, nanoseconds, times.atime, times.atimeNsec)) {
    times.atime = seconds;
    times.atimeNsec = nanoseconds;
    isChanged = true;
  }
  return isChanged;
}

/**
 * utimes(2): modification and access become what SETATTR's `valid` says (0x10 atime, 0x20 mtime);
 * change only goes forward. Stock does not create mdata for this where there is none.
 */
export function setUserTimes(
  times: MdataTimes, valid: number, user: Readonly<MdataTimes>, seconds: number,
  nanoseconds: number,
): void {
  if ((valid & 0x30) === 0) return;
  touchMdata(times, MDATA_FLAG.ctime, seconds, nanoseconds);
  if ((valid & 0x20) !== 0) {
    times.mtime = user.mtime;
    times.mtimeNsec = user.mtimeNsec;
  }
  if ((valid & 0x10) !== 0) {
    times.atime = user.atime;
    times.atimeNsec = user.atimeNsec;
  }
}

/** SETXATTR of `set-ctime-mdata`: each of the three becomes the later one. True when any did. */
export function mergeMdata(times: MdataTimes, other: Readonly<MdataTimes>): boolean {
  const ctime = touchMdata(times, MDATA_FLAG.ctime, other.ctime, other.ctimeNsec);
  const mtime = touchMdata(times, MDATA_FLAG.mtime, other.mtime, other.mtimeNsec);
  const atime = touchMdata(times, MDATA_FLAG.atime, other.atime, other.atimeNsec);
  return ctime || mtime || atime;
}

/** Attributes are answered with the stored times. An iatt will do as `target`. */
export function copyTimes(times: Readonly<MdataTimes>, target: MdataTimes): void {
  target.ctime = times.ctime;
  target.ctimeNsec = times.ctimeNsec;
  target.mtime = times.mtime;
  target.mtimeNsec = times.mtimeNsec;
  target.atime = times.atime;
  target.atimeNsec = times.atimeNsec;
}

function isAfter(
  seconds: number, nanoseconds: number, otherSeconds: number, otherNanoseconds: number,
): boolean {
  return seconds === otherSeconds ? nanoseconds > otherNanoseconds : seconds > otherSeconds;
}

function hasNanoseconds(view: DataView, at: number): boolean {
  return view.getUint32(at + 8) === 0 && view.getUint32(at + 12) <= NANOSECONDS_MAX;
}

function secondsAt(view: DataView, at: number): number {
  return view.getInt32(at) * TWO_32 + view.getUint32(at + 4);
}

function setTime(view: DataView, at: number, seconds: number, nanoseconds: number): void {
  const high = Math.floor(seconds / TWO_32);
  view.setInt32(at, high);
  view.setUint32(at + 4, seconds - high * TWO_32);
  view.setUint32(at + 8, 0);
  view.setUint32(at + 12, nanoseconds);
}
