// The index of pending heals is asked for and looked at on the disk, here and on a stock
// glusterfsd that was sent the same requests.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import type { TypedDictionary, TypedValue } from "@mortar/gluster";
import { Random } from "@mortar/sim";
import { same, withBoth } from "./wire-client.fixture.ts";
import type { WireBrick } from "./wire-client.fixture.ts";

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;
const options = canRun ? { timeout: 60_000 } : { skip: "needs root and glusterfsd" };
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const NONE = new Uint8Array(16);
const FILES = [1, 2, 3].map((n) => Buffer.alloc(16, n));
const DIRECTORY = Buffer.alloc(16, 9);

const GFID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function plain(dictionary: TypedDictionary): Record<string, string> {
  const text = (value: TypedValue): string => (value.value instanceof Uint8Array
    ? Buffer.from(value.value).toString("hex") : JSON.stringify(value.value));
  return Object.fromEntries([...dictionary].map(([key, value]) => [key, text(value)]));
}

async function makeObjects(bricks: readonly WireBrick[]): Promise<void> {
  for (const [index, gfid] of FILES.entries()) {
    await same(bricks, "mknod", async ({ client }) => (await client.call(fops.mknod, {
      parent: ROOT, dev: { high: 0, low: 0 }, mode: 0o100644, umask: 0,
      name: Buffer.from(`f${index}`), xdata: new Map([["gfid-req", typed.gfid(gfid)]]),
    })).opRet);
  }
  await same(bricks, "mkdir", async ({ client }) => (await client.call(fops.mkdir, {
    parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from("d"),
    xdata: new Map([["gfid-req", typed.gfid(DIRECTORY)]]),
  })).opRet);
}

/** Names in the index, without the base files; a name that chance made is told as such. */
function onDisk(path: string): string[] {
  const known = new Set([...FILES, DIRECTORY].map(textOf));
  const tell = (name: string): string => (GFID.test(name) && !known.has(name) ? "other" : name);
  return ["xattrop", "dirty", "entry-changes"].flatMap((kind) => {
    const directory = join(path, ".glusterfs", "indices", kind);
    return readdirSync(directory).filter((name) => !name.startsWith(`${kind}-`)).flatMap((name) => [
      `${kind}/${tell(name)}`,
      ...(kind === "entry-changes"
        ? readdirSync(join(directory, name)).map((entry) => `${kind}/${tell(name)}/${entry}`) : []),
    ]);
  }).toSorted();
}

function textOf(gfid: Uint8Array): string {
  return Buffer.from(gfid).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function counters(...numbers: number[]): TypedValue {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => bytes.writeInt32BE(number, 4 * index));
  return typed.bytes(bytes);
}

interface Xattrop {
  readonly gfid: Uint8Array;
  readonly flags: number;
  readonly dictionary: TypedDictionary;
  readonly xdata: TypedDictionary;
}

function randomXattrop(random: Random): Xattrop {
  const gfid = random.pick([...FILES, DIRECTORY]);
  const dictionary = new Map<string, TypedValue>();
  if (random.chance(0.2)) {
    const delta = random.pick([1, -1, 0]);
    dictionary.set("trusted.ec.dirty", counters(delta < 0 ? -1 : 0, delta, 0, 0));
    return { gfid, flags: 1, dictionary, xdata: NO_DICTIONARY };
  }
  for (const key of ["trusted.afr.dirty", "trusted.afr.wire-client-1", "trusted.afr.wire-client-2"]) {
    if (!random.chance(0.7)) continue;
    dictionary.set(key, counters(random.pick([0, 0, 1, -1]), 0, random.pick([0, 0, 0, 1, -1])));
  }
  const xdata = new Map<string, TypedValue>();
  const name = random.pick(["one", "two", "xattrop-like"]);
  const action = random.below(10);
  if (action < 4) xdata.set("glusterfs.xattrop-entry-create", typed.text(name));
  else if (action < 7) xdata.set("glusterfs.xattrop-entry-delete", typed.text(name));
  else if (action < 9) xdata.set("glusterfs.xattrop-purge-index", typed.int(1));
  return { gfid, flags: 0, dictionary, xdata };
}

test("every XATTROP leaves the index as glusterfsd leaves it", options, () =>
  withBoth(async (bricks) => {
    await makeObjects(bricks);
    const random = new Random(1);
    let seen = 0;
    for (let step = 0; step < 250; step++) {
      const request = randomXattrop(random);
      if (request.dictionary.size === 0) continue;
      const asText = JSON.stringify([plain(request.dictionary), [...request.xdata.keys()]]);
      const what = `step ${step}: ${textOf(request.gfid)} ${asText}`;
      await same(bricks, what, async ({ client }) => {
        const { opRet, dictionary } = await client.call(fops.xattrop, request);
        return { opRet, dictionary: plain(dictionary) };
      });
      const names = await same(bricks, what, async ({ path }) => onDisk(path));
      seen = Math.max(seen, names.length);
      await same(bricks, `${what}: link-count`, async ({ client }) => {
        const { xdata } = await client.call(fops.lookup, {
          gfid: ROOT, parent: NONE, flags: 0, name: new Uint8Array(0),
          xdata: new Map([["link-count", typed.text("glusterfs.xattrop_index_count")]]),
        });
        return plain(xdata)["link-count"];
      });
    }
    assert.ok(seen > 8, `${seen} names at most`);
  }));

async function indexGfid({ client }: WireBrick, key: string): Promise<Uint8Array> {
  const { dictionary } = await client.call(fops.getxattr, {
    gfid: ROOT, nameLength: 1, name: Buffer.from(key), xdata: NO_DICTIONARY,
  });
  const value = dictionary.get(key)?.value;
  assert.ok(value instanceof Uint8Array && value.length === 16, key);
  return value;
}

async function lookup(
  { client }: WireBrick, gfid: Uint8Array, parent: Uint8Array = NONE, name = "",
) {
  return client.call(fops.lookup, {
    gfid, parent, flags: 0, name: Buffer.from(name),
    xdata: new Map([["glusterfs.index-ia-type-get-req", typed.int(1)]]),
  });
}

async function list({ client }: WireBrick, gfid: Uint8Array): Promise<string[]> {
  const { fd, opRet } = await client.call(fops.opendir, { gfid, xdata: NO_DICTIONARY });
  assert.equal(opRet, 0, "OPENDIR");
  const found: string[] = [];
  for (let offset = { high: 0, low: 0 }; ;) {
    const { entries } = await client.call(fops.readdir, {
      gfid, fd, offset, size: 300, xdata: new Map([["get-gfid-type", typed.int(1)]]),
    });
    if (entries.length === 0) break;
    found.push(...entries.map((entry) => `${Buffer.from(entry.name).toString()} ${entry.type}`));
    offset = entries.at(-1)!.offset;
  }
  await client.call(fops.releasedir, { gfid, fd, xdata: NO_DICTIONARY });
  return found.filter((line) => !line.startsWith("entry-changes-")).toSorted();
}

test("its directories are looked up, listed and cleared as glusterfsd's", options, () =>
  withBoth(async (bricks) => {
    await makeObjects(bricks);
    const mark = (gfid: Uint8Array, key: string, delta: number, xdata = NO_DICTIONARY) =>
      same(bricks, "mark", async ({ client }) => (await client.call(fops.xattrop, {
        gfid, flags: 0, dictionary: new Map([[key, counters(delta, 0, delta)]]), xdata,
      })).opRet);
    for (const gfid of FILES) await mark(gfid, "trusted.afr.wire-client-1", 1);
    await mark(FILES[0]!, "trusted.afr.dirty", 1);
    for (const name of ["a", "b"]) {
      const xdata = new Map([["glusterfs.xattrop-entry-create", typed.text(name)]]);
      await mark(DIRECTORY, "trusted.afr.wire-client-1", 1, xdata);
    }
    const keys = ["index", "dirty", "entry_changes"].map((kind) => `glusterfs.xattrop_${kind}_gfid`);
    for (const key of keys) {
      await same(bricks, `LOOKUP ${key}`, async (brick) => {
        const { opRet, before, xdata } = await lookup(brick, await indexGfid(brick, key));
        return { opRet, kind: before.mode & 0o170000, xdata: plain(xdata), ino: before.ino };
      });
      await same(bricks, `READDIR ${key}`, async (brick) => list(brick, await indexGfid(brick, key)));
    }
    for (const name of ["glusterfs.xattrop_index_count", "glusterfs.xattrop_dirty_count"]) {
      await same(bricks, name, async ({ client }) => plain((await client.call(fops.getxattr, {
        gfid: ROOT, nameLength: 1, name: Buffer.from(name), xdata: NO_DICTIONARY,
      })).dictionary));
    }
    // The names of one parent, as granular entry healing takes them.
    await same(bricks, "entry-changes/PARENT", async (brick) => {
      const parent = await indexGfid(brick, keys[2]!);
      const { opRet, before } = await lookup(brick, NONE, parent, textOf(DIRECTORY));
      assert.equal(opRet, 0);
      const names = await list(brick, before.gfid);
      const removed = await brick.client.call(fops.unlink, {
        parent: before.gfid, name: Buffer.from("a"), flags: 0, xdata: NO_DICTIONARY,
      });
      return { names, removed: removed.opRet, left: await list(brick, before.gfid) };
    });
    await same(bricks, "UNLINK of an entry", async (brick) => {
      const parent = await indexGfid(brick, keys[0]!);
      const { opRet } = await brick.client.call(fops.unlink, {
        parent, name: Buffer.from(textOf(FILES[1]!)), flags: 0, xdata: NO_DICTIONARY,
      });
      return { opRet, names: await list(brick, parent), disk: onDisk(brick.path) };
    });
    await same(bricks, "RMDIR of a parent that still has a name", async (brick) => {
      const { opRet } = await brick.client.call(fops.rmdir, {
        parent: await indexGfid(brick, keys[2]!), flags: 0,
        name: Buffer.from(textOf(DIRECTORY)), xdata: NO_DICTIONARY,
      });
      return { opRet, disk: onDisk(brick.path) };
    });
    await same(bricks, "a gfid of nothing", async (brick) => {
      const gfid = Buffer.alloc(16, 0x77);
      const opened = await brick.client.call(fops.opendir, { gfid, xdata: NO_DICTIONARY });
      return [(await lookup(brick, gfid)).opErrno, opened.opRet, opened.opErrno];
    });
    // Unlike glusterfsd, which remembers a link that is gone, and would never have it healed.
    await mark(FILES[1]!, "trusted.afr.wire-client-1", 1);
    assert.ok(onDisk(bricks[1]!.path).includes(`xattrop/${textOf(FILES[1]!)}`));
  }));

test("an arbiter takes what it does not store, as glusterfsd's", options, () =>
  withBoth(async (bricks) => {
    await makeObjects(bricks);
    const gfid = FILES[0]!;
    await same(bricks, "WRITE and READ", async ({ client }) => {
      const { fd } = await client.call(fops.open, { gfid, flags: 2, xdata: NO_DICTIONARY });
      const onFile = { gfid, fd, xdata: NO_DICTIONARY };
      await client.call(fops.lookup, {
        gfid, parent: NONE, flags: 0, name: new Uint8Array(0), xdata: NO_DICTIONARY,
      });
      const written = await client.call(fops.write, {
        ...onFile, offset: 0, size: 5, flag: 0, payload: Buffer.from("hello"),
        xdata: new Map([
          ["glusterfs.write-is-append", typed.int(4)], ["glusterfs.open-fd-count", typed.int(4)],
          ["glusterfs.inodelk-dom-count", typed.text("wire-replicate-0")],
        ]),
      });
      const read = await client.call(fops.read, { ...onFile, offset: 0, size: 5, flag: 0 });
      const sought = await client.call(fops.seek, { ...onFile, offset: 0, what: 0 });
      const cut = await client.call(fops.ftruncate, { ...onFile, offset: 3 });
      const allocated = await client.call(fops.fallocate, {
        ...onFile, flags: 0, offset: 0, size: 100,
      });
      return {
        written: [written.opRet, written.after.size, plain(written.xdata)],
        read: [read.opRet, read.opErrno], sought: [sought.opRet, sought.opErrno],
        cut: [cut.opRet, cut.after.size], allocated: [allocated.opRet, allocated.after.size],
      };
    });
  }, { isArbiter: true }));
