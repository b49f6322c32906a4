/**
 * The file operations: program 1298437 version 400, which clients from 4.0 on speak. Objects are
 * named by gfid, or by the parent's gfid and a name; never by path.
 *
 * READ's reply has its attributes and size before xdata, and its data behind, all in one fragment.
 * WRITE and PUT have their data behind the request. COMPOUND (49) is dead and has no layout.
 */

import { xdr } from "@mortar/binary";
import { flock, gfid, iatt, lease, statfs } from "./attributes.ts";
import {
  common, commonReply, dictionaryReply, fd, fop, name, onFd, oneIattReply, threeIattReply,
  twoIattReply, withPayload, xdata,
} from "./fop-layout.ts";
import { nothing } from "./procedure.ts";
import { typedDictionary } from "./typed-dictionary.ts";

const onGfid = xdr.record({ gfid, xdata });
const onOpen = xdr.record({ ...onFd, xdata });
const fdReply = xdr.record({ ...common, fd });
const offset = xdr.u64Nearest;
const range = xdr.record({ ...onFd, offset, size: offset, xdata });

const entry = { inode: xdr.u64Halves, offset: xdr.u64Halves, length: xdr.u32, type: xdr.u32 };
const directoryEntry = xdr.record({ ...entry, name });
const directoryEntryPlus = xdr.record({ ...entry, name, stat: iatt, dictionary: typedDictionary });
const heldLock = xdr.record({ flock, clientUid: xdr.text, lockFlags: xdr.u32 });
const lockReply = xdr.record({ ...common, flock });

const inodeLock = { command: xdr.u32, type: xdr.u32, flock, domain: xdr.text, xdata };
/** `nameLength` 0: the whole directory. */
const entryLock = {
  command: xdr.u32, type: xdr.u32, nameLength: xdr.u64Nearest, name, domain: xdr.text, xdata,
};
const setXattr = { flags: xdr.u32, dictionary: typedDictionary, xdata };
/** `nameLength` 0: all attributes. */
const getXattr = { nameLength: xdr.u32, name, xdata };
const setAttributes = { stat: iatt, valid: xdr.i32, xdata };
const listDirectory = xdr.record({ ...onFd, offset: xdr.u64Halves, size: xdr.u32, xdata });

const writeHead = xdr.record({ ...onFd, offset, size: xdr.u32, flag: xdr.u32, xdata });
const readHead = xdr.record({
  opRet: xdr.i32, opErrno: xdr.i32, stat: iatt, size: xdr.u32, xdata,
});
const putHead = xdr.record({
  parent: gfid, name, mode: xdr.u32, umask: xdr.u32, flag: xdr.u32, offset, size: xdr.u32,
  xattr: typedDictionary, xdata,
});

export const fops = {
  null: fop(0, "NULL", nothing, nothing),
  stat: fop(1, "STAT", onGfid, oneIattReply),
  readlink: fop(
    2, "READLINK",
    xdr.record({ gfid, size: xdr.u32, xdata }),
    xdr.record({ ...common, stat: iatt, path: name }),
  ),
  mknod: fop(
    3, "MKNOD",
    xdr.record({ parent: gfid, dev: xdr.u64Halves, mode: xdr.u32, umask: xdr.u32, name, xdata }),
    threeIattReply,
  ),
  mkdir: fop(
    4, "MKDIR",
    xdr.record({ parent: gfid, mode: xdr.u32, umask: xdr.u32, name, xdata }),
    threeIattReply,
  ),
  unlink: fop(5, "UNLINK", xdr.record({ parent: gfid, name, flags: xdr.u32, xdata }), twoIattReply),
  rmdir: fop(6, "RMDIR", xdr.record({ parent: gfid, flags: xdr.i32, name, xdata }), twoIattReply),
  symlink: fop(
    7, "SYMLINK",
    xdr.record({ parent: gfid, name, umask: xdr.u32, target: name, xdata }),
    threeIattReply,
  ),
  rename: fop(
    8, "RENAME",
    xdr.record({ oldParent: gfid, newParent: gfid, oldName: name, newName: name, xdata }),
    xdr.record({
      ...common, stat: iatt, oldParentBefore: iatt, oldParentAfter: iatt, newParentBefore: iatt,
      newParentAfter: iatt,
    }),
  ),
  link: fop(
    9, "LINK",
    xdr.record({ gfid, newParent: gfid, newName: name, xdata }),
    threeIattReply,
  ),
  truncate: fop(10, "TRUNCATE", xdr.record({ gfid, offset, xdata }), twoIattReply),
  open: fop(11, "OPEN", xdr.record({ gfid, flags: xdr.u32, xdata }), fdReply),
  read: fop(
    12, "READ",
    xdr.record({ ...onFd, offset, size: xdr.u32, flag: xdr.u32, xdata }),
    withPayload(readHead),
  ),
  write: fop(13, "WRITE", withPayload(writeHead), twoIattReply),
  statfs: fop(14, "STATFS", onGfid, xdr.record({ ...common, statfs })),
  flush: fop(15, "FLUSH", onOpen, commonReply),
  fsync: fop(16, "FSYNC", xdr.record({ ...onFd, dataOnly: xdr.u32, xdata }), twoIattReply),
  setxattr: fop(17, "SETXATTR", xdr.record({ gfid, ...setXattr }), commonReply),
  getxattr: fop(18, "GETXATTR", xdr.record({ gfid, ...getXattr }), dictionaryReply),
  removexattr: fop(19, "REMOVEXATTR", xdr.record({ gfid, name, xdata }), commonReply),
  opendir: fop(20, "OPENDIR", onGfid, fdReply),
  fsyncdir: fop(21, "FSYNCDIR", xdr.record({ ...onFd, dataOnly: xdr.i32, xdata }), commonReply),
  access: fop(22, "ACCESS", xdr.record({ gfid, mask: xdr.u32, xdata }), commonReply),
  create: fop(
    23, "CREATE",
    xdr.record({ parent: gfid, flags: xdr.u32, mode: xdr.u32, umask: xdr.u32, name, xdata }),
    xdr.record({ ...common, stat: iatt, fd, parentBefore: iatt, parentAfter: iatt }),
  ),
  ftruncate: fop(24, "FTRUNCATE", xdr.record({ ...onFd, offset, xdata }), twoIattReply),
  fstat: fop(25, "FSTAT", onOpen, oneIattReply),
  lk: fop(
    26, "LK",
    xdr.record({ ...onFd, command: xdr.u32, type: xdr.u32, flock, xdata }),
    lockReply,
  ),
  /** The reply's `before` is the object, `after` its parent. */
  lookup: fop(
    27, "LOOKUP",
    xdr.record({ gfid, parent: gfid, flags: xdr.u32, name, xdata }),
    twoIattReply,
  ),
  readdir: fop(
    28, "READDIR", listDirectory,
    xdr.record({ ...common, entries: xdr.chain(directoryEntry) }),
  ),
  inodelk: fop(29, "INODELK", xdr.record({ gfid, ...inodeLock }), commonReply),
  finodelk: fop(30, "FINODELK", xdr.record({ ...onFd, ...inodeLock }), commonReply),
  entrylk: fop(31, "ENTRYLK", xdr.record({ gfid, ...entryLock }), commonReply),
  fentrylk: fop(32, "FENTRYLK", xdr.record({ ...onFd, ...entryLock }), commonReply),
  xattrop: fop(33, "XATTROP", xdr.record({ gfid, ...setXattr }), dictionaryReply),
  fxattrop: fop(34, "FXATTROP", xdr.record({ ...onFd, ...setXattr }), dictionaryReply),
  fgetxattr: fop(35, "FGETXATTR", xdr.record({ ...onFd, ...getXattr }), dictionaryReply),
  fsetxattr: fop(36, "FSETXATTR", xdr.record({ ...onFd, ...setXattr }), commonReply),
  rchecksum: fop(
    37, "RCHECKSUM",
    xdr.record({ ...onFd, offset, length: xdr.u32, flags: xdr.u32, xdata }),
    xdr.record({ ...common, flags: xdr.u32, weak: xdr.u32, strong: xdr.opaque }),
  ),
  setattr: fop(38, "SETATTR", xdr.record({ gfid, ...setAttributes }), twoIattReply),
  fsetattr: fop(39, "FSETATTR", xdr.record({ ...onFd, ...setAttributes }), twoIattReply),
  readdirp: fop(
    40, "READDIRP", listDirectory,
    xdr.record({ ...common, entries: xdr.chain(directoryEntryPlus) }),
  ),
  release: fop(41, "RELEASE", onOpen, commonReply),
  releasedir: fop(42, "RELEASEDIR", onOpen, commonReply),
  fremovexattr: fop(43, "FREMOVEXATTR", xdr.record({ ...onFd, name, xdata }), commonReply),
  fallocate: fop(
    44, "FALLOCATE",
    xdr.record({ ...onFd, flags: xdr.u32, offset, size: offset, xdata }),
    twoIattReply,
  ),
  discard: fop(45, "DISCARD", range, twoIattReply),
  zerofill: fop(46, "ZEROFILL", range, twoIattReply),
  ipc: fop(47, "IPC", xdr.record({ op: xdr.i32, xdata }), commonReply),
  seek: fop(
    48, "SEEK",
    xdr.record({ ...onFd, offset, what: xdr.i32, xdata }),
    xdr.record({ ...common, offset }),
  ),
  lease: fop(50, "LEASE", xdr.record({ gfid, lease, xdata }), xdr.record({ ...common, lease })),
  getactivelk: fop(
    51, "GETACTIVELK", onGfid,
    xdr.record({ ...common, locks: xdr.chain(heldLock) }),
  ),
  setactivelk: fop(
    52, "SETACTIVELK",
    xdr.record({ gfid, locks: xdr.chain(heldLock), xdata }),
    commonReply,
  ),
  icreate: fop(53, "ICREATE", xdr.record({ gfid, mode: xdr.u32, xdata }), oneIattReply),
  namelink: fop(54, "NAMELINK", xdr.record({ parent: gfid, name, xdata }), twoIattReply),
  put: fop(55, "PUT", withPayload(putHead), threeIattReply),
  /** The reply's `stat` is the source, the other two the target before and after. */
  copyFileRange: fop(
    56, "COPY_FILE_RANGE",
    xdr.record({
      source: gfid, target: gfid, sourceFd: fd, targetFd: fd, sourceOffset: offset,
      targetOffset: offset, size: xdr.u32, flag: xdr.u32, xdata,
    }),
    threeIattReply,
  ),
} as const;
