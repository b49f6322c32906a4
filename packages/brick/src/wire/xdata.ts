/**
 * The typed dictionary of a request, scanned where it lies; keys are recognised by number.
 *
 *     u32 size | i32 count | u32 count | count times: opaque key<> with NUL, i32 type, value
 *
 * A key's NUL is on the wire, so that its address can be given to the kernel as a name.
 */
import { Malformed } from "./call.ts";
import type { Call } from "./call.ts";

export const XDATA = {
  other: 0,
  gfidRequest: 1,
  content: 2,
  mdata: 3,
  listXattr: 4,
  capability: 5,
  ima: 6,
  aclAccess: 7,
  aclDefault: 8,
  openFdCount: 9,
  openActiveFdCount: 10,
  inodelkCount: 11,
  entrylkCount: 12,
  parentEntrylk: 13,
  inodelkDomCount: 14,
  linkCount: 15,
  getLinkCount: 16,
  iattInXattr: 17,
  writeIsAppend: 18,
  preopParentKey: 19,
  umask: 20,
  mode: 21,
  internalFop: 22,
  gfidlessLookup: 23,
  skipDirectories: 24,
  onlyIfLinkto: 25,
  keepIfOpen: 26,
  selinux: 27,
  posixlkCount: 28,
  multipleDomains: 29,
  inodelkDomPrefix: 30,
  getSize: 31,
  indexTypeRequest: 32,
  entryCreate: 33,
  entryDelete: 34,
  purgeIndex: 35,
  gfidTypes: 36,
} as const;

const KEYS: readonly (readonly [string, number])[] = [
  ["gfid-req", XDATA.gfidRequest],
  ["glusterfs.content", XDATA.content],
  ["trusted.glusterfs.mdata", XDATA.mdata],
  ["list-xattr", XDATA.listXattr],
  ["security.capability", XDATA.capability],
  ["security.ima", XDATA.ima],
  ["security.selinux", XDATA.selinux],
  ["system.posix_acl_access", XDATA.aclAccess],
  ["system.posix_acl_default", XDATA.aclDefault],
  ["glusterfs.open-fd-count", XDATA.openFdCount],
  ["glusterfs.open-active-fd-count", XDATA.openActiveFdCount],
  ["glusterfs.inodelk-count", XDATA.inodelkCount],
  ["glusterfs.entrylk-count", XDATA.entrylkCount],
  ["glusterfs.parent-entrylk", XDATA.parentEntrylk],
  ["glusterfs.inodelk-dom-count", XDATA.inodelkDomCount],
  ["link-count", XDATA.linkCount],
  ["get-link-count", XDATA.getLinkCount],
  ["dht-get-iatt-in-xattr", XDATA.iattInXattr],
  ["glusterfs.write-is-append", XDATA.writeIsAppend],
  ["glusterfs.preop.parent.key", XDATA.preopParentKey],
  ["umask", XDATA.umask],
  ["mode", XDATA.mode],
  ["glusterfs-internal-fop", XDATA.internalFop],
  ["gfidless-lookup", XDATA.gfidlessLookup],
  ["readdir-filter-directories", XDATA.skipDirectories],
  ["unlink-only-if-dht-linkto-file", XDATA.onlyIfLinkto],
  ["dont-unlink-for-open-fd", XDATA.keepIfOpen],
  ["glusterfs.posixlk-count", XDATA.posixlkCount],
  ["glusterfs.multi-dom-lk-cnt-req", XDATA.multipleDomains],
  ["get-size", XDATA.getSize],
  ["glusterfs.index-ia-type-get-req", XDATA.indexTypeRequest],
  ["glusterfs.xattrop-entry-create", XDATA.entryCreate],
  ["glusterfs.xattrop-entry-delete", XDATA.entryDelete],
  ["glusterfs.xattrop-purge-index", XDATA.purgeIndex],
  ["get-gfid-type", XDATA.gfidTypes],
];

/** The rest of this key is the name of a domain. */
const DOMAIN_PREFIX = Buffer.from("glusterfs.inodelk-dom-prefix:");

export const VALUE = {
  textOld: 1, int: 2, uint: 3, double: 4, text: 5, bytes: 6, gfid: 7, iatt: 8, mdata: 9,
} as const;

const PAIR_BYTES_MIN = 12;
const IATT_BYTES = 148;
const MDATA_BYTES = 36;
const PRIME = 0x0100_0193;
const SEED = 0x811c_9dc5;

/** Number and length of each key, by the hash of its padded words. */
const byHash = new Map<number, { readonly id: number; readonly bytes: Uint8Array }>();
for (const [text, id] of KEYS) {
  const bytes = Buffer.from(`${text}\0`);
  const padded = Buffer.alloc((bytes.length + 3) & ~3);
  bytes.copy(padded);
  byHash.set(hashOf(new DataView(padded.buffer, padded.byteOffset), 0, padded.length), {
    id,
    bytes: Uint8Array.from(bytes),
  });
}

function hashOf(view: DataView, at: number, length: number): number {
  let hash = SEED;
  for (let word = 0; word < length; word += 4) {
    hash = Math.imul(hash ^ view.getUint32(at + word, false), PRIME);
    hash ^= hash >>> 15;
  }
  return hash;
}

function isDomainKey(bytes: Uint8Array, at: number, length: number): boolean {
  if (length <= DOMAIN_PREFIX.length) return false;
  for (let index = 0; index < DOMAIN_PREFIX.length; index++) {
    if (bytes[at + index] !== DOMAIN_PREFIX[index]) return false;
  }
  return true;
}

export class Xdata {
  #call: Call | undefined;
  #count = 0;
  #left = 0;
  #first = 0;
  #at = 0;

  /** There is none; an empty one is something else to some. */
  isNone = true;
  /** Of the request: told to the brick, and not to be stored; "" is none. */
  skippedKey = "";
  id = 0;
  keyAt = 0;
  /** With its NUL. */
  keyLength = 0;
  type = 0;
  valueAt = 0;
  valueLength = 0;

  /** The dictionary at the cursor: it is checked and passed, and can then be walked by `next`. */
  begin(call: Call): void {
    this.#call = call;
    this.skippedKey = "";
    this.isNone = call.view.getInt32(call.skip(8) + 4, false) === -1;
    const count = call.u32();
    if (count > call.remaining / PAIR_BYTES_MIN) throw new Malformed(`${count} pairs do not fit`);
    this.#count = count;
    this.#first = call.at;
    for (let pair = 0; pair < count; pair++) this.#pair(call);
    this.rewind();
  }

  get count(): number {
    return this.#count;
  }

  /** Start over. */
  rewind(): void {
    this.#left = this.#count;
    this.#at = this.#first;
  }

  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    const call = this.#call!;
    const cursor = call.at;
    call.at = this.#at;
    this.#pair(call);
    this.#at = call.at;
    call.at = cursor;
    return true;
  }

  /** Go to the pair of a known key. */
  find(id: number): boolean {
    this.rewind();
    while (this.next()) {
      if (this.id === id) return true;
    }
    return false;
  }

  /** Of an integer of either type, else NaN. */
  number(): number {
    if (this.type !== VALUE.int && this.type !== VALUE.uint) return NaN;
    const { view } = this.#call!;
    const high = this.type === VALUE.int
      ? view.getInt32(this.valueAt, false) : view.getUint32(this.valueAt, false);
    return high * 2 ** 32 + view.getUint32(this.valueAt + 4, false);
  }

  /** Text up to its NUL; of another type, "". Every byte is kept. */
  text(): string {
    if (this.type !== VALUE.text && this.type !== VALUE.textOld && this.type !== VALUE.bytes) {
      return "";
    }
    const { bytes } = this.#call!.memory;
    let length = 0;
    while (length < this.valueLength && bytes[this.valueAt + length] !== 0) length++;
    return Buffer.from(bytes.buffer, this.valueAt, length).toString("latin1");
  }

  /** The domain that the key itself names. */
  keyDomain(): string {
    return this.key().slice(DOMAIN_PREFIX.length);
  }

  key(): string {
    const { bytes } = this.#call!.memory;
    return Buffer.from(bytes.buffer, this.keyAt, this.keyLength - 1).toString("latin1");
  }

  #pair(call: Call): void {
    const key = call.opaque();
    this.keyLength = call.view.getUint32(key, false);
    this.keyAt = key + 4;
    if (this.keyLength === 0 || call.view.getUint8(this.keyAt + this.keyLength - 1) !== 0) {
      throw new Malformed("a key does not end with NUL");
    }
    this.id = this.#identify(call, call.at - this.keyAt);
    this.type = call.i32();
    this.#value(call);
  }

  #identify(call: Call, padded: number): number {
    const known = byHash.get(hashOf(call.view, this.keyAt, padded));
    const { bytes } = call.memory;
    if (known === undefined || known.bytes.length !== this.keyLength) {
      return isDomainKey(bytes, this.keyAt, this.keyLength)
        ? XDATA.inodelkDomPrefix : XDATA.other;
    }
    for (let index = 0; index < this.keyLength; index++) {
      if (bytes[this.keyAt + index] !== known.bytes[index]) return XDATA.other;
    }
    return known.id;
  }

  #value(call: Call): void {
    switch (this.type) {
      case VALUE.int:
      case VALUE.uint:
      case VALUE.double:
        this.#fixed(call, 8);
        return;
      case VALUE.gfid:
        this.#fixed(call, 16);
        return;
      case VALUE.iatt:
        this.#fixed(call, IATT_BYTES);
        return;
      case VALUE.mdata:
        this.#fixed(call, MDATA_BYTES);
        return;
      case VALUE.textOld:
      case VALUE.text:
      case VALUE.bytes: {
        const at = call.opaque();
        this.valueLength = call.view.getUint32(at, false);
        this.valueAt = at + 4;
        return;
      }
      default:
        throw new Malformed(`dictionary value of type ${this.type}`);
    }
  }

  #fixed(call: Call, size: number): void {
    this.valueAt = call.skip(size);
    this.valueLength = size;
  }
}
