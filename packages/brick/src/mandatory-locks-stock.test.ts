// Locks that reads and writes keep to: our brick and a stock glusterfsd answer, wait and refuse
// alike.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fops, NO_DICTIONARY, typed } from "@mortar/gluster";
import type { TypedDictionary } from "@mortar/gluster";
import { same, withBoth, WireClient } from "./wire-client.fixture.ts";
import type { WireBrick } from "./wire-client.fixture.ts";

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;
const options = canRun ? { timeout: 60_000 } : { skip: "needs root and glusterfsd" };
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const FILE = Buffer.alloc(16, 0x11);
const PATIENCE_MS = 25;
const [READ, WRITE, UNLOCK] = [0, 1, 2];
const [O_RDWR, O_TRUNC, O_NONBLOCK] = [2, 0o1000, 0o4000];
const SET = 1;
const SET_WAIT = 2;
const ENFORCE = "trusted.glusterfs.enforce-mandatory-lock";
const xdata = NO_DICTIONARY;
const MANDATORY: TypedDictionary = new Map([["glusterfs.lk.lkmode", typed.uint(1)]]);
const halves = (low: number): { high: number; low: number } => ({ high: 0, low });

interface Answer {
  readonly opRet: number;
  readonly opErrno: number;
}

/** Two clients of one brick, each with the file open. */
interface Pair {
  readonly brick: WireBrick;
  readonly holder: WireClient;
  readonly other: WireClient;
  readonly holderFd: number;
  readonly otherFd: number;
  readonly hastyFd: number;
}

async function pairOf(brick: WireBrick): Promise<Pair> {
  const { client: holder } = brick;
  const other = await WireClient.open(brick.port, brick.path, 1);
  const made = await holder.call(fops.mknod, {
    parent: ROOT, dev: halves(0), mode: 0o102644, umask: 0, name: Buffer.from("file"),
    xdata: new Map([["gfid-req", typed.gfid(FILE)]]),
  });
  assert.equal(made.opRet, 0);
  const open = async (client: WireClient, flags: number): Promise<number> =>
    (await client.call(fops.open, { gfid: FILE, flags, xdata })).fd;
  const pair = {
    brick, holder, other, holderFd: await open(holder, O_RDWR),
    otherFd: await open(other, O_RDWR), hastyFd: await open(other, O_RDWR | O_NONBLOCK),
  };
  await write(holder, pair.holderFd, 0, 400, 1);
  return pair;
}

function write(
  client: WireClient, fd: number, offset: number, size: number, owner: number,
): Promise<Answer> {
  return client.call(fops.write, {
    gfid: FILE, fd, offset, size, flag: 0, xdata, payload: Buffer.alloc(size, 1),
  }, owner);
}

function lock(
  client: WireClient, fd: number, type: number, owner: number, mode = xdata, command = SET,
  from = 100, length = 50,
): Promise<Answer> {
  const flock = {
    type, whence: 0, start: halves(from), length: halves(length), pid: 1,
    lockOwner: Uint8Array.of(owner, 0, 0, 0, 0, 0, 0, 1),
  };
  return client.call(fops.lk, { gfid: FILE, fd, command, type, flock, xdata: mode }, owner);
}

/** What becomes of the file while somebody has a lock on bytes 100 to 149. */
function attempts({ holder, other, holderFd, otherFd, hastyFd }: Pair): Promise<Answer>[] {
  const read = (offset: number, size: number, fd = otherFd): Promise<Answer> =>
    other.call(fops.read, { gfid: FILE, fd, offset, size, flag: 0, xdata }, 2);
  const range = { gfid: FILE, fd: otherFd, offset: 120, size: 10, xdata };
  const truncate = (offset: number): Promise<Answer> =>
    other.call(fops.truncate, { gfid: FILE, offset, xdata }, 2);
  const open = (flags: number): Promise<Answer> =>
    other.call(fops.open, { gfid: FILE, flags, xdata }, 2);
  return [
    read(0, 100), read(149, 1), read(150, 10), read(90, 200), read(120, 10, hastyFd),
    read(120, 10, -2), write(other, otherFd, 0, 100, 2), write(other, otherFd, 99, 2, 2),
    write(other, hastyFd, 99, 2, 2), write(other, otherFd, 149, 1, 2), write(other, -2, 149, 1, 2),
    write(other, otherFd, 150, 10, 2),
    write(holder, holderFd, 120, 10, 1), write(holder, holderFd, 120, 10, 3),
    truncate(200), truncate(120), other.call(fops.ftruncate, { ...range, offset: 300 }, 2),
    other.call(fops.ftruncate, { ...range, offset: 149 }, 2),
    other.call(fops.ftruncate, { ...range, fd: hastyFd, offset: 149 }, 2),
    other.call(fops.discard, range, 2), other.call(fops.zerofill, { ...range, offset: 10 }, 2),
    other.call(fops.zerofill, range, 2), other.call(fops.fallocate, { ...range, flags: 0 }, 2),
    open(O_RDWR), open(O_RDWR | O_TRUNC),
    holder.call(fops.open, { gfid: FILE, flags: O_TRUNC, xdata }),
  ];
}

/** Their answers, those that waited for the unlock marked. */
async function outcomes(pair: Pair, type: number, mode: TypedDictionary): Promise<string[]> {
  const held = await lock(pair.holder, pair.holderFd, type, 1, mode);
  const asked = attempts(pair);
  const found: string[] = asked.map(() => "");
  const answers = asked.map(async (answer, index) => {
    const { opRet, opErrno } = await answer;
    found[index] += opRet < 0 ? `errno ${opErrno}` : "done";
  });
  // Both engines take the requests of a connection one by one.
  await Promise.all([pair.holder, pair.other].map((client) =>
    client.call(fops.stat, { gfid: FILE, xdata })));
  await delay(PATIENCE_MS);
  for (const [index, text] of found.entries()) if (text === "") found[index] = "waits, then ";
  await lock(pair.holder, pair.holderFd, UNLOCK, 1);
  await Promise.all(answers);
  return [`lock ${held.opRet}`, ...found];
}

// glusterfsd 10 takes no file for one that is marked.
for (const mode of ["file", "forced", "optimal"] as const) {
  test(`mandatory locking ${mode}: what a lock keeps off`, options, () =>
    withBoth(async (bricks) => {
      const pairs = new Map(await Promise.all(
        bricks.map(async (brick) => [brick, await pairOf(brick)] as const),
      ));
      const cases = [
        ["a write lock", WRITE, xdata], ["a mandatory write lock", WRITE, MANDATORY],
        ["a read lock", READ, xdata], ["a mandatory read lock", READ, MANDATORY],
      ] as const;
      let waited = 0;
      for (const [title, type, asked] of cases) {
        const found = await same(bricks, title, (brick) =>
          outcomes(pairs.get(brick)!, type, asked));
        waited += found.filter((text) => text.startsWith("waits")).length;
      }
      const internal = await same(bricks, "a client of GlusterFS itself", async (brick) => {
        const pair = pairs.get(brick)!;
        pair.other.pid = -1;
        pair.holder.pid = -1;
        return outcomes(pair, WRITE, MANDATORY);
      });
      assert.equal(waited > 0, mode !== "file");
      assert.ok(!internal.some((text) => text.startsWith("waits")));
      await same(bricks, "enforcing would have no effect", async (brick) =>
        enforceInVain(pairs.get(brick)!));
      for (const { other } of pairs.values()) other.close();
    }, { mandatoryLocking: mode }));
}

async function enforceInVain({ holder }: Pair): Promise<number[]> {
  const set = await holder.call(fops.setxattr, {
    gfid: FILE, flags: 0, xdata, dictionary: new Map([[ENFORCE, typed.bytes(Buffer.from("s"))]]),
  });
  const removed = await holder.call(fops.removexattr, {
    gfid: FILE, name: Buffer.from(ENFORCE), xdata,
  });
  return [set.opErrno, removed.opErrno];
}

const enforced = "a file that is enforced is read and written by who has the lock, which is taken";
test(enforced, options, () =>
  withBoth(async (bricks) => {
    const pairs = new Map(await Promise.all(
      bricks.map(async (brick) => [brick, await pairOf(brick)] as const),
    ));
    const each = <T>(what: string, ask: (pair: Pair) => Promise<T>): Promise<T> =>
      same(bricks, what, (brick) => ask(pairs.get(brick)!));
    const told = ({ opRet, opErrno }: Answer): number => (opRet < 0 ? opErrno : 0);
    await each("the attribute", async ({ holder, holderFd }) =>
      told(await holder.call(fops.fsetxattr, {
        gfid: FILE, fd: holderFd, flags: 0, xdata,
        dictionary: new Map([[ENFORCE, typed.bytes(Buffer.from("set"))]]),
      })));
    await each("nobody has a lock", (pair) => outcomesOf(pair));
    await each("a lock", async ({ holder, holderFd }) =>
      told(await lock(holder, holderFd, WRITE, 1, MANDATORY)));
    const held = await each("somebody has one", (pair) => outcomesOf(pair));
    assert.ok(held.includes("done") && held.includes("errno 16") && held.includes("errno 11"));
    await each("another takes it", async ({ other, otherFd }) =>
      told(await lock(other, otherFd, WRITE, 2, MANDATORY, SET_WAIT)));
    const taken = await each("it has another", (pair) => outcomesOf(pair));
    assert.notDeepEqual(taken, held);
    await each("the attribute goes", async ({ holder }) =>
      told(await holder.call(fops.removexattr, { gfid: FILE, name: Buffer.from(ENFORCE), xdata })));
    await each("unlock", async ({ other, otherFd }) => told(await lock(other, otherFd, UNLOCK, 2)));
    await each("nothing is enforced", (pair) => outcomesOf(pair));
    for (const { other } of pairs.values()) other.close();
  }, { mandatoryLocking: "forced", enforcesMandatoryLock: true }));

/** None of them waits. */
async function outcomesOf(pair: Pair): Promise<string[]> {
  const answers = await Promise.all(attempts(pair));
  return answers.map(({ opRet, opErrno }) => (opRet < 0 ? `errno ${opErrno}` : "done"));
}
