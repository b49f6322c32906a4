// What hardly any client sends, asked of us and of a stock glusterfsd.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { xdr } from "@mortar/binary";
import { fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import type { Procedure, TypedDictionary } from "@mortar/gluster";
import { getXattr, listXattrs, setXattr } from "@mortar/linux";
import { same, withBoth, withBricks } from "./wire-client.fixture.ts";
import type { WireBrick } from "./wire-client.fixture.ts";

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;
const options = canRun ? { timeout: 60_000 } : { skip: "needs root and glusterfsd" };
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const NONE = new Uint8Array(16);
const xdata = NO_DICTIONARY;
/** Behind op_ret, op_errno and the dictionary's size. */
const XDATA_COUNT_AT = 12;

const gfidRequest = (gfid: Uint8Array): TypedDictionary =>
  new Map([["gfid-req", typed.gfid(gfid)]]);
const hex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString("hex");

async function makeFile({ client }: WireBrick, name: string, gfid: Uint8Array): Promise<number> {
  const { opRet } = await client.call(fops.mknod, {
    parent: ROOT, dev: { high: 0, low: 0 }, mode: 0o100644, umask: 0, name: Buffer.from(name),
    xdata: gfidRequest(gfid),
  });
  return opRet;
}

test("PUT makes a whole file, or none", options, () =>
  // glusterfsd's server has no such procedure.
  withBricks(["builtin"], async ([brick]) => {
    const { client, path } = brick!;
    const content = Buffer.from("all of it");
    const put = (name: string, gfid: Uint8Array, attribute: string) => client.call(fops.put, {
      parent: ROOT, name: Buffer.from(name), mode: 0o100640, umask: 0, flag: 0o102, offset: 0,
      size: content.length, payload: content, xdata: gfidRequest(gfid),
      xattr: new Map([[attribute, typed.bytes(Buffer.from("1"))]]),
    });
    const gfid = Buffer.alloc(16, 5);
    const { opRet, stat } = await put("put", gfid, "user.one");
    const at = join(path, "put");
    assert.deepEqual(
      [opRet, stat.size, stat.mode, hex(stat.gfid)], [0, content.length, 0o100640, hex(gfid)],
    );
    assert.deepEqual(readFileSync(at), content);
    assert.equal(lstatSync(at).nlink, 2);
    assert.equal(hex(getXattr(at, "user.one")), "31");
    assert.equal(hex(getXattr(at, "trusted.gfid")), hex(gfid));
    assert.equal((await put("put", Buffer.alloc(16, 4), "user.one")).opErrno, 17);
    assert.ok((await put("refused", Buffer.alloc(16, 3), "trusted.gfid")).opRet < 0);
    assert.ok(!existsSync(join(path, "refused")));
    assert.ok(!existsSync(join(path, ".glusterfs/03/03/03030303-0303-0303-0303-030303030303")));
  }));

test("ICREATE makes a file without a name, and NAMELINK gives it one", options, () =>
  // Clients know the procedures; glusterfsd 10 has no answer to them below its server.
  withBricks(["builtin"], async ([brick]) => {
    const { client, path } = brick!;
    const gfid = Buffer.alloc(16, 6);
    const made = await client.call(fops.icreate, { gfid, mode: 0o100600, xdata });
    assert.deepEqual([made.opRet, hex(made.stat.gfid)], [0, hex(gfid)]);
    assert.equal((await client.call(fops.icreate, { gfid, mode: 0o100600, xdata })).opErrno, 17);
    const entry = { parent: ROOT, name: Buffer.from("named") };
    const absent = gfidRequest(Buffer.alloc(16, 7));
    assert.ok((await client.call(fops.namelink, { ...entry, xdata: absent })).opRet < 0);
    assert.ok((await client.call(fops.namelink, { ...entry, xdata })).opRet < 0);
    assert.ok(!existsSync(join(path, "named")));
    const named = await client.call(fops.namelink, { ...entry, xdata: gfidRequest(gfid) });
    assert.equal(named.opRet, 0);
    assert.equal(lstatSync(join(path, "named")).nlink, 2);
    assert.equal(hex(getXattr(join(path, "named"), "trusted.gfid")), hex(gfid));
    const again = await client.call(fops.namelink, { ...entry, xdata: gfidRequest(gfid) });
    assert.equal(again.opErrno, 17);
  }));

const WHOLE = { whence: 0, pid: 1, lockOwner: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 1) };

test("locks are told by GETACTIVELK and taken by SETACTIVELK, as by glusterfsd", options, () =>
  withBoth(async (bricks) => {
    const [from, to] = [Buffer.alloc(16, 8), Buffer.alloc(16, 9)];
    await same(bricks, "a file", (brick) => makeFile(brick, "from", from));
    await same(bricks, "a file", (brick) => makeFile(brick, "to", to));
    const tell = async ({ client }: WireBrick, gfid: Uint8Array) => {
      const { opRet, locks } = await client.call(fops.getactivelk, { gfid, xdata });
      return {
        opRet, locks: locks.map(({ flock, lockFlags }) => ({
          type: flock.type, start: flock.start, length: flock.length, owner: hex(flock.lockOwner),
          lockFlags,
        })),
      };
    };
    await same(bricks, "none", (brick) => tell(brick, from));
    await same(bricks, "LK", async ({ client }) => {
      const { fd } = await client.call(fops.open, { gfid: from, flags: 2, xdata });
      const flock = {
        ...WHOLE, type: 1, start: { high: 0, low: 100 }, length: { high: 0, low: 50 },
      };
      return (await client.call(fops.lk, {
        gfid: from, fd, command: 1, type: 1, flock, xdata,
      })).opRet;
    });
    const { locks } = await same(bricks, "GETACTIVELK", (brick) => tell(brick, from));
    assert.equal(locks.length, 1);
    await same(bricks, "SETACTIVELK", async ({ client }) => {
      const held = await client.call(fops.getactivelk, { gfid: from, xdata });
      return (await client.call(fops.setactivelk, { gfid: to, locks: held.locks, xdata })).opRet;
    });
    await same(bricks, "GETACTIVELK of what was taken", (brick) => tell(brick, to));
  }));

test("an entry by an outdated layout is refused, as by glusterfsd", options, () =>
  withBoth(async (bricks) => {
    const layout = "trusted.glusterfs.dht";
    for (const { path } of bricks) setXattr(path, layout, Buffer.alloc(16, 1));
    for (const [index, byte] of [1, 2].entries()) {
      const gfid = Buffer.alloc(16, 0x20 + index);
      const asked = new Map([
        ...gfidRequest(gfid), ["glusterfs.preop.parent.key", typed.text(layout)],
        [layout, typed.bytes(Buffer.alloc(16, byte))],
      ]);
      await same(bricks, `MKDIR ${byte}`, async ({ client, path }) => {
        const { opRet, xdata: told } = await client.call(fops.mkdir, {
          parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from(`d${byte}`), xdata: asked,
        });
        const at = join(path, `d${byte}`);
        const stored = existsSync(at) && listXattrs(at).includes(layout);
        // No errno: glusterfsd fails with 0.
        return [opRet, told.has("glusterfs.preop.check.failed"), existsSync(at), stored];
      });
    }
  }));

test("a name is found in whatever case it has, as by glusterfsd", options, () =>
  withBoth(async (bricks) => {
    await same(bricks, "a file", (brick) => makeFile(brick, "MixedCase", Buffer.alloc(16, 0x31)));
    for (const asked of ["mixedcase", "MIXEDCASE", "other"]) {
      await same(bricks, asked, async ({ client }) => {
        const name = `glusterfs.get_real_filename:${asked}`;
        const { opRet, opErrno, dictionary } = await client.call(fops.getxattr, {
          gfid: ROOT, nameLength: name.length, name: Buffer.from(name), xdata,
        });
        const value = dictionary.get(name)?.value;
        if (opRet < 0) return opErrno;
        assert.ok(value instanceof Uint8Array);
        return Buffer.from(value).toString().replaceAll("\0", "");
      });
    }
  }));

test("a LOOKUP that asks for nothing is answered with a dictionary that is there", options, () =>
  withBoth(async (bricks) => {
    const gfid = Buffer.alloc(16, 0x41);
    await same(bricks, "a file", (brick) => makeFile(brick, "plain", gfid));
    const request = { gfid, parent: NONE, flags: 0, name: new Uint8Array(0), xdata };
    // Not -1: then disperse's healing would not see the counters.
    const bare: Procedure<Parameters<typeof fops.lookup.encodeRequest>[0], number> = {
      ...fops.lookup, reply: xdr.i32, encodeReply: () => new Uint8Array(0),
      decodeReply: (results) => Buffer.from(results).readInt32BE(XDATA_COUNT_AT),
    };
    assert.equal(await same(bricks, "LOOKUP", ({ client }) => client.call(bare, request)), 0);
    // What has no times yet is told none, so that all copies are given the same.
    const times = new Map([["trusted.glusterfs.mdata", typed.int(1)]]);
    await same(bricks, "mdata", async ({ client }) =>
      (await client.call(fops.lookup, { ...request, xdata: times })).xdata.size);
  }));

test("CREATE answers with the request's own dictionary, as glusterfsd", options, () =>
  withBoth(async (bricks) => {
    const asked = new Map([
      ...gfidRequest(Buffer.alloc(16, 0x61)), ["trusted.ec.config", typed.bytes(Buffer.alloc(8, 1))],
    ]);
    const told = await same(bricks, "CREATE", async ({ client }) => {
      const reply = await client.call(fops.create, {
        parent: ROOT, flags: 2, mode: 0o100644, umask: 0, name: Buffer.from("echo"), xdata: asked,
      });
      return [reply.opRet, ...[...reply.xdata.keys()].toSorted()];
    });
    assert.deepEqual(told, [0, "gfid-req", "trusted.ec.config"]);
  }));

test("RMDIR of a whole tree leaves no note of its names on what has others", options, () =>
  withBricks(["builtin"], async ([brick]) => {
    const { client, path } = brick!;
    const [directory, file] = [Buffer.alloc(16, 0x51), Buffer.alloc(16, 0x52)];
    await client.call(fops.mkdir, {
      parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from("tree"), xdata: gfidRequest(directory),
    });
    await makeFile(brick!, "kept", file);
    const linked = await client.call(fops.link, {
      gfid: file, newParent: directory, newName: Buffer.from("gone"), xdata,
    });
    assert.equal(linked.opRet, 0);
    const notes = (): number => listXattrs(join(path, "kept"))
      .filter((name) => name.startsWith("trusted.gfid2path.")).length;
    assert.equal(notes(), 2);
    const removed = await client.call(fops.rmdir, {
      parent: ROOT, flags: 1, name: Buffer.from("tree"), xdata,
    });
    assert.equal(removed.opRet, 0);
    assert.equal(notes(), 1);
    assert.equal(lstatSync(join(path, "kept")).nlink, 2);
    assert.deepEqual(readdirSync(join(path, ".glusterfs", "landfill")), []);
  }));
