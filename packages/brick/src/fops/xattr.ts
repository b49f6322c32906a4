/**
 * Extended attributes. Those that the brick lives by are not a client's to change, and some names
 * are questions rather than attributes.
 */
import { getXattrErrno, removeXattrErrno, setXattrErrno } from "@mortar/brick-services";
import { fops, NO_IATT, typed } from "@mortar/gluster";
import type { TypedDictionary, TypedValue } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import { KNOWN } from "../store/inode-table.ts";
import { addressAt, attributeName, scratch, VALUE, VALUE_BYTES } from "../store/scratch.ts";
import { learnTimes, mergeTimes, touch } from "../store/times.ts";
import type { Call } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import { keyBytes } from "../wire/out.ts";
import type { Out } from "../wire/out.ts";
import { VALUE as TYPE } from "../wire/xdata.ts";
import { guard } from "./access-check.ts";
import { declared, OK } from "./declared.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { LOCK_INFO, lockInfo, takeLockInfo } from "./lock-info.ts";
import { interruptLock } from "./lock-interrupt.ts";
import { toldAttributes } from "./told-aside.ts";
import { virtualAttribute } from "./virtual-xattr.ts";
import { addLocks, attributeNames } from "./reply-xdata.ts";

const E2BIG = 7;
const VALUE_BYTES_MAX = 65_536;
const STAT = 0;
const AFTER = 1;
const BEFORE_KEY = keyBytes("virt-gf-prestat");
const AFTER_KEYS = ["virt-gf-poststat", "dht-get-iatt-in-xattr"].map(keyBytes);
const ANONYMOUS = -2;
const utf8 = new TextDecoder();
const latin1 = new TextDecoder("latin1");
const XATTR_PREFIXES = ["user.", "trusted.", "security.", "system."];

/** What only the brick itself sets. */
const OWN = new Set(["trusted.gfid", "trusted.glusterfs.volume-id", "trusted.glusterfs.mdata"]);
/** What nobody is told of in a list of all. */
const UNLISTED = new Set(["trusted.gfid", "trusted.glusterfs.volume-id"]);
const MDATA = "trusted.glusterfs.mdata";
const PARENT_LINK = "trusted.gfid2path.";
const ABSENT_BITS: ReadonlyMap<string, number> = new Map([
  ["security.capability", KNOWN.noCapability],
  ["security.ima", KNOWN.noIma],
  ["security.selinux", KNOWN.noSelinux],
  ["system.posix_acl_access", KNOWN.noAclAccess],
  ["system.posix_acl_default", KNOWN.noAclDefault],
]);

/** Only the brick itself changes it. */
export function isOwn(name: string): boolean {
  return OWN.has(name) || name.startsWith(PARENT_LINK);
}

/** By gfid, or by what the client has open. */
export function slotOfGfid(
  brick: Brick, client: Client, gfid: Uint8Array, fd = ANONYMOUS,
): number {
  if (fd === ANONYMOUS) {
    return brick.objects.resolve(new DataView(gfid.buffer, gfid.byteOffset, gfid.length), 0);
  }
  const file = client.file(fd);
  return file === undefined ? -Errno.EBADF : brick.slotOf(file);
}

function setAll(
  brick: Brick, call: Call, slot: number, flags: number, dictionary: TypedDictionary,
): number {
  if (slot < 0) return -slot;
  const { objects } = brick;
  const status = objects.stat(slot, STAT);
  if (status < 0) return -status;
  for (const name of dictionary.keys()) {
    const refused = brick.mandatory.refusal(name);
    if (refused !== 0) return refused;
  }
  for (const [name, value] of dictionary) {
    const refused = setXattrErrno(call, guard(brick, slot, STAT), name);
    if (refused !== 0) return refused;
    const wrong = setOne(brick, call, slot, name, value, flags);
    if (wrong !== 0) return wrong;
  }
  return 0;
}

function setOne(
  brick: Brick, call: Call, slot: number, name: string, value: TypedValue, flags: number,
): number {
  const { objects } = brick;
  if (value.type === "mdata") {
    learnTimes(objects, slot, value.value);
    return 0;
  }
  // Healing copies all attributes that another brick has told.
  if (name === MDATA && call.pid < 0) {
    return value.value instanceof Uint8Array && mergeTimes(objects, slot, value.value)
      ? 0 : Errno.EINVAL;
  }
  if (UNLISTED.has(name) && call.pid < 0) return 0;
  if (isOwn(name)) return Errno.EPERM;
  if (!XATTR_PREFIXES.some((prefix) => name.startsWith(prefix))) return Errno.EOPNOTSUPP;
  const bytes = bytesOf(value);
  if (bytes === undefined) return Errno.EINVAL;
  if (bytes.length > VALUE_BYTES_MAX) return E2BIG;
  const address = attributeName(name);
  if (address === 0) return Errno.ERANGE;
  scratch.bytes.set(bytes, VALUE);
  objects.table.clear(slot, ABSENT_BITS.get(name) ?? 0);
  const result = objects.setAttribute(slot, address, addressAt(VALUE), bytes.length, flags);
  return -Math.min(result, 0);
}

/** Numbers are stored as text, as GlusterFS does. */
function bytesOf(value: TypedValue): Uint8Array | undefined {
  if (typeof value.value === "number") return Buffer.from(`${value.value}\0`);
  return value.value instanceof Uint8Array ? value.value : undefined;
}

function getAll(brick: Brick, call: Call, slot: number): TypedDictionary {
  const { objects } = brick;
  const found = new Map<string, TypedValue>();
  for (const name of attributeNames(brick, slot)) {
    if (UNLISTED.has(name) || name.startsWith(PARENT_LINK)) continue;
    if (name === MDATA && call.pid >= 0) continue;
    const length = objects.getAttribute(
      slot, attributeName(name), addressAt(VALUE), VALUE_BYTES,
    );
    if (length >= 0) found.set(name, typed.bytes(scratch.bytes.slice(VALUE, VALUE + length)));
  }
  return found;
}

interface GetRequest {
  readonly gfid: Uint8Array;
  readonly nameLength: number;
  readonly name: Uint8Array;
}

function get(brick: Brick, call: Call, client: Client, slot: number, request: GetRequest) {
  if (slot < 0) return -slot;
  const { objects } = brick;
  const status = objects.stat(slot, STAT);
  if (status < 0) return -status;
  const asked = latin1.decode(request.name).replace(/\0.*$/s, "");
  const refused = getXattrErrno(call, guard(brick, slot, STAT), asked);
  if (refused !== 0) return refused;
  const xdata = toldAttributes(brick, call, slot, STAT);
  const reply = { ...OK, xdata, before: NO_IATT, after: NO_IATT };
  if (asked === "") return { ...reply, dictionary: getAll(brick, call, slot) };
  // As the keys of dictionaries are.
  const name = utf8.decode(request.name).replace(/\0.*$/s, "");
  const virtual = interruptLock(brick, client, call, slot, name) ??
    virtualAttribute(brick, slot, asked);
  if (typeof virtual === "number") return virtual;
  if (virtual !== undefined) {
    return { ...reply, dictionary: new Map([[name, virtual]]) };
  }
  const address = attributeName(name);
  if (address === 0) return Errno.ERANGE;
  const length = objects.getAttribute(slot, address, addressAt(VALUE), VALUE_BYTES);
  if (length < 0) return -length;
  const value = typed.bytes(scratch.bytes.slice(VALUE, VALUE + length));
  return { ...reply, opRet: length, dictionary: new Map([[name, value]]) };
}

function remove(brick: Brick, call: Call, slot: number, request: RemoveRequest): number {
  if (slot < 0) return -slot;
  const { objects } = brick;
  const status = objects.stat(slot, STAT);
  if (status < 0) return -status;
  const name = utf8.decode(request.name).replace(/\0.*$/s, "");
  const notNow = brick.mandatory.refusal(name);
  if (notNow !== 0) return notNow;
  const names = name === "" ? [...request.xdata.keys()] : [name];
  for (const each of names) {
    const refused = removeXattrErrno(call, guard(brick, slot, STAT), each);
    if (refused !== 0) return refused;
    // Healing takes all away before it sets all: the times stay, and the later ones will win.
    if (each === MDATA && call.pid < 0) continue;
    if (isOwn(each)) return Errno.EPERM;
    const address = attributeName(each);
    if (address === 0) return Errno.ERANGE;
    const result = objects.removeAttribute(slot, address);
    if (result < 0 && !(name === "" && result === -Errno.ENODATA)) return -result;
  }
  return 0;
}

interface RemoveRequest {
  readonly name: Uint8Array;
  readonly xdata: TypedDictionary;
}

/** The attributes of the object before, which are at STAT, and after the change. */
function writeChanged(brick: Brick, call: Call, out: Out, slot: number, hasFd: boolean): number {
  const { objects } = brick;
  const status = objects.stat(slot, AFTER);
  if (status < 0) return -status;
  out.reserve(4 * IATT_BYTES);
  out.i32(0);
  out.i32(0);
  const start = out.beginDictionary();
  out.raw(BEFORE_KEY);
  out.i32(TYPE.iatt);
  writeIatt(out, objects, slot, STAT);
  touch(objects, slot, call, AFTER, -1);
  for (const key of AFTER_KEYS) {
    out.raw(key);
    out.i32(TYPE.iatt);
    writeIatt(out, objects, slot, AFTER);
  }
  const locks = hasFd ? addLocks(brick, call, out, slot) : 0;
  out.endDictionary(start, 1 + AFTER_KEYS.length + locks);
  return DONE;
}

function setting(hasFd: boolean): Handler {
  const procedure = hasFd ? fops.fsetxattr : fops.setxattr;
  return (brick, client, call, out) => {
    const request = procedure.decodeRequest(call.rest());
    const fd = fdIn(request);
    const slot = slotOfGfid(brick, client, request.gfid, fd);
    const taken = hasFd ? takeLockInfo(brick, client, fd, request.dictionary) : 0;
    const wrong = taken === 0
      ? setAll(brick, call, slot, request.flags, request.dictionary) : taken;
    if (wrong !== 0) return wrong;
    call.gfid();
    if (hasFd) call.i64();
    call.u32();
    brick.xdata.begin(call);
    brick.xdata.begin(call);
    return writeChanged(brick, call, out, slot, hasFd);
  };
}

function removing(hasFd: boolean): Handler {
  const procedure = hasFd ? fops.fremovexattr : fops.removexattr;
  return (brick, client, call, out) => {
    const request = procedure.decodeRequest(call.rest());
    const slot = slotOfGfid(brick, client, request.gfid, fdIn(request));
    const wrong = remove(brick, call, slot, request);
    if (wrong !== 0) return wrong;
    call.gfid();
    if (hasFd) call.i64();
    call.opaque();
    brick.xdata.begin(call);
    return writeChanged(brick, call, out, slot, hasFd);
  };
}

function fdIn(request: object): number {
  return "fd" in request && typeof request.fd === "number" ? request.fd : ANONYMOUS;
}

export const setxattr = setting(false);
export const fsetxattr = setting(true);
export const removexattr = removing(false);
export const fremovexattr = removing(true);

export const getxattr = declared(fops.getxattr, (brick, request, call, client) => {
  call.gfid();
  call.u32();
  call.opaque();
  return get(brick, call, client, slotOfGfid(brick, client, request.gfid), request);
});

export const fgetxattr = declared(fops.fgetxattr, (brick, request, call, client) => {
  if (latin1.decode(request.name).replace(/\0.*$/s, "") === LOCK_INFO) {
    const slot = slotOfGfid(brick, client, request.gfid, request.fd);
    if (slot < 0) return -slot;
    const told = lockInfo(brick, client, request.fd);
    const dictionary = new Map(told === undefined ? [] : [[LOCK_INFO, told]]);
    return { ...OK, dictionary, before: NO_IATT, after: NO_IATT };
  }
  call.gfid();
  call.i64();
  call.u32();
  call.opaque();
  const slot = slotOfGfid(brick, client, request.gfid, request.fd);
  const isGone = slot === -Errno.ESTALE && request.fd === ANONYMOUS;
  return get(brick, call, client, isGone ? -Errno.ENOENT : slot, request);
});
