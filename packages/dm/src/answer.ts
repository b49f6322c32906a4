/** What the kernel wrote into the memory of a request; see request.ts for the layout. */
import { u32le } from "@mortar/binary";
import { FLAG, header, HEADER_BYTES, targetSpec, type Target } from "./request.ts";

export interface DeviceInfo {
  readonly name: string;
  readonly uuid: string;
  /** "253:4" */
  readonly deviceNumber: string;
  /** Openers of any kind: mounts, programs, devices above. */
  readonly openCount: number;
  readonly readOnly: boolean;
  readonly suspended: boolean;
  /** False: it was created and has never been resumed with a table. */
  readonly hasTable: boolean;
  readonly hasInactiveTable: boolean;
  readonly eventCount: number;
}

/** `x.y.z` of a target or of the interface. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

function viewOf(memory: Uint8Array): DataView {
  return new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
}

/** True when the answer did not find room: ask again with more. */
export function isBufferFull(memory: Uint8Array): boolean {
  return (header.field.flags.get(viewOf(memory), 0) & FLAG.bufferFull) !== 0;
}

export function decodeInfo(memory: Uint8Array): DeviceInfo {
  const { name, uuid, device, openCount, flags, eventNumber } = header.decode(viewOf(memory), 0);
  return {
    name: textOf(name),
    uuid: textOf(uuid),
    deviceNumber: deviceNumberText(device),
    openCount,
    readOnly: (flags & FLAG.readOnly) !== 0,
    suspended: (flags & FLAG.suspend) !== 0,
    hasTable: (flags & FLAG.activePresent) !== 0,
    hasInactiveTable: (flags & FLAG.inactivePresent) !== 0,
    eventCount: eventNumber,
  };
}

export function decodeInterfaceVersion(memory: Uint8Array): Version {
  const { versionMajor, versionMinor, versionPatch } = header.decode(viewOf(memory), 0);
  return { major: versionMajor, minor: versionMinor, patch: versionPatch };
}

/** As the kernel packs a dev_t for user space: `mmmMMMmm`, minor, major, minor. */
export function deviceNumberText(device: number): string {
  const low = device % 2 ** 32;
  const major = (low >>> 8) & 0xfff;
  const minor = (low & 0xff) | ((low >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}

/** The bytes behind the header that the kernel filled. Throws when its figures do not fit. */
function payloadOf(memory: Uint8Array): DataView {
  const view = viewOf(memory);
  const start = header.field.dataStart.get(view, 0);
  const end = header.field.dataSize.get(view, 0);
  if (start < HEADER_BYTES || start > end || end > memory.length) {
    throw new RangeError(`device-mapper's answer lies at ${start} to ${end} of ${memory.length}`);
  }
  return new DataView(memory.buffer, memory.byteOffset + start, end - start);
}

/** The lines of a table, or of its status. */
export function decodeTargets(memory: Uint8Array): Target[] {
  const count = header.field.targetCount.get(viewOf(memory), 0);
  if (count === 0) return [];
  const view = payloadOf(memory);
  const targets: Target[] = [];
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    require(view, at, targetSpec.size);
    const { sectorStart, length, next, targetType } = targetSpec.decode(view, at);
    const parameters = stringAt(view, at + targetSpec.size);
    targets.push({
      startSectors: sectorStart,
      lengthSectors: length,
      type: textOf(targetType),
      parameters,
    });
    if (next <= at && index + 1 < count) throw new RangeError("device-mapper's table runs back");
    at = next;
  }
  return targets;
}

/** The devices that a table is built upon, as "8:1". */
export function decodeDependencies(memory: Uint8Array): string[] {
  const view = payloadOf(memory);
  require(view, 0, 8);
  const count = u32le.at(0).get(view, 0);
  require(view, 8, count * 8);
  return Array.from({ length: count }, (_, index) =>
    deviceNumberText(view.getUint32(8 + index * 8, true)),
  );
}

/** The targets that the kernel has loaded: `next` counts from the record itself, 0 is the last. */
export function decodeVersions(memory: Uint8Array): Map<string, Version> {
  const view = payloadOf(memory);
  const versions = new Map<string, Version>();
  for (let at = 0; view.byteLength > 0; ) {
    require(view, at, 16);
    const word = (index: number) => view.getUint32(at + 4 * index, true);
    const name = stringAt(view, at + 16);
    if (name !== "") versions.set(name, { major: word(1), minor: word(2), patch: word(3) });
    const next = word(0);
    if (next === 0) break;
    at += next;
  }
  return versions;
}

function require(view: DataView, at: number, length: number): void {
  if (at + length <= view.byteLength) return;
  throw new RangeError(`device-mapper's answer ends at ${view.byteLength}, not at ${at + length}`);
}

function stringAt(view: DataView, at: number): string {
  require(view, at, 1);
  return textOf(new Uint8Array(view.buffer, view.byteOffset + at, view.byteLength - at));
}

/** Up to the zero byte. */
function textOf(field: Uint8Array): string {
  const end = field.indexOf(0);
  return new TextDecoder("latin1").decode(end < 0 ? field : field.subarray(0, end));
}
