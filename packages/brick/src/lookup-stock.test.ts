// LOOKUP by a client that thinks of another object, asked of us and of a stock glusterfsd.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import type { TypedDictionary } from "@mortar/gluster";
import { same, withBoth } from "./wire-client.fixture.ts";
import type { WireBrick } from "./wire-client.fixture.ts";

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;
const options = canRun ? { timeout: 60_000 } : { skip: "needs root and glusterfsd" };
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const NONE = new Uint8Array(16);
const xdata = NO_DICTIONARY;
const INTERNAL = new Map([["glusterfs-internal-fop", typed.text("yes")]]);
const ENOENT = 2;
const EPERM = 1;

const gfid = (byte: number): Buffer => Buffer.alloc(16, byte);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

async function makeFile(
  { client }: WireBrick, name: string, byte: number, more: TypedDictionary = xdata,
): Promise<number> {
  const { opRet } = await client.call(fops.mknod, {
    parent: ROOT, dev: { high: 0, low: 0 }, mode: 0o100644, umask: 0, name: Buffer.from(name),
    xdata: new Map([["gfid-req", typed.gfid(gfid(byte))], ...more]),
  });
  return opRet;
}

async function makeDirectory({ client }: WireBrick, name: string, byte: number): Promise<number> {
  const { opRet } = await client.call(fops.mkdir, {
    parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from(name),
    xdata: new Map([["gfid-req", typed.gfid(gfid(byte))]]),
  });
  return opRet;
}

/** The errno, or the gfids of the object and its parent. */
async function look(
  { client }: WireBrick, name: string, expected: Uint8Array, parent: Uint8Array = ROOT,
): Promise<number | readonly string[]> {
  const { opRet, opErrno, before, after } = await client.call(fops.lookup, {
    gfid: expected, parent, flags: 0, name: Buffer.from(name), xdata,
  });
  return opRet < 0 ? opErrno : [hex(before.gfid), hex(after.gfid)];
}

test("a name is answered with what it has, whatever the client expects there", options, () =>
  // It compares the gfids itself, and says so to replicate, which then heals the name.
  withBoth(async (bricks) => {
    await same(bricks, "a file", (brick) => makeFile(brick, "file", 0x11));
    await same(bricks, "another", (brick) => makeFile(brick, "other", 0x12));
    await same(bricks, "a directory", (brick) => makeDirectory(brick, "directory", 0x13));
    for (const expected of [NONE, gfid(0x11), gfid(0x12), gfid(0x13), gfid(0x14)]) {
      for (const [name, found] of [
        ["file", [hex(gfid(0x11)), hex(ROOT)]], ["directory", [hex(gfid(0x13)), hex(ROOT)]],
        ["none", ENOENT],
      ] as const) {
        const told = await same(bricks, `${name} as ${hex(expected)}`, (brick) =>
          look(brick, name, expected));
        assert.deepEqual(told, found);
      }
    }
  }));

test("what lost its last name is not there, whoever asks for it by its gfid", options, () =>
  withBoth(async (bricks) => {
    await same(bricks, "a file", (brick) => makeFile(brick, "file", 0x21));
    const bare = (brick: WireBrick) => look(brick, "", gfid(0x21), NONE);
    assert.notEqual(await same(bricks, "before", bare), ENOENT);
    await same(bricks, "UNLINK", async ({ client }) => (await client.call(fops.unlink, {
      parent: ROOT, name: Buffer.from("file"), flags: 0, xdata,
    })).opRet);
    assert.equal(await same(bricks, "after", bare), ENOENT);
  }));

test("a file that is refused a directory's gfid changes nothing of the directory", options, () =>
  withBoth(async (bricks) => {
    await same(bricks, "a directory", (brick) => makeDirectory(brick, "directory", 0x31));
    assert.equal(await same(bricks, "MKNOD", (brick) => makeFile(brick, "file", 0x31)), -1);
    const internal = (brick: WireBrick) => makeFile(brick, "file", 0x31, INTERNAL);
    assert.equal(await same(bricks, "MKNOD of healing", internal), -1);
    const linked = await same(bricks, "LINK", async ({ client }) => (await client.call(fops.link, {
      gfid: gfid(0x31), newParent: ROOT, newName: Buffer.from("link"), xdata,
    })).opErrno);
    assert.equal(linked, EPERM);
    await same(bricks, "a file in it", async ({ client }) => (await client.call(fops.mknod, {
      parent: gfid(0x31), dev: { high: 0, low: 0 }, mode: 0o100644, umask: 0,
      name: Buffer.from("inside"), xdata: new Map([["gfid-req", typed.gfid(gfid(0x32))]]),
    })).opRet);
  }));
