/**
 * An object's attributes, straight from struct statx into the reply (see IATT in @mortar/gluster
 * for the 148 bytes). The inode number is the gfid's second half; the handle's link is not counted;
 * the times are those of the object's own attribute, if it has one.
 */
import { IATT_FLAGS_USUAL } from "@mortar/gluster";
import { KNOWN } from "../store/inode-table.ts";
import type { Objects } from "../store/objects.ts";
import { S_IFDIR, scratch, statAt, statx } from "../store/scratch.ts";
import { ACCESS, CHANGE, loadTimes, MODIFY } from "../store/times.ts";
import type { Out } from "./out.ts";

export const IATT_BYTES = 148;
const TWO_32 = 2 ** 32;
const source = scratch.view;

/** The attributes at scratch stat `index` of the object of `slot`. */
export function writeIatt(out: Out, objects: Objects, slot: number, index: number): void {
  loadTimes(objects, slot);
  if (objects.told !== undefined) objects.told.push(slot);
  const { view } = out;
  const { table } = objects;
  const { words } = table;
  const from = statAt(index);
  const to = out.at;
  const base = 4 * slot;
  for (let word = 0; word < 4; word++) view.setUint32(to + 4 * word, words[base + word]!, false);
  view.setUint32(to + 16, 0, false);
  view.setUint32(to + 20, IATT_FLAGS_USUAL, false);
  view.setUint32(to + 24, words[base + 2]!, false);
  view.setUint32(to + 28, words[base + 3]!, false);
  if (slot === objects.rootSlot) writeAsRoot(view, to);
  writeDevice(view, to + 32, from);
  view.setUint32(to + 40, source.getUint32(from + 128, true), false);
  view.setUint32(to + 44, source.getUint32(from + 132, true), false);
  copy64(view, to + 48, from + 40);
  writeBlocks(view, to + 56, from);
  for (let word = 64; word < 80; word += 4) view.setUint32(to + word, 0, false);
  if (table.has(slot, KNOWN.noMdata)) writeInodeTimes(view, to, from);
  else writeOwnTimes(view, to, objects, slot);
  view.setUint32(to + 104, 0, false);
  view.setUint32(to + 108, 0, false);
  view.setUint32(to + 124, 0, false);
  const links = statx.nlink(from);
  const isDirectory = statx.kind(from) === S_IFDIR;
  view.setUint32(to + 128, isDirectory ? links : Math.max(links - 1, 0), false);
  view.setUint32(to + 132, statx.uid(from), false);
  view.setUint32(to + 136, statx.gid(from), false);
  view.setUint32(to + 140, statx.blockSize(from), false);
  view.setUint32(to + 144, statx.mode(from), false);
  out.at = to + IATT_BYTES;
}

/** Gfid and inode number of a root: for a client that has mounted this directory. */
function writeAsRoot(view: DataView, to: number): void {
  for (let word = 0; word < 8; word++) {
    if (word !== 4 && word !== 5) view.setUint32(to + 4 * word, 0, false);
  }
  view.setUint32(to + 12, 1, false);
  view.setUint32(to + 28, 1, false);
}

/** Not more than its length needs: what the file system holds ready behind the end is no content. */
function writeBlocks(view: DataView, to: number, from: number): void {
  const size = source.getUint32(from + 44, true) * TWO_32 + source.getUint32(from + 40, true);
  const used = source.getUint32(from + 52, true) * TWO_32 + source.getUint32(from + 48, true);
  put64(view, to, Math.min(used, Math.ceil(size / 512)));
}

function writeInodeTimes(view: DataView, to: number, from: number): void {
  copy64(view, to + 80, from + 64);
  copy64(view, to + 88, from + 112);
  copy64(view, to + 96, from + 96);
  view.setUint32(to + 112, statx.accessNanoseconds(from), false);
  view.setUint32(to + 116, statx.modifyNanoseconds(from), false);
  view.setUint32(to + 120, statx.changeNanoseconds(from), false);
}

function writeOwnTimes(view: DataView, to: number, objects: Objects, slot: number): void {
  const { seconds, nanoseconds } = objects.table;
  const base = 3 * slot;
  put64(view, to + 80, seconds[base + ACCESS]!);
  put64(view, to + 88, seconds[base + MODIFY]!);
  put64(view, to + 96, seconds[base + CHANGE]!);
  view.setUint32(to + 112, nanoseconds[base + ACCESS]!, false);
  view.setUint32(to + 116, nanoseconds[base + MODIFY]!, false);
  view.setUint32(to + 120, nanoseconds[base + CHANGE]!, false);
}

/** makedev(3) of the file system's device. */
function writeDevice(view: DataView, to: number, from: number): void {
  const major = source.getUint32(from + 136, true);
  const minor = source.getUint32(from + 140, true);
  view.setUint32(to, major & 0xffff_f000, false);
  view.setUint32(to + 4, (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12), false);
}

/** Little-endian to big-endian. */
function copy64(view: DataView, to: number, from: number): void {
  view.setUint32(to, source.getUint32(from + 4, true), false);
  view.setUint32(to + 4, source.getUint32(from, true), false);
}

function put64(view: DataView, to: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  view.setInt32(to, high, false);
  view.setUint32(to + 4, value - high * TWO_32, false);
}
