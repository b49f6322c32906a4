/**
 * Each name of a non-directory is noted on the object, so that its paths can be found:
 *
 *     trusted.gfid2path.<hash, 16 digits>    PARENT-GFID/NAME
 *
 * The hash is of that value. A cut between the attribute and the name leaves one too many.
 */
import { writeXxh64 } from "@mortar/brick-services";
import { writeGfidText } from "./handle-path.ts";
import type { Objects } from "./objects.ts";
import { addressAt, ATTRIBUTE, calls, scratch, VALUE } from "./scratch.ts";

const PREFIX = Buffer.from("trusted.gfid2path.");
const HASH_DIGITS = 16;
const SLASH = 0x2f;
const XATTR_CREATE = 1;

export class ParentLinks {
  readonly #objects: Objects;

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  /** On an open file. `name` is an address in the scratch memory. */
  setFd(fd: number, parent: number, name: number): number {
    const length = this.#prepare(parent, name);
    return calls.fsetxattr(fd, addressAt(ATTRIBUTE), addressAt(VALUE), length, 0);
  }

  /** On what a path relative to `.glusterfs` leads to. */
  setPath(path: number, parent: number, name: number): number {
    const length = this.#prepare(parent, name);
    return calls.lsetxattr(path, addressAt(ATTRIBUTE), addressAt(VALUE), length, 0);
  }

  /** 0: it is new; EEXIST: the object had it. */
  add(slot: number, parent: number, name: number): number {
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
    bytes.set(PREFIX, ATTRIBUTE);
    const digits = ATTRIBUTE + PREFIX.length;
    writeXxh64(bytes, VALUE, to, bytes, digits);
    bytes[digits + HASH_DIGITS] = 0;
    return to - VALUE;
  }
}
