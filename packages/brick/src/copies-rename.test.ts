// RENAME on one of several copies: where a name may stand for another file than on the others.
import assert from "node:assert/strict";
import { existsSync, lstatSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import { WireClient, withBricks } from "./wire-client.fixture.ts";

const options = process.getuid?.() === 0 ? { timeout: 60_000 } : { skip: "needs root" };
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const NONE = new Uint8Array(16);
const SELF_HEAL = -6;
const ESTALE = 116;
const EEXIST = 17;
const ENOTEMPTY = 39;
const ENTRYLK_LOCK = 0;
const ENTRYLK_UNLOCK = 1;
const ENTRYLK_WRITE = 1;
const xdata = NO_DICTIONARY;

async function makeFile(client: WireClient, name: string, number: number): Promise<void> {
  const { opRet } = await client.call(fops.mknod, {
    parent: ROOT, dev: { high: 0, low: 0 }, mode: 0o100644, umask: 0, name: Buffer.from(name),
    xdata: new Map([["gfid-req", typed.gfid(Buffer.alloc(16, number))]]),
  });
  assert.equal(opRet, 0, name);
}

async function makeDirectory(client: WireClient, name: string, number: number): Promise<void> {
  const { opRet } = await client.call(fops.mkdir, {
    parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from(name),
    xdata: new Map([["gfid-req", typed.gfid(Buffer.alloc(16, number))]]),
  });
  assert.equal(opRet, 0, name);
}

/** 0, or the errno. */
async function removeDirectory(client: WireClient, name: string): Promise<number> {
  const { opRet, opErrno } = await client.call(fops.rmdir, {
    parent: ROOT, flags: 0, name: Buffer.from(name), xdata,
  });
  return opRet === 0 ? 0 : opErrno;
}

/** 0, or the errno. */
async function rename(client: WireClient, from: string, to: string): Promise<number> {
  const { opRet, opErrno } = await client.call(fops.rename, {
    oldParent: ROOT, newParent: ROOT, oldName: Buffer.from(from), newName: Buffer.from(to), xdata,
  });
  return opRet === 0 ? 0 : opErrno;
}

async function lookUp(client: WireClient, name: string): Promise<void> {
  const { opRet } = await client.call(fops.lookup, {
    gfid: NONE, parent: ROOT, flags: 0, name: Buffer.from(name), xdata,
  });
  assert.equal(opRet, 0, name);
}

/** As replication does before each change: from now on it is known to have copies. */
async function markDirty(client: WireClient): Promise<void> {
  const { opRet } = await client.call(fops.xattrop, {
    gfid: ROOT, flags: 0, dictionary: new Map([["trusted.afr.dirty", typed.bytes(Buffer.alloc(12))]]),
    xdata,
  });
  assert.equal(opRet, 0);
}

/** The lock that replication or disperse takes before it changes a directory's names. */
async function lockNames(client: WireClient, domain: string): Promise<void> {
  for (const command of [ENTRYLK_LOCK, ENTRYLK_UNLOCK]) {
    const { opRet } = await client.call(fops.entrylk, {
      gfid: ROOT, command, type: ENTRYLK_WRITE, nameLength: 0, name: Buffer.alloc(0), domain, xdata,
    });
    assert.equal(opRet, 0, domain);
  }
}

test("a client of copies that came back renames what it has looked up or made, and nothing else", options, () =>
  withBricks(["builtin"], async ([brick]) => {
    const { client: first, path, port } = brick!;
    for (const [index, name] of ["old", "seen", "left", "plain", "fresh"].entries()) {
      await makeFile(first, name, index + 2);
    }
    const newcomer = await WireClient.open(port, path, 1, "-RECON_NO:-0");
    await markDirty(newcomer);
    assert.equal(await rename(newcomer, "fresh", "fresh-moved"), 0, "it remembers nothing");
    newcomer.close();
    const second = await WireClient.open(port, path, 1, "-RECON_NO:-1");
    try {
      assert.equal(await rename(second, "plain", "plain-moved"), 0, "it is not known to have copies yet");
      await markDirty(second);
      assert.equal(await rename(second, "old", "old-moved"), ESTALE);
      assert.ok(existsSync(join(path, "old")) && !existsSync(join(path, "old-moved")));
      await lookUp(second, "old");
      assert.equal(await rename(second, "old", "old-moved"), 0);
      assert.equal(await rename(second, "old-moved", "old-again"), 0, "it knows what it has renamed");
      await makeFile(second, "new", 9);
      assert.equal(await rename(second, "new", "new-moved"), 0, "and what it has made");
      second.pid = SELF_HEAL;
      assert.equal(await rename(second, "left", "left-moved"), 0, "healing has compared the copies");
      await markDirty(first);
      assert.equal(await rename(first, "seen", "seen-moved"), 0, "another one knows its own");
    } finally {
      second.close();
    }
  }));

test("a name to which something was moved that is not here is doubted until it is looked up", options, () =>
  withBricks(["builtin"], async ([brick]) => {
    const { client: first, path, port } = brick!;
    await makeFile(first, "kept", 2);
    await makeFile(first, "taken", 3);
    const second = await WireClient.open(port, path, 1, "-RECON_NO:-1");
    try {
      await markDirty(second);
      for (const name of ["kept", "taken"]) await lookUp(second, name);
      const { opErrno } = await second.call(fops.link, {
        gfid: Buffer.alloc(16, 9), newParent: ROOT, newName: Buffer.from("kept"), xdata,
      });
      assert.equal(opErrno, ESTALE, "the others have it linked");
      assert.equal(await rename(second, "kept", "kept-moved"), ESTALE);
      assert.equal(await rename(second, "gone", "taken"), ESTALE, "it has looked up no such name");
      assert.equal(await rename(second, "taken", "taken-moved"), ESTALE);
      for (const name of ["kept", "taken"]) {
        await lookUp(second, name);
        assert.equal(await rename(second, name, `${name}-moved`), 0);
      }
    } finally {
      second.close();
    }
  }));

test("a name that healing puts aside goes, also where the file lies aside already", options, () =>
  withBricks(["builtin"], async ([brick]) => {
    const { client, path } = brick!;
    await makeFile(client, "one", 2);
    for (const name of ["two", "aside"]) {
      const { opRet } = await client.call(fops.link, {
        gfid: Buffer.alloc(16, 2), newParent: ROOT, newName: Buffer.from(name), xdata,
      });
      assert.equal(opRet, 0);
    }
    assert.equal(await rename(client, "one", "aside"), 0);
    assert.ok(existsSync(join(path, "one")), "for others rename(2) leaves both names");
    client.pid = SELF_HEAL;
    assert.equal(await rename(client, "one", "aside"), 0);
    assert.ok(!existsSync(join(path, "one")));
    assert.equal(await rename(client, "aside", "aside"), 0);
    // The handle, and the two names that are left.
    assert.equal(lstatSync(join(path, "aside")).nlink, 3);
    assert.equal(await rename(client, "two", "aside"), 0);
    assert.equal(lstatSync(join(path, "aside")).nlink, 2);
  }));

test("a directory that is not empty on a copy that was away: replication takes the answer for a failure", options, () =>
  withBricks(["builtin"], async ([brick]) => {
    const { client: first, path, port } = brick!;
    await makeDirectory(first, "full", 2);
    await makeDirectory(first, "fuller", 3);
    writeFileSync(join(path, "full", "name"), "");
    await lockNames(first, "v-replicate-0");
    assert.equal(await removeDirectory(first, "full"), ENOTEMPTY, "nobody was away");
    const second = await WireClient.open(port, path, 1, "-RECON_NO:-1");
    try {
      assert.equal(await removeDirectory(second, "full"), ENOTEMPTY, "not known to be replication");
      await lockNames(second, "v-disperse-0");
      await markDirty(second);
      assert.equal(await removeDirectory(second, "full"), ENOTEMPTY, "disperse marks it anyway");
      await lockNames(second, "v-replicate-0");
      assert.equal(await removeDirectory(second, "full"), EEXIST);
      assert.equal(await removeDirectory(first, "full"), EEXIST, "others may know more, too");
      await lookUp(second, "fuller");
      assert.equal(await rename(second, "fuller", "full"), EEXIST);
      second.pid = SELF_HEAL;
      assert.equal(await removeDirectory(second, "full"), ENOTEMPTY, "healing knows why it asks");
      second.pid = 100;
      rmSync(join(path, "full", "name"));
      assert.equal(await removeDirectory(second, "full"), 0);
    } finally {
      second.close();
    }
  }));
