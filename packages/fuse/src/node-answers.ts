/**
 * The answers about names and attributes: what ls, stat and open(2) ask before any data moves. Each
 * method reads the request body, writes the reply body, and returns its length or a negated errno.
 *
 * Nothing may be remembered by the kernel (all times of validity are 0): LVs come, go and grow
 * under the same name.
 */
import { PAGE_BYTES, REPLY_POSITION, REQUEST_POSITION } from "./channel.ts";
import type { FuseChannel } from "./channel.ts";
import { listDirectory } from "./directory-listing.ts";
import { Errno } from "./errno.ts";
import type { FlatFiles } from "./flat-files.ts";
import {
  attributes,
  attributesOut,
  entryOut,
  inHeader,
  outHeader,
  ROOT_NODE,
  SetAttribute,
  setattrIn,
  statfsOut,
  transferIn,
  WAKE_NODE,
} from "./layouts.ts";
import { viewOf } from "./view.ts";

/**
 * The name of an empty file that every session has. Somebody must keep it open for `wake` to work,
 * best whoever keeps the descriptor of /dev/fuse. No logical volume can have this name.
 */
export const WAKE_NAME = "wake@";

const SECTOR_BYTES = 512;
const DIRECTORY_MODE = 0o40_700;
const WAKE_FILE = { sizeBytes: 0, mode: 0o100_400 };
const NAME_BYTES_MAX = 255;
const REQUEST_BODY = REQUEST_POSITION + inHeader.size;
const REPLY_BODY = REPLY_POSITION + outHeader.size;
const EMPTY = new Uint8Array(0);
const decoder = new TextDecoder();

export class NodeAnswers {
  readonly #channel: FuseChannel;
  readonly #files: FlatFiles;
  readonly #listBytesMax: number;
  readonly #in: DataView;
  readonly #out: DataView;

  constructor(channel: FuseChannel, files: FlatFiles, listBytesMax: number) {
    this.#channel = channel;
    this.#files = files;
    this.#listBytesMax = listBytesMax;
    this.#in = viewOf(channel.request);
    this.#out = viewOf(channel.reply);
  }

  /** `length` is that of the whole request: the name is what follows its header. */
  lookup(parent: number, length: number): number {
    const end = REQUEST_POSITION + length - 1; // without the final NUL
    if (parent !== ROOT_NODE || end < REQUEST_BODY) return -Errno.ENOENT;
    const name = decoder.decode(this.#channel.request.subarray(REQUEST_BODY, end));
    const node = name === WAKE_NAME ? WAKE_NODE : this.#files.find(name);
    if (node === 0) return -Errno.ENOENT;
    entryOut.encode(this.#out, REPLY_BODY, {
      node,
      generation: 0,
      entryValid: 0,
      attributesValid: 0,
      entryValidNs: 0,
      attributesValidNs: 0,
    });
    const size = this.#attributes(node, REPLY_BODY + entryOut.size);
    return size < 0 ? size : entryOut.size + size;
  }

  getattr(node: number): number {
    attributesOut.encode(this.#out, REPLY_BODY, { valid: 0, validNs: 0, padding: 0 });
    const size = this.#attributes(node, REPLY_BODY + attributesOut.size);
    return size < 0 ? size : attributesOut.size + size;
  }

  /** The size cannot be set, times are taken and forgotten. */
  setattr(node: number): number {
    const valid = setattrIn.field.valid.get(this.#in, REQUEST_BODY);
    if ((valid & (SetAttribute.mode | SetAttribute.uid | SetAttribute.gid)) !== 0)
      return -Errno.EPERM;
    if ((valid & SetAttribute.size) !== 0) {
      const size = setattrIn.field.size.get(this.#in, REQUEST_BODY);
      if (size !== this.#describe(node)?.sizeBytes) return -Errno.EPERM;
    }
    return this.getattr(node);
  }

  statfs(): number {
    statfsOut.encode(this.#out, REPLY_BODY, {
      blocks: 0,
      blocksFree: 0,
      blocksAvailable: 0,
      files: this.#files.list().length,
      filesFree: 0,
      blockSize: PAGE_BYTES,
      nameLengthMax: NAME_BYTES_MAX,
      fragmentSize: PAGE_BYTES,
      padding: 0,
      spare: EMPTY,
    });
    return statfsOut.size;
  }

  readdir(): number {
    const { offset, size } = transferIn.decode(this.#in, REQUEST_BODY);
    const room = Math.min(size, this.#listBytesMax);
    const target = this.#channel.reply.subarray(REPLY_BODY, REPLY_BODY + room);
    return listDirectory(this.#files.list(), offset, target);
  }

  #attributes(node: number, position: number): number {
    const isRoot = node === ROOT_NODE;
    const file = isRoot ? { sizeBytes: 0, mode: DIRECTORY_MODE } : this.#describe(node);
    if (file === undefined) return -Errno.ENOENT;
    attributes.encode(this.#out, position, {
      inode: node,
      size: file.sizeBytes,
      blocks: Math.ceil(file.sizeBytes / SECTOR_BYTES),
      accessed: 0,
      modified: 0,
      changed: 0,
      accessedNs: 0,
      modifiedNs: 0,
      changedNs: 0,
      mode: file.mode,
      links: isRoot ? 2 : 1,
      uid: 0,
      gid: 0,
      device: 0,
      blockSize: PAGE_BYTES,
      flags: 0,
    });
    return attributes.size;
  }

  #describe(node: number): { readonly sizeBytes: number; readonly mode: number } | undefined {
    return node === WAKE_NODE ? WAKE_FILE : this.#files.describe(node);
  }
}
