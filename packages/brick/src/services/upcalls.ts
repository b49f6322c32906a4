/**
 * Clients that have seen an object's attributes are told when somebody else changes it
 * (`features.cache-invalidation`), and may keep them for long. Who has seen what follows from the
 * replies: `writeIatt` notes each object that it writes (`Objects.told`).
 *
 * | what was done | to | flags |
 * |---|---|---|
 * | data, size | the object | size, times |
 * | attributes | the object | mode, owner, size, times, atime, permissions; of a mode: xattr, too |
 * | extended attributes | the object | xattr, times, permissions: an ACL is one |
 * | a name came or went | its directory | times, parent times |
 * | a name less, a name more | the object | nlink, times, parent times; of a directory: forget |
 * | renamed | the object | rename, parent times |
 *
 * The callback is sent before the reply to whoever made the change. It tells all that
 * glusterfsd's does, and more: who has seen a directory hears of its names, and of any extended
 * attribute, registered by IPC or not.
 */
import { UpcallTable } from "@mortar/brick-services";
import { callback, Dictionary, fops, NO_IATT, UPCALL_FLAG } from "@mortar/gluster";
import type { Iatt } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import type { Call } from "../wire/call.ts";
import { writeIatt } from "../wire/iatt.ts";
import { Out } from "../wire/out.ts";
import { gfidText } from "../store/handle-path.ts";
import { namedObjects, namesObjects } from "./entry-names.ts";

const GFID_BYTES = 16;
const STAT = 5;
const CACHE_INVALIDATION = 1;
const { size, times, mode, owner, atime, permissions, nlink, forget, rename, xattr, parentTimes,
  xattrRemoved } = UPCALL_FLAG;
const DATA = size | times;
const ATTRIBUTES = mode | owner | size | times | atime | permissions;
const XATTR = xattr | times | permissions;
const ENTRIES = times | parentTimes;
const NAMES = nlink | times | parentTimes;
/** SETATTR: what is set, behind the attributes; and its bit for the mode. */
const VALID_AT = GFID_BYTES + 148;
const VALID_MODE = 1;

/** Flags for the objects of the first and the second gfid of a request. */
const EFFECTS: readonly (readonly [number, number] | undefined)[] = makeEffects();

function makeEffects(): (readonly [number, number] | undefined)[] {
  const effects: (readonly [number, number] | undefined)[] = [];
  const put = (flags: readonly [number, number], ...procedures: { number: number }[]): void => {
    for (const { number } of procedures) effects[number] = flags;
  };
  put([DATA, 0], fops.write, fops.truncate, fops.ftruncate, fops.fallocate, fops.discard,
    fops.zerofill);
  put([0, DATA], fops.copyFileRange);
  put([ATTRIBUTES, 0], fops.setattr, fops.fsetattr);
  put([XATTR, 0], fops.setxattr, fops.fsetxattr);
  put([XATTR | xattrRemoved, 0], fops.removexattr, fops.fremovexattr);
  put([ENTRIES, 0], fops.create, fops.mkdir, fops.mknod, fops.symlink, fops.unlink, fops.rmdir,
    fops.namelink, fops.put);
  put([ENTRIES, ENTRIES], fops.rename);
  put([NAMES, ENTRIES], fops.link);
  return effects;
}

/** Gives a client a callback. */
export type Tell = (client: number, procedure: number, args: Uint8Array) => void;

export class Upcalls {
  readonly #brick: Brick;
  readonly #tell: Tell;
  readonly #reply = new Out(1024);
  readonly #words = new Uint32Array(4);
  #table = new UpcallTable();
  #expiredAt = 0;
  #named: Uint32Array[] = [];
  #argsAt = 0;

  constructor(brick: Brick, tell: Tell) {
    this.#brick = brick;
    this.#tell = tell;
    this.refresh();
  }

  get isActive(): boolean {
    return this.#brick.objects.told !== undefined;
  }

  /** Objects that somebody has to be told of. */
  get size(): number {
    return this.#table.size;
  }

  /** The options have changed. */
  refresh(): void {
    const { options, objects } = this.#brick;
    if (options.cacheInvalidation !== this.isActive) {
      objects.told = options.cacheInvalidation ? [] : undefined;
      this.#table = new UpcallTable();
    }
    this.#table.timeoutMs = options.cacheInvalidationSeconds * 1000;
  }

  releaseClient(client: number): void {
    this.#table.releaseClient(client);
  }

  expire(nowMs: number): void {
    const periodMs = this.#brick.options.cacheInvalidationSeconds * 1000;
    if (!this.isActive || nowMs - this.#expiredAt < periodMs) return;
    this.#expiredAt = nowMs;
    this.#table.expire(nowMs);
  }

  /** Before a request is served. */
  before(call: Call): void {
    this.#argsAt = call.at;
    this.#brick.objects.told!.length = 0;
    this.#named = namesObjects(call.procedure) ? namedObjects(this.#brick, call) : [];
  }

  /** It was done. */
  after(client: number, call: Call, nowMs: number): void {
    const { objects } = this.#brick;
    const told = objects.told!;
    const { words } = objects.table;
    const effect = EFFECTS[call.procedure];
    if (effect !== undefined) this.#change(client, call, effect, nowMs);
    for (const slot of told) this.#table.see(words, 4 * slot, client, nowMs);
    told.length = 0;
  }

  #change(
    client: number, call: Call, effect: readonly [number, number], nowMs: number,
  ): void {
    const isLink = call.procedure === fops.link.number;
    for (let index = 0; index < 2; index++) {
      const flags = effect[index]!;
      if (flags === 0) continue;
      const parents = isLink && index === 0 ? [1] : [];
      const more = setsMode(call, this.#argsAt) ? xattr : 0;
      this.#invalidate(client, this.#wordsOf(call, index), flags | more, nowMs, call, parents);
    }
    const isRename = call.procedure === fops.rename.number;
    for (const [index, words] of this.#named.entries()) {
      const gone = call.procedure === fops.rmdir.number ? NAMES | forget : NAMES;
      const flags = isRename && index === 0 ? rename | times | parentTimes : gone;
      this.#invalidate(client, words, flags, nowMs, call, isRename ? [1, 0] : [0]);
    }
  }

  /** Of the request's first gfid, or second. */
  #wordsOf(call: Call, index: number): Uint32Array {
    for (let word = 0; word < 4; word++) {
      const at = this.#argsAt + GFID_BYTES * index + 4 * word;
      this.#words[word] = call.view.getUint32(at, false);
    }
    return this.#words;
  }

  /** `parents`: which gfids of the request are the new and the old parent's. */
  #invalidate(
    client: number, words: Uint32Array, flags: number, nowMs: number, call: Call,
    parents: readonly number[],
  ): void {
    const others = this.#table.change(words, 0, client, nowMs);
    if (others.length === 0) return;
    const gfid = gfidText(bytesOf(words));
    const stat = this.#statOf(words);
    const [parentStat = NO_IATT, oldParentStat = NO_IATT] =
      parents.map((index) => this.#statOf(this.#wordsOf(call, index)));
    const { cacheInvalidationSeconds } = this.#brick.options;
    const args = callback.cacheInvalidation.encodeRequest({
      gfid, eventType: CACHE_INVALIDATION, flags,
      expireTimeAttribute: cacheInvalidationSeconds, stat, parentStat, oldParentStat,
      xdata: new Dictionary(),
    });
    for (const other of others) this.#tell(other, callback.cacheInvalidation.number, args);
  }

  /** None when it is gone. */
  #statOf(words: Uint32Array): Iatt {
    const { objects } = this.#brick;
    const slot = objects.resolve(new DataView(bytesOf(words).buffer), 0);
    if (slot < 0 || objects.stat(slot, STAT) < 0) return NO_IATT;
    const reply = this.#reply;
    reply.at = 0;
    reply.common(0);
    writeIatt(reply, objects, slot, STAT);
    return fops.stat.decodeReply(reply.bytes.slice(0, reply.at)).stat;
  }
}

/** A mode comes with the ACL that is made of it. */
function setsMode(call: Call, argsAt: number): boolean {
  const isByFd = call.procedure === fops.fsetattr.number;
  if (!isByFd && call.procedure !== fops.setattr.number) return false;
  return (call.view.getInt32(argsAt + VALID_AT + (isByFd ? 8 : 0), false) & VALID_MODE) !== 0;
}

function bytesOf(words: Uint32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(GFID_BYTES);
  const view = new DataView(bytes.buffer);
  for (let word = 0; word < 4; word++) view.setUint32(4 * word, words[word]!, false);
  return bytes;
}
