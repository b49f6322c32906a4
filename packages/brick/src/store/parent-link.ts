/**
 * Each name of a non-directory is noted on the object, so that its paths can be found:
 *
 *     trusted.gfid2path.<hash, 16 digits>    PARENT-GFID/NAME
 *
 * The hash is of that value. A cut between the attribute and the name leaves one too many.
 */
import { writeXxh64 } from "@mortar/brick-services";
import type { BrickOptions } from "../options.ts";
import { writeGfidText } from "./handle-path.ts";
import type { Objects } from "./objects.ts";
import { addressAt, ATTRIBUTE, calls, scratch, VALUE, VALUE_BYTES } from "./scratch.ts";

const PREFIX = Buffer.from("trusted.gfid2path.");
const HASH_DIGITS = 16;
const SLASH = 0x2f;
const XATTR_CREATE = 1;
const wholeScratch = Buffer.from(scratch.bytes.buffer);

export class ParentLinks {
  readonly #objects: Objects;
  readonly #options: Pick<BrickOptions, "storesParentLinks">;

  constructor(objects: Objects, options: Pick<BrickOptions, "storesParentLinks">) {
    this.#objects = objects;
    this.#options = options;
  }

  /** On an open file. `name` is an address in the scratch memory. */
  setFd(fd: number, parent: number, name: number): number {
    if (!this.#options.storesParentLinks) return 0;
    const length = this.#prepare(parent, name);
    return calls.fsetxattr(fd, addressAt(ATTRIBUTE), addressAt(VALUE), length, 0);
  }

  /** On what a path relative to `.glusterfs` leads to. */
  setPath(path: number, parent: number, name: number): number {
    if (!this.#options.storesParentLinks) return 0;
    const length = this.#prepare(parent, name);
    return calls.lsetxattr(path, addressAt(ATTRIBUTE), addressAt(VALUE), length, 0);
  }

  /** 0: it is new; EEXIST: the object had it. */
  add(slot: number, parent: number, name: number): number {
    if (!this.#options.storesParentLinks) return 0;
    const length = this.#prepare(parent, name);
    return this.#objects.setAttribute(
      slot, addressAt(ATTRIBUTE), addressAt(VALUE), length, XATTR_CREATE,
    );
  }

  remove(slot: number, parent: number, name: number): void {
    this.#prepare(parent, name);
    this.#objects.removeAttribute(slot, addressAt(ATTRIBUTE));
  }

  /** Name and value into ATTRIBUTE and VALUE; the value's length. */
  #prepare(parent: number, name: number): number {
    const { bytes } = scratch;
    const slash = writeGfidText(bytes, VALUE, this.#objects.table.words, 4 * parent);
    bytes[slash] = SLASH;
    let to = slash + 1;
    for (let from = name - scratch.address; bytes[from] !== 0; from++) bytes[to++] = bytes[from]!;
    nameAttribute(to);
    return to - VALUE;
  }
}

/** The attribute's name for the value from VALUE to `end`, into ATTRIBUTE. */
function nameAttribute(end: number): void {
  const { bytes } = scratch;
  bytes.set(PREFIX, ATTRIBUTE);
  const digits = ATTRIBUTE + PREFIX.length;
  writeXxh64(bytes, VALUE, end, bytes, digits);
  bytes[digits + HASH_DIGITS] = 0;
}

/** `name`, in latin1, is no longer in the directory `parent`. `path`: an address. */
export function removeParentLink(path: number, parent: string, name: string): void {
  const value = `${parent}/${name}`;
  nameAttribute(VALUE + wholeScratch.write(value, VALUE, VALUE_BYTES, "latin1"));
  calls.lremovexattr(path, addressAt(ATTRIBUTE));
}
