/** Every procedure of the fop program: what serves it, and how long the reply of a failure is. */
import { fops } from "@mortar/gluster";
import { Errno } from "../store/errno.ts";
import { access, fsetattr, setattr, statfs } from "./attributes.ts";
import {
  copyFileRange, discard, fallocate, flush, fsync, fsyncdir, ftruncate, read, seek, truncate,
  write, zerofill,
} from "./data.ts";
import { link, mkdir, mknod, readlink, rename, symlink } from "./entry.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { ipc, lease } from "./lease.ts";
import { readdir, readdirp } from "./listing.ts";
import { getactivelk, setactivelk } from "./lock-migration.ts";
import { entrylk, fentrylk, finodelk, inodelk, lk } from "./locking.ts";
import { fstat, lookup, stat } from "./lookup.ts";
import { create, open, opendir, release } from "./opening.ts";
import { icreate, namelink } from "./nameless.ts";
import { put } from "./put.ts";
import { rchecksum } from "./rchecksum.ts";
import { rmdir, unlink } from "./removal.ts";
import {
  fgetxattr, fremovexattr, fsetxattr, getxattr, removexattr, setxattr,
} from "./xattr.ts";
import { fxattrop, xattrop } from "./xattrop.ts";

const nothing: Handler = () => DONE;
/** Answered in full, so that the client does not take the connection for lost. */
const unsupported: Handler = () => Errno.EOPNOTSUPP;

const SERVED: Partial<Record<keyof typeof fops, Handler>> = {
  null: nothing, lookup, stat, fstat, read, write, flush, fsync, fsyncdir, truncate, ftruncate,
  fallocate, discard, zerofill, seek, copyFileRange, open, opendir, create, release,
  releasedir: release, mkdir, mknod, symlink, readlink, link, unlink, rmdir, rename, setattr,
  fsetattr, access, statfs, readdir, readdirp, setxattr, fsetxattr, getxattr, fgetxattr,
  removexattr, fremovexattr, xattrop, fxattrop, rchecksum, lk, inodelk, finodelk, entrylk, fentrylk,
  getactivelk, setactivelk, icreate, namelink, put, lease, ipc,
};

export interface ServedFop {
  readonly name: string;
  readonly handler: Handler;
  /** Of a result with all dictionaries and lists empty. */
  readonly replyBytes: number;
}

/** Dead, without a layout of its own; but no client is to lose its connection by it. */
const COMPOUND = 49;
const COMMON_BYTES = 20;

export const fopTable: readonly (ServedFop | undefined)[] = makeTable();

function makeTable(): (ServedFop | undefined)[] {
  const table: (ServedFop | undefined)[] = [];
  for (const [key, procedure] of Object.entries(fops)) {
    table[procedure.number] = {
      name: procedure.name,
      handler: SERVED[key as keyof typeof fops] ?? unsupported,
      replyBytes: procedure.reply.sizeMin,
    };
  }
  table[COMPOUND] = { name: "COMPOUND", handler: unsupported, replyBytes: COMMON_BYTES };
  return table;
}
