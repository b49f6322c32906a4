/**
 * The file operations of the snapshot daemon. Clients send here what is under `.snaps`, and LOOKUP of
 * `.snaps` itself, told by the key "entry-point". All that would change something is refused with
 * EROFS: clients refuse it by themselves, as `features/snapview-client` does.
 */
import {
  ACL_ACCESS_KEY, ACL_DEFAULT_KEY, openWants, squash, type SquashRule, WANT,
} from "@mortar/brick-services";
import {
  fops, type Iatt, NO_DICTIONARY, NO_IATT, NO_STATFS, type Procedure, textOf, typed,
  type TypedDictionary, type TypedValue,
} from "@mortar/gluster";
import { decodeCredential, type RpcCall } from "@mortar/rpc";
import { type RpcConnection, type RpcService, service } from "../glusterd/rpc-server.ts";
import type { Log } from "../log.ts";
import { DirectoryCursor } from "./directory-cursor.ts";
import { Errno, FopError } from "./fop-error.ts";
import { Session, type SnapdCaller } from "./session.ts";
import type { SnapshotCatalogue } from "./snapshot-catalogue.ts";
import { isDirectory, type SnapshotTree, type TreeEntry, type TreeNode } from "./snapshot-tree.ts";
import { ROOT_GFID } from "./virtual-gfid.ts";

export interface FopServicesOptions {
  readonly tree: SnapshotTree;
  readonly catalogue: SnapshotCatalogue;
  readonly sessions: Map<RpcConnection, Session>;
  readonly squashRule: () => SquashRule;
  readonly log: Log;
}

const ENTRY_POINT = "entry-point";
const READ_MAX = 1024 * 1024;
const OK = { opRet: 0, opErrno: 0, xdata: NO_DICTIONARY } as const;
/** Bytes of an entry of READDIRP besides its name: head, attributes, an empty dictionary. */
const ENTRY_BYTES = 32 + 148 + 12;
const DOT = 0x2e;
const ACL_KEYS = [ACL_ACCESS_KEY, ACL_DEFAULT_KEY];
/** There is no such attribute. */
const NONE: readonly number[] = [Errno.ENODATA, Errno.EOPNOTSUPP];
const O_TRUNC = 0o1000;
const O_ACCMODE = 3;

const WRITING = [
  fops.mknod, fops.mkdir, fops.unlink, fops.rmdir, fops.symlink, fops.rename, fops.link,
  fops.truncate, fops.ftruncate, fops.write, fops.setxattr, fops.fsetxattr, fops.removexattr,
  fops.fremovexattr, fops.create, fops.setattr, fops.fsetattr, fops.xattrop, fops.fxattrop,
  fops.fallocate, fops.discard, fops.zerofill,
] as readonly object[] as readonly Procedure<unknown, object>[];

/** What an operation is served with. */
interface Asked {
  readonly session: Session;
  readonly caller: SnapdCaller;
}

export class FopServices {
  readonly #options: FopServicesOptions;

  constructor(options: FopServicesOptions) {
    this.#options = options;
  }

  services(): RpcService[] {
    return [
      this.#service(fops.lookup, async (it, asked) => await this.#lookup(it, asked)),
      this.#service(fops.stat, async ({ gfid }) => ({ ...OK, stat: await this.#stat(gfid) })),
      this.#service(fops.fstat, async ({ gfid }) => ({ ...OK, stat: await this.#stat(gfid) })),
      this.#service(fops.access, async ({ gfid, mask }, { caller }) => {
        await this.#options.tree.require(await this.#node(gfid), caller, mask & 7);
        return OK;
      }),
      this.#service(fops.readlink, async ({ gfid }) => await this.#readlink(gfid)),
      this.#service(fops.open, async ({ gfid, flags }, asked) => {
        if ((flags & O_ACCMODE) !== 0 || (flags & O_TRUNC) !== 0) throw new FopError(Errno.EROFS);
        await this.#options.tree.require(await this.#node(gfid), asked.caller, openWants(flags));
        return { ...OK, fd: asked.session.add(gfid, undefined) };
      }),
      this.#service(fops.read, async (it, asked) => await this.#read(it, asked)),
      this.#service(fops.flush, async () => OK),
      this.#service(fops.release, async ({ fd }, { session }) => {
        await session.remove(fd);
        return OK;
      }),
      this.#service(fops.opendir, async ({ gfid }, asked) => await this.#opendir(gfid, asked)),
      this.#service(fops.releasedir, async ({ fd }, { session }) => {
        await session.remove(fd);
        return OK;
      }),
      this.#service(fops.readdir, async (it, asked) => await this.#list(it, asked, false)),
      this.#service(fops.readdirp, async (it, asked) => await this.#list(it, asked, true)),
      this.#service(fops.getxattr, async ({ gfid, name }) => await this.#getXattr(gfid, name)),
      this.#service(fops.fgetxattr, async ({ gfid, name }) => await this.#getXattr(gfid, name)),
      this.#service(fops.statfs, async ({ gfid }) => await this.#statfs(gfid)),
      ...WRITING.map((it) => this.#service(it, () => Promise.reject(new FopError(Errno.EROFS)))),
    ];
  }

  /** Fops are for who was let in; a refusal is a reply with its errno. */
  #service<Request, Reply extends object>(
    procedure: Procedure<Request, Reply>,
    serve: (request: Request, asked: Asked) => Promise<Reply>,
  ): RpcService {
    const { sessions, log } = this.#options;
    return service(procedure, async (request, connection, call) => {
      const session = sessions.get(connection);
      try {
        if (session === undefined) throw new FopError(Errno.EACCES);
        return await serve(request, { session, caller: this.#caller(call) });
      } catch (error) {
        const errno = error instanceof FopError ? error.errno : Errno.EIO;
        if (!(error instanceof FopError)) log.error({ fop: procedure.name, err: error }, "fop failed");
        return { ...EMPTY, opRet: -1, opErrno: errno } as unknown as Reply;
      }
    });
  }

  #caller(call: RpcCall): SnapdCaller {
    const credential = decodeCredential(call.credential);
    if (credential.kind === "none") throw new FopError(Errno.EACCES);
    const groups = Uint32Array.from(credential.groups);
    const pid = "pid" in credential ? credential.pid : 0;
    const { uid, gid } = credential;
    const caller: SnapdCaller = { pid, uid, gid, groups, groupCount: groups.length };
    squash(caller, this.#options.squashRule());
    return caller;
  }

  async #node(gfid: Uint8Array): Promise<TreeNode> {
    return await this.#options.tree.node(gfid);
  }

  async #stat(gfid: Uint8Array): Promise<Iatt> {
    return await this.#options.tree.stat(await this.#node(gfid));
  }

  async #lookup(
    { gfid, parent, name, xdata }: {
      gfid: Uint8Array; parent: Uint8Array; name: Uint8Array; xdata: TypedDictionary;
    },
    { caller }: Asked,
  ) {
    const { tree } = this.#options;
    const found = async (before: Iatt) =>
      ({ ...OK, xdata: await this.#acls(before.gfid, xdata), before, after: NO_IATT });
    if (xdata.has(ENTRY_POINT) && name.length > 0) return await found(tree.entryPoint(parent));
    const isSelf = name.length === 0 || (name.length === 1 && name[0] === DOT);
    if (!isSelf) return await found(await tree.child(await this.#node(parent), name, caller));
    const own = name.length === 0 ? gfid : parent;
    // A client asks for the root when it connects.
    if (own.every((byte, at) => byte === ROOT_GFID[at])) {
      return { ...OK, before: { ...tree.entryPoint(own), gfid: ROOT_GFID }, after: NO_IATT };
    }
    return await found(await this.#stat(own));
  }

  /** A mount with `-o acl` judges by what it is told here. Nothing is opened for it. */
  async #acls(gfid: Uint8Array, asked: TypedDictionary): Promise<TypedDictionary> {
    const keys = ACL_KEYS.filter((key) => asked.has(key));
    const { tree, catalogue } = this.#options;
    const node = keys.length === 0 ? undefined : await tree.node(gfid);
    if (node?.kind !== "object" || !catalogue.isOpen(node.snapshot.id)) return NO_DICTIONARY;
    const told = new Map<string, TypedValue>();
    for (const name of keys) {
      try {
        const value = await catalogue.ask(node.snapshot.id, "getXattr", { gfid: node.gfid, name });
        told.set(name, typed.bytes(value));
      } catch (error) {
        if (!(error instanceof FopError) || !NONE.includes(error.errno)) throw error;
      }
    }
    return told;
  }

  async #readlink(gfid: Uint8Array) {
    const node = await this.#node(gfid);
    if (node.kind === "entry-point") throw new FopError(Errno.EINVAL);
    const path = await this.#options.catalogue.ask(node.snapshot.id, "readlink", node);
    return { ...OK, opRet: path.length, stat: await this.#options.tree.stat(node), path };
  }

  async #read(
    { gfid, fd, offset, size }: { gfid: Uint8Array; fd: number; offset: number; size: number },
    { session, caller }: Asked,
  ) {
    const node = await this.#node(gfid);
    if (node.kind === "entry-point") throw new FopError(Errno.EINVAL);
    const { tree, catalogue } = this.#options;
    // What was opened was permitted then; other handles are judged now.
    if (!session.has(fd, gfid)) await tree.require(node, caller, WANT.read);
    const sizeBytes = Math.min(size, READ_MAX);
    const args = { gfid: node.gfid, offset, sizeBytes };
    const payload = await catalogue.ask(node.snapshot.id, "read", args);
    const stat = await tree.stat(node);
    const isEnd = offset + payload.length >= stat.size;
    const { length } = payload;
    return {
      opRet: length, opErrno: isEnd ? Errno.ENOENT : 0, stat, size: length,
      xdata: NO_DICTIONARY, payload,
    };
  }

  async #opendir(gfid: Uint8Array, { session, caller }: Asked) {
    const { tree, catalogue } = this.#options;
    const node = await this.#node(gfid);
    await tree.require(node, caller, WANT.read);
    const cursor = new DirectoryCursor(tree, catalogue, node);
    await cursor.open();
    return { ...OK, fd: session.add(gfid, cursor) };
  }

  async #list(
    { fd, offset, size, xdata }: {
      fd: number; offset: { high: number; low: number }; size: number; xdata: TypedDictionary;
    },
    { session }: Asked,
    isPlus: boolean,
  ) {
    const cursor = session.cursor(fd);
    if (cursor === undefined) throw new FopError(Errno.EBADF);
    const first = offset.low;
    const { entries, isEnd } = await cursor.from(first);
    const count = fitting(entries, size);
    // Who judges by ACLs is told of them by LOOKUP, and has to ask.
    const isBare = ACL_KEYS.some((key) => xdata.has(key));
    const shown = entries.slice(0, count).map(({ stat, ...bare }, index) =>
      wireEntry(stat === undefined || isBare ? bare : { ...bare, stat }, first + index + 1));
    const opErrno = isEnd && count === entries.length ? Errno.ENOENT : 0;
    const plus = isPlus ? shown : shown.map(({ stat: _stat, dictionary: _none, ...rest }) => rest);
    return { ...OK, opRet: shown.length, opErrno, entries: plus as typeof shown };
  }

  async #getXattr(gfid: Uint8Array, nameBytes: Uint8Array) {
    const node = await this.#node(gfid);
    const name = cText(nameBytes);
    if (node.kind === "entry-point") throw new FopError(Errno.ENODATA);
    const dictionary = new Map<string, TypedValue>();
    for (const key of name === "" ? await this.#xattrNames(node) : [name]) {
      if (isInternal(key)) throw new FopError(Errno.ENODATA);
      const args = { gfid: node.gfid, name: key };
      const value = await this.#options.catalogue.ask(node.snapshot.id, "getXattr", args);
      dictionary.set(key, typed.bytes(value));
    }
    return { ...OK, opRet: dictionary.size, dictionary, before: NO_IATT, after: NO_IATT };
  }

  async #xattrNames(node: Extract<TreeNode, { kind: "object" }>): Promise<string[]> {
    const args = { gfid: node.gfid };
    const list = await this.#options.catalogue.ask(node.snapshot.id, "getXattr", args);
    return Buffer.from(list).toString("utf8").split("\0")
      .filter((it) => it !== "" && !isInternal(it));
  }

  async #statfs(gfid: Uint8Array) {
    const node = await this.#node(gfid).catch(() => undefined);
    if (node === undefined || node.kind === "entry-point") return { ...OK, statfs: NO_STATFS };
    const usage = await this.#options.catalogue.ask(node.snapshot.id, "usage", {});
    return { ...OK, statfs: { ...NO_STATFS, ...usage, favail: usage.ffree, namemax: 255 } };
  }
}

/** Of the file system below, and of the clients of the snapshot: none of who looks at it. */
function isInternal(name: string): boolean {
  return name.startsWith("trusted.") || name.startsWith("glusterfs.");
}

function cText(bytes: Uint8Array): string {
  return textOf({ type: "text", value: bytes }) ?? "";
}

function fitting(entries: readonly TreeEntry[], sizeBytes: number): number {
  let bytes = 0;
  let count = 0;
  for (const { name } of entries) {
    bytes += ENTRY_BYTES + name.length;
    // One goes out however little room there is: a listing must get on.
    if (bytes > sizeBytes && count > 0) break;
    count += 1;
  }
  return count;
}

function wireEntry({ name, type, stat, inode }: TreeEntry, next: number) {
  const own = stat ?? NO_IATT;
  return {
    inode, offset: { high: 0, low: next }, length: name.length,
    type: stat !== undefined && isDirectory(stat) ? DT_DIRECTORY : type,
    name, stat: own, dictionary: NO_DICTIONARY,
  };
}

const DT_DIRECTORY = 4;

/** All members that any reply has; a layout takes its own. */
const EMPTY = {
  xdata: NO_DICTIONARY, stat: NO_IATT, before: NO_IATT, after: NO_IATT, fd: -1, size: 0,
  path: new Uint8Array(0), payload: new Uint8Array(0), entries: [], dictionary: NO_DICTIONARY,
  statfs: NO_STATFS, parentBefore: NO_IATT, parentAfter: NO_IATT, oldParentBefore: NO_IATT,
  oldParentAfter: NO_IATT, newParentBefore: NO_IATT, newParentAfter: NO_IATT,
} as const;
