// Requests that fit no object as it is: a gfid in use by another, a name in a file, a descriptor of
// what is gone, a directory opened as a file. Asked of us and of a stock glusterfsd.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import type { TypedDictionary } from "@mortar/gluster";
import { getXattr, listXattrs } from "@mortar/linux";
import { same, withBoth, withBricks } from "./wire-client.fixture.ts";
import type { WireBrick } from "./wire-client.fixture.ts";

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;
const options = canRun ? { timeout: 60_000 } : { skip: "needs root and glusterfsd" };
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const NONE = new Uint8Array(16);
const xdata = NO_DICTIONARY;
const INTERNAL = new Map([["glusterfs-internal-fop", typed.text("yes")]]);
const ANONYMOUS = -2;
const O_RDWR = 2;
const S_IFIFO = 0o010000;
const S_IFREG = 0o100000;

const SELF_HEAL = -6;
const DIFFER = [
  "OPEN 51: stock done, ours errno 21",
  "FTRUNCATE 51: stock errno 22, ours errno 9",
  "OPENDIR 54: stock errno 2, ours errno 20",
  "FSTAT 54: stock errno 9, ours done",
  "TRUNCATE 54: stock errno 2, ours errno 9",
  "FGETXATTR 54: stock errno 9, ours errno 61",
];

const gfid = (byte: number): Buffer => Buffer.alloc(16, byte);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const wanted = (byte: number, more: TypedDictionary = xdata): TypedDictionary =>
  new Map([["gfid-req", typed.gfid(gfid(byte))], ...more]);

interface Answer {
  readonly opRet: number;
  readonly opErrno: number;
}

const told = ({ opRet, opErrno }: Answer): string => (opRet < 0 ? `errno ${opErrno}` : "done");

type Make = (brick: WireBrick, name: string, byte: number, more?: TypedDictionary) => Promise<string>;

const makers: Readonly<Record<string, Make>> = {
  MKDIR: async ({ client }, name, byte, more) => told(await client.call(fops.mkdir, {
    parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from(name), xdata: wanted(byte, more),
  })),
  MKNOD: async ({ client }, name, byte, more) => told(await client.call(fops.mknod, {
    parent: ROOT, dev: { high: 0, low: 0 }, mode: S_IFREG | 0o644, umask: 0, name: Buffer.from(name),
    xdata: wanted(byte, more),
  })),
  "MKNOD of a pipe": async ({ client }, name, byte, more) => told(await client.call(fops.mknod, {
    parent: ROOT, dev: { high: 0, low: 0 }, mode: S_IFIFO | 0o644, umask: 0, name: Buffer.from(name),
    xdata: wanted(byte, more),
  })),
  CREATE: async ({ client }, name, byte, more) => told(await client.call(fops.create, {
    parent: ROOT, flags: O_RDWR, mode: 0o644, umask: 0, name: Buffer.from(name),
    xdata: wanted(byte, more),
  })),
  SYMLINK: async ({ client }, name, byte, more) => told(await client.call(fops.symlink, {
    parent: ROOT, name: Buffer.from(name), umask: 0, target: Buffer.from("target"),
    xdata: wanted(byte, more),
  })),
};

/** The errno, or the gfid that the name has. */
async function look(
  { client }: WireBrick, name: string, parent: Uint8Array = ROOT, expected: Uint8Array = NONE,
): Promise<string> {
  const reply = await client.call(fops.lookup, {
    gfid: expected, parent, flags: 0, name: Buffer.from(name), xdata,
  });
  return reply.opRet < 0 ? `errno ${reply.opErrno}` : `${hex(reply.before.gfid)} ${reply.before.mode.toString(8)}`;
}

// glusterfsd makes a second directory of the gfid, and of anything else it makes the name or the handle and fails
// with ENODATA: from then on a gfid leads to this or to that.
test("a gfid that another object has is refused, and nothing is changed", options, () =>
  withBricks(["builtin"], async ([brick]) => {
    for (const [old, byte] of [["MKDIR", 0x41], ["MKNOD", 0x42], ["SYMLINK", 0x43]] as const) {
      assert.equal(await makers[old]!(brick!, `old ${old}`, byte), "done");
      const before = await look(brick!, `old ${old}`);
      for (const more of [xdata, INTERNAL]) {
        for (const [how, make] of Object.entries(makers)) {
          // Of healing: one name more, see the next test.
          if (how.startsWith("MKNOD") && more === INTERNAL) continue;
          const name = `${how} ${old} ${more.size}`;
          assert.equal(await make(brick!, name, byte, more), "errno 17", name);
          assert.equal(await look(brick!, name), "errno 2", name);
          assert.equal(await look(brick!, `old ${old}`), before, name);
          assert.equal(await look(brick!, "", NONE, gfid(byte)), before, name);
        }
      }
    }
  }));

test("MKNOD of healing with a gfid that another object has", options, () =>
  withBoth(async (bricks) => {
    for (const [old, byte] of [["MKNOD", 0x42], ["SYMLINK", 0x43]] as const) {
      await same(bricks, old, (brick) => makers[old]!(brick, `old ${old}`, byte));
      for (const how of ["MKNOD", "MKNOD of a pipe"]) {
        const name = `${how} ${old}`;
        const found = await same(bricks, name, async (brick) => [
          await makers[how]!(brick, name, byte, INTERNAL), await look(brick, name), await look(brick, `old ${old}`),
        ]);
        assert.equal(found[1], found[2], name);
      }
    }
  }));

test("MKDIR of healing moves the directory that has the gfid, with all that is in it", options, () =>
  withBricks(["builtin"], async ([brick]) => {
    const { client, path } = brick!;
    const makeIn = async (parent: Uint8Array, name: string, byte: number): Promise<string> =>
      told(await client.call(fops.mkdir, {
        parent, mode: 0o755, umask: 0, name: Buffer.from(name), xdata: wanted(byte),
      }));
    assert.equal(await makeIn(ROOT, "one", 0x61), "done");
    assert.equal(await makeIn(gfid(0x61), "in", 0x62), "done");
    assert.equal(await makeIn(gfid(0x62), "deep", 0x63), "done");
    client.pid = SELF_HEAL;
    assert.equal(await makeIn(ROOT, "two", 0x61), "done");
    assert.deepEqual(readdirSync(path).filter((name) => name !== ".glusterfs"), ["two"]);
    assert.equal(await makeIn(ROOT, "deep", 0x63), "done");
    assert.ok(existsSync(join(path, "deep")) && !existsSync(join(path, "two/in/deep")));
    assert.equal(await look(brick!, "two"), `${hex(gfid(0x61))} 40755`);
    assert.equal(await look(brick!, "in", gfid(0x61)), `${hex(gfid(0x62))} 40755`);
    assert.equal(await makeIn(gfid(0x62), "two", 0x61), "errno 22", "not into itself");
    assert.equal(await makeIn(ROOT, "two", 0x63), "errno 17", "not over another");
    assert.equal(await makeIn(ROOT, "new", 0x64), "done");
    assert.deepEqual(readdirSync(path).toSorted(), [".glusterfs", "deep", "new", "two"]);
  }));

test("a file that is open and has lost its name tells only the one that healing gives it", options, () =>
  withBricks(["builtin"], async ([brick]) => {
    const { client, path } = brick!;
    assert.equal(await makers["CREATE"]!(brick!, "old", 0x71), "done");
    assert.equal(told(await client.call(fops.unlink, {
      parent: ROOT, name: Buffer.from("old"), flags: 0, xdata,
    })), "done");
    assert.equal(await makers["MKNOD"]!(brick!, "new", 0x71, INTERNAL), "done");
    const named = listXattrs(join(path, "new")).filter((name) => name.startsWith("trusted.gfid2path."));
    assert.equal(named.length, 1);
    assert.match(Buffer.from(getXattr(join(path, "new"), named[0]!)!).toString(), /\/new$/);
  }));

test("a name in what is no directory, a descriptor of what is gone, a directory opened", options, () =>
  withBoth(async (bricks) => {
    await same(bricks, "directory", (brick) => makers["MKDIR"]!(brick, "directory", 0x51));
    await same(bricks, "file", (brick) => makers["MKNOD"]!(brick, "file", 0x52));
    await same(bricks, "gone", (brick) => makers["MKNOD"]!(brick, "gone", 0x53));
    await same(bricks, "link", (brick) => makers["SYMLINK"]!(brick, "link", 0x54));
    await same(bricks, "UNLINK", async ({ client }) => told(await client.call(fops.unlink, {
      parent: ROOT, name: Buffer.from("gone"), flags: 0, xdata,
    })));
    const all: string[] = [];
    const ask = async (what: string, how: (brick: WireBrick) => Promise<string>): Promise<void> => {
      const [stock, ours] = await Promise.all(bricks.map(how));
      if (stock !== ours) all.push(`${what}: stock ${stock}, ours ${ours}`);
    };
    for (const byte of [0x51, 0x52, 0x53, 0x54, 0x56]) {
      const on = { gfid: gfid(byte), fd: ANONYMOUS };
      const what = byte.toString(16);
      await ask(`LOOKUP in ${what}`, (brick) => look(brick, "name", gfid(byte)));
      await ask(`OPEN ${what}`, async ({ client }) => told(await client.call(fops.open, {
        gfid: gfid(byte), flags: 0, xdata,
      })));
      await ask(`OPEN to write ${what}`, async ({ client }) => told(await client.call(fops.open, {
        gfid: gfid(byte), flags: O_RDWR, xdata,
      })));
      await ask(`OPENDIR ${what}`, async ({ client }) => told(await client.call(fops.opendir, {
        gfid: gfid(byte), xdata,
      })));
      await ask(`READ ${what}`, async ({ client }) => told(await client.call(fops.read, {
        ...on, offset: 0, size: 10, flag: 0, xdata,
      })));
      await ask(`WRITE ${what}`, async ({ client }) => told(await client.call(fops.write, {
        ...on, offset: 0, size: 1, flag: 0, xdata, payload: Buffer.from("x"),
      })));
      await ask(`FSTAT ${what}`, async ({ client }) => told(await client.call(fops.fstat, { ...on, xdata })));
      await ask(`FTRUNCATE ${what}`, async ({ client }) => told(await client.call(fops.ftruncate, {
        ...on, offset: 0, xdata,
      })));
      await ask(`TRUNCATE ${what}`, async ({ client }) => told(await client.call(fops.truncate, {
        gfid: gfid(byte), offset: 0, xdata,
      })));
      await ask(`STAT ${what}`, async ({ client }) => told(await client.call(fops.stat, {
        gfid: gfid(byte), xdata,
      })));
      await ask(`FSYNC ${what}`, async ({ client }) => told(await client.call(fops.fsync, {
        ...on, dataOnly: 0, xdata,
      })));
      await ask(`FGETXATTR ${what}`, async ({ client }) => told(await client.call(fops.fgetxattr, {
        ...on, nameLength: 6, name: Buffer.from("user.x"), xdata,
      })));
      await ask(`GETXATTR ${what}`, async ({ client }) => told(await client.call(fops.getxattr, {
        gfid: gfid(byte), nameLength: 6, name: Buffer.from("user.x"), xdata,
      })));
      await ask(`MKNOD in ${what}`, async ({ client }) => told(await client.call(fops.mknod, {
        parent: gfid(byte), dev: { high: 0, low: 0 }, mode: S_IFREG | 0o644, umask: 0,
        name: Buffer.from("name"), xdata: wanted(0x60),
      })));
      await ask(`UNLINK in ${what}`, async ({ client }) => told(await client.call(fops.unlink, {
        parent: gfid(byte), name: Buffer.from("name"), flags: 0, xdata,
      })));
      await ask(`READLINK ${what}`, async ({ client }) => told(await client.call(fops.readlink, {
        gfid: gfid(byte), size: 100, xdata,
      })));
    }
    // 51 is a directory, 54 a symbolic link: no client asks these of them.
    assert.deepEqual(all, DIFFER, all.join("\n"));
  }));
