/**
 * What the volume's options change of a request before it is served: who is asking, whether that
 * may write at all, which directory the root is. A brick without such options pays one comparison.
 */
import { squash } from "@mortar/brick-services";
import type { SquashRule } from "@mortar/brick-services";
import { fops } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import { LATER } from "../fops/handler.ts";
import { Errno } from "../store/errno.ts";
import type { Call } from "../wire/call.ts";
import type { Client } from "./client.ts";
import { GroupCache } from "./group-cache.ts";

const PROCEDURES = 64;
const WRITES = flags([
  fops.mknod, fops.mkdir, fops.unlink, fops.rmdir, fops.symlink, fops.rename, fops.link,
  fops.truncate, fops.ftruncate, fops.write, fops.setxattr, fops.fsetxattr, fops.removexattr,
  fops.fremovexattr, fops.create, fops.setattr, fops.fsetattr, fops.xattrop, fops.fxattrop,
  fops.fallocate, fops.discard, fops.zerofill, fops.icreate, fops.namelink, fops.put,
  fops.copyFileRange,
]);
/** Two gfids come first; in all others that have one at all, one. */
const TWO_GFIDS = flags([fops.lookup, fops.rename, fops.link, fops.copyFileRange]);
const OPEN = fops.open.number;
const GFID_BYTES = 16;
const O_TRUNC = 0o1000;
const O_ACCMODE = 3;

function flags(procedures: readonly { readonly number: number }[]): Uint8Array {
  const set = new Uint8Array(PROCEDURES);
  for (const { number } of procedures) set[number] = 1;
  return set;
}

export class RequestRules {
  readonly groups = new GroupCache();
  readonly #brick: Brick;
  /** Some option is on. */
  isActive = false;
  #squash: SquashRule | undefined;

  constructor(brick: Brick) {
    this.#brick = brick;
    this.refresh();
  }

  /** The options have changed. */
  refresh(): void {
    const { options, objects } = this.#brick;
    const squashes = options.rootSquash || options.allSquash;
    this.#squash = squashes ? {
      root: options.rootSquash, all: options.allSquash,
      anonymousUid: options.anonymousUid, anonymousGid: options.anonymousGid,
    } : undefined;
    this.isActive = squashes || options.readOnly || options.managesGroups || !options.keepsTimes;
    objects.keepsTimes = options.keepsTimes;
    this.groups.clear();
  }

  /** 0, an errno, or LATER: a worker was asked for the caller's groups. */
  apply(client: Client, call: Call, nowMs: number): number {
    const { directory } = client;
    if (directory !== undefined) {
      const missing = this.#moveRoot(directory, call);
      if (missing !== 0) return missing;
    }
    if (!this.isActive) return 0;
    const { options } = this.#brick;
    if (options.readOnly && call.pid >= 0 && writes(call)) return Errno.EROFS;
    if (!options.keepsTimes) call.timeFlags = 0;
    if (this.#squash !== undefined) squash(call, this.#squash);
    return options.managesGroups && call.pid >= 0 ? this.#lookUpGroups(call, nowMs) : 0;
  }

  #lookUpGroups(call: Call, nowMs: number): number {
    const known = this.groups.find(call.uid, nowMs);
    if (known === undefined) {
      // Nobody can be asked any more: without groups it may do less than it should, never more.
      call.groupCount = 0;
      return this.#brick.workers.groups(call.uid) ? LATER : 0;
    }
    call.groups = known;
    call.groupCount = known.length;
    return 0;
  }

  /** The root of the wire is the directory that the client has mounted. */
  #moveRoot(directory: DataView, call: Call): number {
    const { objects } = this.#brick;
    const slot = objects.resolve(directory, 0);
    if (slot < 0) return -slot;
    objects.rootSlot = slot;
    const count = TWO_GFIDS[call.procedure] === 1 ? 2 : 1;
    for (let index = 0; index < count; index++) {
      const at = call.at + GFID_BYTES * index;
      if (at + GFID_BYTES > call.end || !isRootGfid(call.view, at)) continue;
      for (let word = 0; word < GFID_BYTES; word += 4) {
        call.view.setUint32(at + word, directory.getUint32(word, false), false);
      }
    }
    return 0;
  }
}

function isRootGfid(view: DataView, at: number): boolean {
  return view.getUint32(at + 12, false) === 1 && view.getUint32(at, false) === 0 &&
    view.getUint32(at + 4, false) === 0 && view.getUint32(at + 8, false) === 0;
}

function writes(call: Call): boolean {
  if (WRITES[call.procedure] === 1) return true;
  if (call.procedure !== OPEN || call.remaining < GFID_BYTES + 4) return false;
  const openFlags = call.view.getUint32(call.at + GFID_BYTES, false);
  return (openFlags & (O_ACCMODE | O_TRUNC)) !== 0;
}
