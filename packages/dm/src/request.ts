/**
 * What goes through an ioctl of /dev/mapper/control, both ways: one piece of memory that begins
 * with a fixed header (`linux/dm-ioctl.h`, interface version 4), little-endian.
 *
 *       0 u32 version[3]    in: the version that is needed; out: the kernel's
 *      12 u32 data_size     of the whole piece of memory
 *      16 u32 data_start    where what follows the header begins
 *      20 u32 target_count  i32 open_count   u32 flags
 *      32 u32 event_nr      in: the udev cookie; out: how many events there were   u32 padding
 *      40 u64 dev           the device's number, major and minor spread as in a dev_t
 *      48 name[128]         176 uuid[129]    either names the device; the uuid goes first
 *     305 data[7]
 *
 * A table is a chain of `dm_target_spec` behind the header, each followed by its parameters as a
 * string that ends with a zero byte. `next` counts from the record itself on the way in, and from
 * the first record on the way out.
 */
import { bytes, i32le, struct, u32le, u64le } from "@mortar/binary";

export const HEADER_BYTES = 312;
/** 4.0.0 is what every kernel since 2.6 takes, and all that is used here. */
const VERSION_MAJOR = 4;
const NAME_MAX = 127;
const UUID_MAX = 128;

export const header = struct("dm_ioctl", HEADER_BYTES, {
  versionMajor: u32le,
  versionMinor: u32le,
  versionPatch: u32le,
  dataSize: u32le,
  dataStart: u32le,
  targetCount: u32le,
  openCount: i32le,
  flags: u32le,
  eventNumber: u32le,
  padding: u32le,
  device: u64le,
  name: bytes(128),
  uuid: bytes(129),
  data: bytes(7),
});

export const targetSpec = struct("dm_target_spec", 40, {
  sectorStart: u64le,
  length: u64le,
  status: i32le,
  next: u32le,
  targetType: bytes(16),
});

/** `DM_*_FLAG` of the header. */
export const FLAG = {
  readOnly: 1 << 0,
  suspend: 1 << 1,
  statusTable: 1 << 4,
  activePresent: 1 << 5,
  inactivePresent: 1 << 6,
  bufferFull: 1 << 8,
  skipLockFs: 1 << 10,
  noFlush: 1 << 11,
} as const;

export type Verb =
  | "version"
  | "create"
  | "remove"
  | "rename"
  | "suspend"
  | "deviceStatus"
  | "tableLoad"
  | "tableClear"
  | "tableDeps"
  | "tableStatus"
  | "listVersions"
  | "targetMessage"
  | "targetVersion";

const NUMBERS: Record<Verb, number> = {
  version: 0,
  create: 3,
  remove: 4,
  rename: 5,
  suspend: 6,
  deviceStatus: 7,
  tableLoad: 9,
  tableClear: 10,
  tableDeps: 11,
  tableStatus: 12,
  listVersions: 13,
  targetMessage: 14,
  targetVersion: 17,
};

/** `_IOWR(0xfd, number, struct dm_ioctl)`. */
export function ioctlNumber(verb: Verb): number {
  return 0xc000_0000 + (HEADER_BYTES << 16) + (0xfd << 8) + NUMBERS[verb];
}

/** A device is named by its uuid, or by its name. */
export type DeviceKey = { readonly uuid: string } | { readonly name: string };

/** One line of a table: `parameters` are the target's own words. */
export interface Target {
  readonly startSectors: number;
  readonly lengthSectors: number;
  readonly type: string;
  readonly parameters: string;
}

export interface Request {
  readonly name?: string;
  readonly uuid?: string;
  readonly flags?: number;
  /** The udev cookie. */
  readonly cookie?: number;
  readonly targetCount?: number;
  /** What follows the header. */
  readonly payload?: Uint8Array;
}

/** At least `capacity` bytes, so that the answer finds room. */
export function encodeRequest(request: Request, capacity = 0): Uint8Array {
  const { payload = new Uint8Array(0) } = request;
  const memory = new Uint8Array(Math.max(HEADER_BYTES + payload.length, capacity));
  header.encode(new DataView(memory.buffer), 0, {
    versionMajor: VERSION_MAJOR,
    versionMinor: 0,
    versionPatch: 0,
    dataSize: memory.length,
    dataStart: HEADER_BYTES,
    targetCount: request.targetCount ?? 0,
    openCount: 0,
    flags: request.flags ?? 0,
    eventNumber: request.cookie ?? 0,
    padding: 0,
    device: 0,
    name: textBytes(request.name ?? "", NAME_MAX),
    uuid: textBytes(request.uuid ?? "", UUID_MAX),
    data: new Uint8Array(0),
  });
  memory.set(payload, HEADER_BYTES);
  return memory;
}

/** The kernel cuts nothing short: a name that is too long is an error here. */
function textBytes(text: string, max: number): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  if (encoded.length <= max && !encoded.includes(0)) return encoded;
  throw new RangeError(`"${text}" is no name for a device: ${max} bytes at most, and no zero byte`);
}

/** The payload of a table load. */
export function encodeTargets(targets: readonly Target[]): Uint8Array {
  const texts = targets.map(({ parameters }) => new TextEncoder().encode(parameters));
  const lengths = texts.map((text) => roundUp(targetSpec.size + text.length + 1));
  const payload = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  const view = new DataView(payload.buffer);
  let at = 0;
  targets.forEach(({ startSectors, lengthSectors, type }, index) => {
    const length = lengths[index] ?? 0;
    const value = { sectorStart: startSectors, length: lengthSectors, status: 0, next: length };
    targetSpec.encode(view, at, { ...value, targetType: textBytes(type, 15) });
    payload.set(texts[index] ?? [], at + targetSpec.size);
    at += length;
  });
  return payload;
}

/** The payload of a message: the sector it is meant for, which no thin pool looks at, and words. */
export function encodeMessage(text: string): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  const payload = new Uint8Array(8 + encoded.length + 1);
  payload.set(encoded, 8);
  return payload;
}

/** A string with its zero byte: the payload of a rename, and of a question for a target. */
export function encodeText(text: string): Uint8Array {
  return new Uint8Array([...new TextEncoder().encode(text), 0]);
}

function roundUp(length: number): number {
  return (length + 7) & ~7;
}
