// Locks of a descriptor, taken along to another connection; space that is reserved, freed and
// zeroed: our brick and a stock glusterfsd answer alike.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Dictionary, fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import type { Iatt, TypedDictionary } from "@mortar/gluster";
import { listXattrs } from "@mortar/linux";
import { same, withBoth, WireClient } from "./wire-client.fixture.ts";
import type { WireBrick } from "./wire-client.fixture.ts";

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;
const options = canRun ? { timeout: 60_000 } : { skip: "needs root and glusterfsd" };
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const FILE = Buffer.alloc(16, 0x21);
const LOCK_INFO = "trusted.glusterfs.lockinfo";
const [READ, WRITE, UNLOCK] = [0, 1, 2];
const O_RDWR = 2;
const xdata = NO_DICTIONARY;
const halves = (low: number): { high: number; low: number } => ({ high: 0, low });

async function makeFile({ client }: WireBrick): Promise<void> {
  const made = await client.call(fops.mknod, {
    parent: ROOT, dev: halves(0), mode: 0o100644, umask: 0, name: Buffer.from("file"),
    xdata: new Map([["gfid-req", typed.gfid(FILE)]]),
  });
  assert.equal(made.opRet, 0);
}

async function open(client: WireClient): Promise<number> {
  const { fd, opRet } = await client.call(fops.open, { gfid: FILE, flags: O_RDWR, xdata });
  assert.equal(opRet, 0);
  return fd;
}

/** What is answered: 0 or an errno, and the type of lock. */
async function lock(
  client: WireClient, fd: number, type: number, start: number, owner: number,
): Promise<number[]> {
  const lockOwner = Uint8Array.of(owner, 0, 0, 0, 0, 0, 0, 1);
  const flock = { type, whence: 0, start: halves(start), length: halves(10), pid: 1, lockOwner };
  const { opRet, opErrno, flock: told } = await client.call(
    fops.lk, { gfid: FILE, fd, command: 1, type, flock, xdata }, owner,
  );
  return [opRet < 0 ? opErrno : 0, told.type];
}

async function lockInfo(client: WireClient, fd: number): Promise<[number, TypedDictionary]> {
  const { opRet, opErrno, dictionary } = await client.call(fops.fgetxattr, {
    gfid: FILE, fd, nameLength: LOCK_INFO.length, name: Buffer.from(LOCK_INFO), xdata,
  });
  return [opRet < 0 ? opErrno : 0, dictionary];
}

/** Keys of the dictionary in the dictionary, without what differs between two bricks. */
function keysOf(told: TypedDictionary, path: string): string[] {
  const value = told.get(LOCK_INFO)?.value;
  if (!(value instanceof Uint8Array)) return [];
  return Dictionary.decode(value).keys().map((key) => key.replace(path, "PATH"));
}

test("a client takes the locks of a descriptor along to its next connection", options, () =>
  withBoth(async (bricks) => {
    const locks = await same(bricks, "lock, tell, take, unlock", async (brick) => {
      await makeFile(brick);
      const connect = (number: number): Promise<WireClient> =>
        WireClient.open(brick.port, brick.path, number);
      const [before, after, other] = [await connect(1), await connect(2), await connect(3)];
      const [fd, sibling] = [await open(before), await open(before)];
      const [next, third] = [await open(after), await open(other)];
      const said: unknown[] = [];
      const [nothing, none] = await lockInfo(before, fd);
      said.push(nothing, none.size, (await lockInfo(before, 99))[0]);
      said.push(await lock(before, fd, WRITE, 0, 1), await lock(before, fd, WRITE, 20, 1));
      said.push(await lock(before, sibling, READ, 40, 1));
      const [status, told] = await lockInfo(before, fd);
      said.push(status, keysOf(told, brick.path));
      const set = (fdOf: number, dictionary: TypedDictionary): Promise<number> =>
        after.call(fops.fsetxattr, { gfid: FILE, fd: fdOf, flags: 0, dictionary, xdata })
          .then(({ opRet, opErrno }) => (opRet < 0 ? opErrno : 0));
      said.push(await set(next, told), await set(99, told));
      const broken = new Map([[LOCK_INFO, typed.bytes(Buffer.from("00000009", "hex"))]]);
      const refused = await set(next, broken);
      said.push(refused !== 0);
      before.close();
      // What went along is held still, what did not is free.
      for (let tries = 0; (await lock(other, third, WRITE, 40, 2))[0] !== 0; tries++) {
        assert.ok(tries < 1000, "the locks of a closed connection stay");
      }
      said.push(await lock(other, third, WRITE, 0, 2), await lock(other, third, WRITE, 20, 2));
      said.push(await lock(after, next, UNLOCK, 0, 1), await lock(other, third, WRITE, 0, 2));
      said.push(await lock(after, next, UNLOCK, 20, 1), await lock(other, third, WRITE, 20, 2));
      said.push((await lockInfo(after, next))[1].size);
      said.push(listXattrs(join(brick.path, "file")).includes(LOCK_INFO));
      for (const client of [after, other]) client.close();
      return said;
    });
    assert.deepEqual(locks.slice(0, 2), [0, 0]);
    assert.ok(JSON.stringify(locks).includes("[11,"), JSON.stringify(locks));
  }));

/** Without what no two bricks have in common. */
function shape(now: Iatt, was: Iatt): unknown {
  const { size, blocks, mode, nlink, uid, flags } = now;
  const isNewer = (kind: "mtime" | "ctime"): boolean =>
    now[kind] > was[kind] || (now[kind] === was[kind] && now[`${kind}Nsec`] > was[`${kind}Nsec`]);
  return {
    size, blocks, mode, nlink, uid, flags, mtime: isNewer("mtime"), ctime: isNewer("ctime"),
  };
}

test("FALLOCATE, DISCARD and ZEROFILL tell the attributes before and after", options, () =>
  withBoth(async (bricks) => {
    await same(bricks, "ranges", async (brick) => {
      await makeFile(brick);
      const { client } = brick;
      const fd = await open(client);
      const said: unknown[] = [];
      const range = { gfid: FILE, fd, xdata };
      const note = (what: string, reply: {
        opRet: number; opErrno: number; before: Iatt; after: Iatt; xdata: TypedDictionary;
      }): void => {
        const failed = reply.opRet < 0 ? reply.opErrno : 0;
        const { before, after } = reply;
        const shapes = failed === 0 ? [shape(before, before), shape(after, before)] : [];
        said.push([what, failed, [...reply.xdata.keys()], ...shapes]);
      };
      const cases: [number, number][] = [[0, 8192], [4096, 20_000], [100, 0], [2 ** 40, 4096]];
      for (const [offset, size] of cases) {
        for (const flags of [0, 1, 3]) {
          note(`FALLOCATE ${flags} ${offset} ${size}`,
            await client.call(fops.fallocate, { ...range, flags, offset, size }));
        }
        const asked = { ...range, offset, size };
        note(`DISCARD ${offset} ${size}`, await client.call(fops.discard, asked));
        note(`ZEROFILL ${offset} ${size}`, await client.call(fops.zerofill, asked));
        note("truncate", await client.call(fops.ftruncate, { ...range, offset: 5000 }));
      }
      const byte = { ...range, offset: 0, size: 1 };
      note("no descriptor", await client.call(fops.discard, { ...byte, fd: 77 }));
      note("anonymous", await client.call(fops.zerofill, { ...byte, fd: -2 }));
      return said;
    });
  }));
