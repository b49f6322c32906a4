/**
 * What `.snaps` shows, as a tree of virtual gfids:
 *
 *     D/.snaps            an entry point: the directory D of the volume, and in it
 *     D/.snaps/NAME       the directory D in the snapshot NAME
 *     D/.snaps/NAME/…     what was in it
 *
 * An entry point lists all snapshots without looking into them. `D/.snaps/NAME` of a snapshot that
 * is not open is told to be a directory for everybody, so that a listing opens nothing; who goes
 * into it is judged by what the directory was.
 */
import {
  type Acl, type Caller, type Guarded, parseAcl, permits, WANT,
} from "@mortar/brick-services";
import { type Iatt, IATT_FLAGS_USUAL, NO_IATT } from "@mortar/gluster";
import type { GfapiEntry, GfapiStat } from "@mortar/linux";
import { Errno, FopError } from "./fop-error.ts";
import type { ListedSnapshot, SnapshotCatalogue } from "./snapshot-catalogue.ts";
import {
  combine, entryPointKey, hexOf, isEntryPoint, mayBeOf,
} from "./virtual-gfid.ts";

/** What a virtual gfid stands for. `gfid` is that in the volume, or in the snapshot. */
export type TreeNode =
  | { readonly kind: "entry-point"; readonly gfid: Uint8Array }
  | { readonly kind: "object"; readonly snapshot: ListedSnapshot; readonly gfid: Uint8Array };

export interface TreeEntry {
  readonly name: Uint8Array;
  /** Not zero: programs skip such entries. */
  readonly inode: Iatt["ino"];
  /** DT_ number. */
  readonly type: number;
  /** Absent: to be looked up. */
  readonly stat?: Iatt;
}

const DT_DIRECTORY = 4;
const DIRECTORY_MODE = 0o040755;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
/** Objects whose snapshot is remembered. */
const NODES_MAX = 65_536;
const ACL_ACCESS = "system.posix_acl_access";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class SnapshotTree {
  readonly #catalogue: SnapshotCatalogue;
  readonly #nodes = new Map<string, TreeNode>();
  readonly #startedAt = Math.floor(Date.now() / 1000);

  constructor(catalogue: SnapshotCatalogue) {
    this.#catalogue = catalogue;
  }

  /** Rejects with FopError ESTALE: no snapshot has such an object. */
  async node(virtual: Uint8Array): Promise<TreeNode> {
    const known = this.#nodes.get(hexOf(virtual));
    if (known !== undefined) return known;
    if (isEntryPoint(virtual)) {
      return { kind: "entry-point", gfid: combine(virtual, entryPointKey) };
    }
    const open = this.#catalogue.openOnes();
    const others = (await this.#catalogue.all()).filter((it) => !open.some(({ id }) => id === it.id));
    for (const snapshot of [...open, ...others]) {
      if (!mayBeOf(virtual, snapshot.key)) continue;
      const node = { kind: "object", snapshot, gfid: combine(virtual, snapshot.key) } as const;
      try {
        await this.#catalogue.ask(snapshot.id, "stat", { gfid: node.gfid });
      } catch {
        continue;
      }
      this.#remember(virtual, node);
      return node;
    }
    throw new FopError(Errno.ESTALE);
  }

  /** The directory `.snaps` of a directory of the volume. */
  entryPoint(gfid: Uint8Array): Iatt {
    return this.#directory(combine(gfid, entryPointKey), this.#startedAt);
  }

  async child(parent: TreeNode, name: Uint8Array, caller: Caller): Promise<Iatt> {
    if (parent.kind === "object") {
      await this.require(parent, caller, WANT.execute);
      const { snapshot } = parent;
      const { gfid, stat } = await this.#catalogue.ask(
        snapshot.id, "lookup", { parent: parent.gfid, name },
      );
      return this.#object(snapshot, gfid, stat);
    }
    const snapshot = await this.#catalogue.named(decoder.decode(name));
    if (snapshot === undefined) throw new FopError(Errno.ENOENT);
    return await this.#snapshotRoot(snapshot, parent.gfid);
  }

  async stat(node: TreeNode): Promise<Iatt> {
    if (node.kind === "entry-point") return this.entryPoint(node.gfid);
    const { snapshot, gfid } = node;
    const stat = await this.#catalogue.ask(snapshot.id, "stat", { gfid });
    return this.#object(snapshot, gfid, stat);
  }

  /** Rejects with FopError EACCES. */
  async require(node: TreeNode, caller: Caller, want: number): Promise<void> {
    if (node.kind === "entry-point") {
      if ((want & WANT.write) !== 0) throw new FopError(Errno.EROFS);
      return;
    }
    // Whether it is there is found out even for root.
    const stat = await this.#catalogue.ask(node.snapshot.id, "stat", { gfid: node.gfid });
    if (caller.uid === 0) return;
    const { uid, gid, mode } = stat;
    const guarded: Guarded = { uid, gid, mode, acl: await this.#acl(node) };
    if (!permits(caller, guarded, want)) throw new FopError(Errno.EACCES);
  }

  /** Entries of an entry point: without attributes, which only looking them up would give. */
  async snapshotNames(directory: Uint8Array): Promise<TreeEntry[]> {
    const own = identityOf(combine(directory, entryPointKey)).ino;
    const all = (await this.#catalogue.all()).map(({ name, key }) => ({
      name, inode: identityOf(combine(directory, key)).ino,
    }));
    const dots = [{ name: ".", inode: own }, { name: "..", inode: own }];
    return [...dots, ...all].map(({ name, inode }) => ({
      name: encoder.encode(name), type: DT_DIRECTORY, inode,
    }));
  }

  entryOf(snapshot: ListedSnapshot, { name, type, found }: GfapiEntry): TreeEntry {
    const isSelf = name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
    if (found === undefined || isSelf) return { name, type, inode: UNKNOWN_INODE };
    const stat = this.#object(snapshot, found.gfid, found.stat);
    return { name, type, stat, inode: stat.ino };
  }

  async #acl(node: Extract<TreeNode, { kind: "object" }>): Promise<Acl | undefined> {
    try {
      const args = { gfid: node.gfid, name: ACL_ACCESS };
      return parseAcl(await this.#catalogue.ask(node.snapshot.id, "getXattr", args));
    } catch (error) {
      const isNone = error instanceof FopError &&
        (error.errno === Errno.ENODATA || error.errno === Errno.EOPNOTSUPP);
      if (isNone) return undefined;
      throw error;
    }
  }

  /** Of one that is not open nothing is asked. */
  async #snapshotRoot(snapshot: ListedSnapshot, gfid: Uint8Array): Promise<Iatt> {
    if (this.#catalogue.isOpen(snapshot.id)) {
      try {
        const stat = await this.#catalogue.ask(snapshot.id, "stat", { gfid });
        return this.#object(snapshot, gfid, stat);
      } catch (error) {
        if (!(error instanceof FopError) || error.errno !== Errno.ESTALE) throw error;
        throw new FopError(Errno.ENOENT);
      }
    }
    const virtual = combine(gfid, snapshot.key);
    this.#remember(virtual, { kind: "object", snapshot, gfid });
    return this.#directory(virtual, snapshot.createdAt);
  }

  #remember(virtual: Uint8Array, node: TreeNode): void {
    const key = hexOf(virtual);
    this.#nodes.delete(key);
    this.#nodes.set(key, node);
    if (this.#nodes.size > NODES_MAX) this.#nodes.delete(this.#nodes.keys().next().value!);
  }

  #object(snapshot: ListedSnapshot, gfid: Uint8Array, stat: GfapiStat): Iatt {
    const virtual = combine(gfid, snapshot.key);
    this.#remember(virtual, { kind: "object", snapshot, gfid });
    const { rdevMajor, rdevMinor, ...rest } = stat;
    return {
      ...NO_IATT,
      ...rest,
      ...identityOf(virtual),
      rdev: { high: rdevMajor, low: rdevMinor },
    };
  }

  #directory(virtual: Uint8Array, seconds: number): Iatt {
    return {
      ...NO_IATT,
      ...identityOf(virtual),
      atime: seconds, mtime: seconds, ctime: seconds,
      nlink: 2, size: 4096, blksize: 4096, blocks: 8,
      mode: DIRECTORY_MODE,
    };
  }
}

const DOT = 0x2e;
const UNKNOWN_INODE = { high: 0, low: 1 } as const;

function identityOf(virtual: Uint8Array): Pick<Iatt, "gfid" | "flags" | "ino"> {
  const view = new DataView(virtual.buffer, virtual.byteOffset, virtual.length);
  const ino = { high: view.getUint32(8, false), low: view.getUint32(12, false) };
  return { gfid: virtual, flags: IATT_FLAGS_USUAL, ino };
}

export function isDirectory(stat: Iatt): boolean {
  return (stat.mode & S_IFMT) === S_IFDIR;
}
