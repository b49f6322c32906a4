/**
 * Paths below `.glusterfs` beside the handles, in the memory of handle paths:
 *
 *     landfill/GFID    an object that is being made or taken apart
 *     unlink/GFID      an object without a name that somebody has open
 */
import { writeGfidText } from "./handle-path.ts";
import { addressAt, handleAt, scratch } from "./scratch.ts";

const LANDFILL = Buffer.from("landfill/");
const UNLINK = Buffer.from("unlink/");

/** The address of the path of the gfid in `words`. */
export function landfillPath(words: Uint32Array, base: number, index: number): number {
  return write(LANDFILL, words, base, index);
}

export function unlinkedPath(words: Uint32Array, base: number, index: number): number {
  return write(UNLINK, words, base, index);
}

function write(prefix: Uint8Array, words: Uint32Array, base: number, index: number): number {
  const at = handleAt(index);
  scratch.bytes.set(prefix, at);
  scratch.bytes[writeGfidText(scratch.bytes, at + prefix.length, words, base)] = 0;
  return addressAt(at);
}
