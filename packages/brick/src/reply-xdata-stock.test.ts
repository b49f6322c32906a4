// What replies tell beside their results, asked of us and of a stock glusterfsd: replicas that are
// told different things by their bricks take them for different.
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import type { Iatt, TypedDictionary, TypedValue } from "@mortar/gluster";
import { same, withBoth } from "./wire-client.fixture.ts";
import type { WireBrick } from "./wire-client.fixture.ts";

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;
const options = canRun ? { timeout: 60_000 } : { skip: "needs root and glusterfsd" };
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const NONE = new Uint8Array(16);
const DOMAIN = "wire-domain";
const EVERYTHING = { whence: 0, pid: 1, lockOwner: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 1) };
const ZERO = { high: 0, low: 0 };
const ATTRIBUTE = /^(trusted|security|system)\./;
/** Said of a checksum when the option is on, as it is by default in a volume. */
const CHECKSUM_KIND = "fips-mode-rchecksum";
const FIXED_BITS = 0o170000 + 0o7777;

const none = NO_DICTIONARY;
const counts: TypedDictionary = new Map([
  ["glusterfs.inodelk-count", typed.int(0)], ["glusterfs.entrylk-count", typed.int(0)],
  ["glusterfs.posixlk-count", typed.int(0)], ["glusterfs.parent-entrylk", typed.int(0)],
  ["glusterfs.open-fd-count", typed.int(0)], ["glusterfs.open-active-fd-count", typed.int(0)],
]);
const domainCount: TypedDictionary = new Map([
  ["glusterfs.inodelk-dom-count", typed.text(DOMAIN)],
]);
const bothCounts: TypedDictionary = new Map([
  ["glusterfs.inodelk-dom-count", typed.text(DOMAIN)],
  ["glusterfs.inodelk-count", typed.int(0)],
]);
const domains: TypedDictionary = new Map([
  ["glusterfs.multi-dom-lk-cnt-req", typed.int(1)],
  [`glusterfs.inodelk-dom-prefix:${DOMAIN}`, typed.int(0)],
  ["glusterfs.inodelk-dom-prefix:other", typed.int(0)],
]);
const ofCopies: TypedDictionary = new Map<string, TypedValue>([
  ["trusted.ec.version", typed.int(0)], ["trusted.ec.size", typed.int(0)],
  ["trusted.ec.config", typed.int(0)], ["trusted.ec.dirty", typed.int(0)],
  ["trusted.afr.dirty", typed.int(0)], ["get-size", typed.int(0)],
  ["link-count", typed.text("glusterfs.xattrop_index_count")],
  ["dht-get-iatt-in-xattr", typed.int(1)], ["trusted.glusterfs.dht", typed.int(0)],
  ["trusted.glusterfs.dht.linkto", typed.int(0)], ["glusterfs.write-is-append", typed.int(0)],
  ["glusterfs.write-update-atomic", typed.int(0)], ["get-link-count", typed.int(0)],
  ["system.posix_acl_access", typed.int(0)], ["security.ima", typed.int(0)],
]);
const REQUESTS: readonly (readonly [string, TypedDictionary])[] = [
  ["nothing", none], ["counts", counts], ["a domain's count", domainCount],
  ["both counts", bothCounts], ["counts of domains", domains], ["what copies ask", ofCopies],
];

const told = (xdata: TypedDictionary): string[] =>
  [...xdata].filter(([key]) => key !== CHECKSUM_KIND)
    .map(([key, value]) => `${key}: ${valueText(value)}`).toSorted();

function valueText({ type, value }: TypedValue): string {
  if (typeof value === "number") return `${type} ${value}`;
  if (value instanceof Uint8Array) return `${type} ${Buffer.from(value).toString("hex")}`;
  return type === "iatt" ? `iatt ${iattText(value)}` : type;
}

const iattText = ({ gfid, mode, nlink, size, flags }: Iatt): string => [
  Buffer.from(gfid).toString("hex"), (mode & FIXED_BITS).toString(8), nlink, size, flags,
].join(" ");

interface Reply {
  readonly opRet: number;
  readonly xdata: TypedDictionary;
  readonly before?: Iatt;
  readonly after?: Iatt;
  readonly stat?: Iatt;
}

/** What must be alike in a reply. A directory's size and link count are the file system's. */
const essence = ({ opRet, xdata }: Reply): unknown => ({ opRet, told: told(xdata) });

const asked = (gfid: Uint8Array, xdata: TypedDictionary): TypedDictionary =>
  // What else is in there becomes an attribute of what is made.
  new Map([["gfid-req", typed.gfid(gfid)], ...[...xdata].filter(([key]) => !ATTRIBUTE.test(key))]);

/** Every fop that a replica sends, in an order in which each can be done. */
async function history(
  { client }: WireBrick, note: (what: string, reply: Reply) => void, xdata: TypedDictionary,
  prefix: number,
): Promise<void> {
  const gfid = Buffer.alloc(16, prefix);
  const [other, directory, link] = [1, 2, 3].map((byte) => Buffer.alloc(16, prefix + byte));
  const nameOf = (text: string) => Buffer.from(`${text}-${prefix}`);
  note("ENTRYLK", await client.call(fops.entrylk, {
    gfid: ROOT, command: 2, type: 1, nameLength: 1, name: nameOf("f"), domain: DOMAIN, xdata,
  }));
  const made = await client.call(fops.create, {
    parent: ROOT, flags: 2, mode: 0o100644, umask: 0, name: nameOf("f"), xdata: asked(gfid, xdata),
  });
  note("CREATE", made);
  const { fd } = made;
  note("MKNOD", await client.call(fops.mknod, {
    parent: ROOT, dev: ZERO, mode: 0o100644, umask: 0, name: nameOf("n"),
    xdata: asked(other!, xdata),
  }));
  note("MKDIR", await client.call(fops.mkdir, {
    parent: ROOT, mode: 0o755, umask: 0, name: nameOf("d"), xdata: asked(directory!, xdata),
  }));
  note("SYMLINK", await client.call(fops.symlink, {
    parent: ROOT, name: nameOf("l"), umask: 0, target: nameOf("f"), xdata: asked(link!, xdata),
  }));
  await lockAll(client, gfid, fd, note, xdata);
  await changeContent(client, gfid, fd, note, xdata);
  await askAttributes(client, gfid, directory!, fd, note, xdata);
  note("LOOKUP", await client.call(fops.lookup, {
    gfid, parent: ROOT, flags: 0, name: nameOf("f"), xdata,
  }));
  note("LOOKUP by gfid", await client.call(fops.lookup, {
    gfid, parent: NONE, flags: 0, name: new Uint8Array(0), xdata,
  }));
  note("READLINK", await client.call(fops.readlink, { gfid: link!, size: 200, xdata }));
  note("LINK", await client.call(fops.link, {
    gfid: other!, newParent: ROOT, newName: nameOf("n2"), xdata,
  }));
  note("RENAME", await client.call(fops.rename, {
    oldParent: ROOT, newParent: ROOT, oldName: nameOf("n2"), newName: nameOf("n3"), xdata,
  }));
  for (const name of ["n3", "n", "f", "l"]) {
    note(`UNLINK ${name}`, await client.call(fops.unlink, {
      parent: ROOT, name: nameOf(name), flags: 0, xdata,
    }));
  }
  note("RMDIR", await client.call(fops.rmdir, {
    parent: ROOT, flags: 0, name: nameOf("d"), xdata,
  }));
  note("RELEASE", await client.call(fops.release, { gfid, fd, xdata: none }));
}

type Note = (what: string, reply: Reply) => void;
type Client = WireBrick["client"];

async function lockAll(
  client: Client, gfid: Uint8Array, fd: number, note: Note, xdata: TypedDictionary,
): Promise<void> {
  const flock = { ...EVERYTHING, type: 1, start: ZERO, length: ZERO };
  note("INODELK", await client.call(fops.inodelk, {
    gfid, command: 1, type: 1, domain: DOMAIN, flock, xdata,
  }));
  note("LK", await client.call(fops.lk, { gfid, fd, command: 1, type: 1, flock, xdata }));
}

async function changeContent(
  client: Client, gfid: Uint8Array, fd: number, note: Note, xdata: TypedDictionary,
): Promise<void> {
  const payload = Buffer.from("some bytes");
  const on = { gfid, fd, xdata };
  const size = payload.length;
  note("WRITE", await client.call(fops.write, { ...on, offset: 0, size, flag: 2, payload }));
  note("READ", await client.call(fops.read, { ...on, offset: 0, size, flag: 0 }));
  note("FSYNC", await client.call(fops.fsync, { ...on, dataOnly: 0 }));
  note("FALLOCATE", await client.call(fops.fallocate, { ...on, flags: 0, offset: 0, size: 100 }));
  note("DISCARD", await client.call(fops.discard, { ...on, offset: 0, size: 5 }));
  note("ZEROFILL", await client.call(fops.zerofill, { ...on, offset: 0, size: 5 }));
  note("FTRUNCATE", await client.call(fops.ftruncate, { ...on, offset: 7 }));
  note("TRUNCATE", await client.call(fops.truncate, { gfid, offset: 8, xdata }));
  note("SEEK", await client.call(fops.seek, { ...on, offset: 0, what: 0 }));
  note("RCHECKSUM", await client.call(fops.rchecksum, { ...on, offset: 0, length: 8, flags: 0 }));
  note("FLUSH", await client.call(fops.flush, on));
}

async function askAttributes(
  client: Client, gfid: Uint8Array, directory: Uint8Array, fd: number, note: Note,
  xdata: TypedDictionary,
): Promise<void> {
  const on = { gfid, fd, xdata };
  const dictionary = new Map([["user.one", typed.bytes(Buffer.from("1"))]]);
  const counters = new Map([
    ["trusted.ec.version", typed.bytes(Buffer.alloc(16, 1))],
    ["trusted.ec.size", typed.bytes(Buffer.alloc(8, 1))],
    ["trusted.ec.dirty", typed.bytes(Buffer.alloc(16))],
  ]);
  const name = Buffer.from("user.one");
  note("OPEN", await client.call(fops.open, { gfid, flags: 2, xdata }));
  note("OPENDIR", await client.call(fops.opendir, { gfid: directory, xdata }));
  note("STAT", await client.call(fops.stat, { gfid, xdata }));
  note("FSTAT", await client.call(fops.fstat, on));
  note("ACCESS", await client.call(fops.access, { gfid, mask: 4, xdata }));
  note("STATFS", await client.call(fops.statfs, { gfid, xdata }));
  note("SETXATTR", await client.call(fops.setxattr, { gfid, flags: 0, dictionary, xdata }));
  note("FSETXATTR", await client.call(fops.fsetxattr, { ...on, flags: 0, dictionary }));
  note("SETXATTR of a directory", await client.call(fops.setxattr, {
    gfid: directory, flags: 0, dictionary, xdata,
  }));
  note("GETXATTR", await client.call(fops.getxattr, { gfid, nameLength: 8, name, xdata }));
  note("FGETXATTR", await client.call(fops.fgetxattr, { ...on, nameLength: 8, name }));
  note("REMOVEXATTR", await client.call(fops.removexattr, { gfid, name, xdata }));
  await client.call(fops.setxattr, { gfid, flags: 0, dictionary, xdata });
  note("FREMOVEXATTR", await client.call(fops.fremovexattr, { ...on, name }));
  for (const flags of [0, 1, 4]) {
    const xattrop = await client.call(fops.xattrop, { gfid, flags, dictionary: counters, xdata });
    note(`XATTROP ${flags}`, xattrop);
    note(`XATTROP ${flags}, results`, { ...xattrop, xdata: xattrop.dictionary });
    const fxattrop = await client.call(fops.fxattrop, { ...on, flags, dictionary: counters });
    note(`FXATTROP ${flags}`, fxattrop);
    note(`FXATTROP ${flags}, results`, { ...fxattrop, xdata: fxattrop.dictionary });
  }
  const { stat } = await client.call(fops.stat, { gfid, xdata: none });
  note("SETATTR", await client.call(fops.setattr, { gfid, stat, valid: 1, xdata }));
  note("FSETATTR", await client.call(fops.fsetattr, { ...on, stat, valid: 1 }));
}

for (const [index, [title, xdata]] of REQUESTS.entries()) {
  test(`a request that asks ${title} is told what glusterfsd tells`, options, () =>
    withBoth(async (bricks) => {
      await same(bricks, title, async (brick) => {
        const notes: Record<string, unknown> = {};
        await history(brick, (what, reply) => {
          notes[what] = essence(reply);
        }, xdata, 16 + 16 * index);
        return notes;
      });
    }));
}
