/**
 * The value of a mapping tree, 8 bytes: the data block in the high 40 bits, and in the low 24 the
 * time of the snapshot clock when it was mapped. Details of a device, 24 bytes, are the value of
 * their tree.
 */
import { struct, u32le, u64le } from "@mortar/binary";

export const MAPPING_BYTES = 8;
/** Device ids fit 24 bits. */
export const DEVICE_ID_MAX = 0xff_ffff;
const TIME_MASK = 0xff_ffff;

export function mappingDataBlock(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 256 + (view.getUint32(at, true) >>> 24);
}

export function mappingTime(view: DataView, at: number): number {
  return view.getUint32(at, true) & TIME_MASK;
}

export function writeMapping(view: DataView, at: number, dataBlock: number, time: number): void {
  view.setUint32(at, (((dataBlock & 0xff) << 24) | (time & TIME_MASK)) >>> 0, true);
  view.setUint32(at + 4, Math.floor(dataBlock / 256), true);
}

export const deviceDetails = struct("device details", 24, {
  mappedBlocks: u64le, transactionId: u64le, creationTime: u32le, snapshottedTime: u32le,
});
export type DeviceDetails = ReturnType<typeof deviceDetails.decode>;
