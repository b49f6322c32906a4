/** FUSE_INIT: what this server wants of what the kernel offers. */
import {
  Init,
  Init2,
  initIn,
  initOut,
  KERNEL_MAJOR,
  KERNEL_MINOR_MIN,
  OUR_MINOR,
} from "./layouts.ts";
import { PAGE_BYTES } from "./channel.ts";

/** What FUSE_INIT agreed. Plain JSON, for a later process that takes the conversation over. */
export interface Negotiated {
  readonly minor: number;
  readonly maxWriteBytes: number;
  /** The kernel sends the requests of a dead process again when asked (Linux 6.9). */
  readonly resends: boolean;
}

/** An old kernel sends no more: major, minor, read-ahead and the first word of flags. */
export const INIT_BYTES_MIN = 16;

/** ASYNC_DIO decides the speed: without it a loop device waits for each request before the next. */
const WANTED =
  Init.asyncRead |
  Init.bigWrites |
  Init.asyncDio |
  Init.parallelDirops |
  Init.maxPages |
  Init.initExt;
const UNUSED = new Uint8Array(0);

/** Read the offer at `inBase`, write the answer at `outBase`. Throws when the kernel is too old. */
export function negotiate(
  inView: DataView,
  inBase: number,
  hasSecondWord: boolean,
  outView: DataView,
  outBase: number,
  limits: { readonly maxWriteBytes: number; readonly maxBackground: number },
): Negotiated {
  const { field } = initIn;
  const major = field.major.get(inView, inBase);
  const minor = field.minor.get(inView, inBase);
  if (major !== KERNEL_MAJOR || minor < KERNEL_MINOR_MIN) {
    const needed = `7.${KERNEL_MINOR_MIN} (Linux 4.20) is needed`;
    throw new Error(`the kernel speaks FUSE ${major}.${minor}; ${needed}`);
  }
  const offered = field.flags.get(inView, inBase);
  const extended = hasSecondWord && (offered & Init.initExt) !== 0;
  const flags2 = (extended ? field.flags2.get(inView, inBase) : 0) & Init2.hasResend;
  const { maxWriteBytes, maxBackground } = limits;
  initOut.encode(outView, outBase, {
    major: KERNEL_MAJOR,
    minor: OUR_MINOR,
    maxReadahead: field.maxReadahead.get(inView, inBase),
    flags: (offered & WANTED) >>> 0,
    maxBackground,
    congestionThreshold: Math.floor((maxBackground * 3) / 4),
    maxWrite: maxWriteBytes,
    timeGranularity: 1,
    maxPages: maxWriteBytes / PAGE_BYTES,
    mapAlignment: 0,
    flags2,
    maxStackDepth: 0,
    requestTimeout: 0,
    unused: UNUSED,
  });
  return { minor: Math.min(minor, OUR_MINOR), maxWriteBytes, resends: flags2 !== 0 };
}
