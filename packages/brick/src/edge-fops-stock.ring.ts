// Fops at their edges, and what clients are told of each other: our brick and a stock glusterfsd
// alike.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { callback, fops, NO_DICTIONARY, NO_IATT, typed } from "@mortar/gluster";
import type { TypedDictionary } from "@mortar/gluster";
import { same, withBoth, withBricks, WireClient } from "./wire-client.fixture.ts";
import type { WireBrick, WireSetup } from "./wire-client.fixture.ts";

const canRun = process.getuid?.() === 0 && spawnSync("glusterfsd", ["--version"]).status === 0;
const options = canRun ? { timeout: 60_000 } : { skip: "needs root and glusterfsd" };
const patient = canRun ? { timeout: 300_000 } : options;
const STOCK_TRIES_MAX = 20;
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const [SOURCE, TARGET] = [Buffer.alloc(16, 0x51), Buffer.alloc(16, 0x52)];
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const PATIENCE_MS = 40;
const xdata = NO_DICTIONARY;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

interface Answer {
  readonly opRet: number;
  readonly opErrno: number;
}

/** An errno, or what else is told. */
function told<Reply extends Answer, More>(
  reply: Reply, more: (reply: Reply) => More,
): More | string {
  return reply.opRet < 0 ? `errno ${reply.opErrno}` : more(reply);
}

async function makeFile(
  client: WireClient, name: string, gfid: Uint8Array, content: Uint8Array,
): Promise<number> {
  const made = await client.call(fops.create, {
    parent: ROOT, flags: O_RDWR, mode: 0o100644, umask: 0, name: Buffer.from(name),
    xdata: new Map([["gfid-req", typed.gfid(gfid)]]),
  });
  assert.equal(made.opRet, 0);
  await client.call(fops.write, {
    gfid, fd: made.fd, offset: 0, size: content.length, flag: 0, xdata, payload: content,
  });
  return made.fd;
}

test("COPY_FILE_RANGE copies, and refuses, what glusterfsd does", options, () =>
  withBoth(async (bricks) => {
    await same(bricks, "ranges", async ({ client }) => {
      const [from, to] = [
        await makeFile(client, "source", SOURCE, Buffer.alloc(10_000, 7)),
        await makeFile(client, "target", TARGET, Buffer.from("short")),
      ];
      const said: unknown[] = [];
      const copy = async (
        source: [Uint8Array, number], target: [Uint8Array, number], range: number[],
      ): Promise<void> => {
        const [sourceOffset, targetOffset, size] = range as [number, number, number];
        said.push(told(await client.call(fops.copyFileRange, {
          source: source[0], target: target[0], sourceFd: source[1], targetFd: target[1],
          sourceOffset, targetOffset, size, flag: 0, xdata,
        }), ({ opRet, stat, parentBefore, parentAfter }) =>
          [opRet, stat.size, parentBefore.size, parentAfter.size, hex(stat.gfid)]));
      };
      const [a, b] = [[SOURCE, from], [TARGET, to]] as [[Uint8Array, number], [Uint8Array, number]];
      for (const range of [
        [0, 0, 4096], [4096, 4096, 9000], [9999, 20_000, 100], [10_000, 0, 10], [50_000, 0, 10],
        [0, 0, 0],
      ]) await copy(a, b, range);
      await copy(a, a, [0, 20_000, 100]);
      await copy(a, a, [0, 50, 100]);
      await copy([SOURCE, 77], b, [0, 0, 10]);
      await copy(a, [TARGET, 77], [0, 0, 10]);
      // glusterfsd fails without an errno there.
      said.push(typeof said.pop());
      const read = await client.call(fops.read, {
        gfid: TARGET, fd: to, offset: 0, size: 65_536, flag: 0, xdata,
      });
      said.push(read.opRet, digestOf(read.payload));
      return said;
    });
  }));

function digestOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, index) => (sum + byte * (index + 1)) % 1_000_003, 0);
}

const sums = "RCHECKSUM and SEEK tell what glusterfsd tells, to the end of a file and behind it";
test(sums, options, () =>
  withBoth(async (bricks) => {
    await same(bricks, "checksums", async ({ client }) => {
      const fd = await makeFile(client, "source", SOURCE, Buffer.from("some bytes".repeat(1000)));
      const on = { gfid: SOURCE, fd };
      // Behind the content a hole of some blocks, and a last byte.
      await client.call(fops.write, {
        ...on, offset: 299_999, size: 1, flag: 0, xdata, payload: Buffer.from("!"),
      });
      const said: unknown[] = [];
      const zero = new Map([["check-zero-filled", typed.int(1)]]);
      for (const asked of [xdata, zero]) {
        for (const [offset, length] of [[0, 4096], [9990, 100], [65_536, 4096], [299_999, 10],
          [300_000, 10], [400_000, 10], [0, 0]] as const) {
          said.push(told(await client.call(fops.rchecksum, {
            ...on, offset, length, flags: 0, xdata: asked,
          }), ({ weak, strong, xdata: more }) => [weak, strong.length, [...more.keys()]
            .filter((key) => key === "buf-has-zeroes"), more.get("buf-has-zeroes")?.value]));
        }
      }
      for (const number of [77, -2]) {
        said.push(told(await client.call(fops.rchecksum, {
          ...on, fd: number, offset: 0, length: 10, flags: 0, xdata,
        }), ({ weak }) => weak));
      }
      for (const what of [0, 1, 2, 3, 4]) {
        for (const offset of [0, 5000, 65_536, 200_000, 299_999, 300_000, 400_000]) {
          said.push([what, offset, told(await client.call(fops.seek, {
            ...on, offset, what, xdata,
          }), (reply) => reply.offset)]);
        }
      }
      return said;
    });
  }));

test("IPC and what no client of glusterfsd's gets is refused alike", options, () =>
  withBoth(async (bricks) => {
    await same(bricks, "refusals", async ({ client }) => {
      await makeFile(client, "source", SOURCE, Buffer.from("x"));
      const said: unknown[] = [];
      for (const op of [0, 1, 2, 9]) {
        said.push(told(await client.call(fops.ipc, { op, xdata }), () => "done"));
      }
      for (const command of [1, 2, 3]) {
        said.push(told(await client.call(fops.lease, {
          gfid: SOURCE, lease: { command, type: 1, id: Buffer.alloc(16, 1), flags: 0 }, xdata,
        }), () => "done"));
      }
      return said;
    });
  }));

/** glusterfsd compares them up to a NUL. */
const idOf = (byte: number): Uint8Array => Buffer.alloc(16).fill(byte, 0, 8);

/**
 * What glusterfsd says. 10.3 dies of a lease that is given back, now and then on a quiet machine and
 * mostly on a busy one: then all is asked again, of a new one.
 */
async function askStock<T>(ask: (brick: WireBrick) => Promise<T>, setup: WireSetup): Promise<T> {
  for (let tries = 1; ; tries++) {
    let said: { readonly answer: T } | undefined;
    try {
      await withBricks(["glusterfsd"], async ([brick]) => {
        said = { answer: await ask(brick!) };
      }, setup);
    } catch (error) {
      const isStocks = /wire-glusterfsd-.* closed the connection/.test((error as Error).message);
      if (!isStocks || tries === STOCK_TRIES_MAX) throw error;
    }
    if (said !== undefined) return said.answer;
  }
}

test("leases are granted, refused, asked back and waited for as by glusterfsd", patient, async () => {
  const leases = async (brick: WireBrick): Promise<unknown[]> => {
    const [holder, other] = [brick.client, await WireClient.open(brick.port, brick.path, 1)];
    await holder.call(fops.mknod, {
      parent: ROOT, dev: { high: 0, low: 0 }, mode: 0o100644, umask: 0, name: Buffer.from("file"),
      xdata: new Map([["gfid-req", typed.gfid(SOURCE)]]),
    });
    const said: unknown[] = [];
    const withId = (id: number): TypedDictionary =>
      new Map(id === 0 ? [] : [["lease-id", typed.bytes(idOf(id))]]);
    const lease = async (client: WireClient, command: number, type: number, id: number) => {
      said.push(told(await client.call(fops.lease, {
        gfid: SOURCE, lease: { command, type, id: idOf(id), flags: 0 }, xdata: withId(id),
      }), (reply) => reply.lease.type));
    };
    const open = (client: WireClient, flags: number, id = 0) =>
      client.call(fops.open, { gfid: SOURCE, flags, xdata: withId(id) });
    const recalls = () => holder.told.splice(0).map(({ procedure, args }) => {
      const { gfid, leaseType, transaction } = callback.recallLease.decodeRequest(args);
      return [procedure, hex(gfid), leaseType, hex(transaction)];
    });
    // A read lease of one who has the file open with its id: shared, asked back by a writer.
    const { fd } = await open(holder, O_RDWR, 1);
    for (const [command, type, id] of [[1, 0, 1], [2, 1, 0], [2, 1, 1], [2, 1, 1], [1, 0, 9],
      [3, 2, 1], [3, 1, 7]] as const) await lease(holder, command, type, id);
    await lease(other, 2, 1, 2);
    const reading = await open(other, 0, 2);
    said.push(told(reading, () => "read"), recalls());
    const hasty = { gfid: SOURCE, fd, offset: 0, size: 1, flag: 0, payload: Buffer.from("x") };
    // glusterfsd says EINVAL there, of OPEN alone.
    assert.ok((await open(other, O_RDWR | O_NONBLOCK, 2)).opRet < 0);
    await delay(PATIENCE_MS);
    said.push(recalls());
    await lease(other, 2, 1, 3);
    const done: string[] = [];
    const later = (what: string, reply: Promise<Answer>) =>
      reply.then((answer) => done.push(`${what} ${told(answer, () => "done")}`));
    const waiting = [
      later("a writer opens", open(other, O_RDWR, 2)),
      later("a nameless reader opens", open(other, 0)),
      later("a name goes", other.call(fops.unlink, {
        parent: ROOT, name: Buffer.from("none"), flags: 0, xdata,
      })),
      later("a holder writes", holder.call(fops.write, { ...hasty, xdata: withId(1) })),
    ];
    // Both engines take the requests of a connection one by one.
    for (const client of [holder, other]) await client.call(fops.stat, { gfid: SOURCE, xdata });
    await delay(PATIENCE_MS);
    said.push(done.toSorted(), recalls());
    for (const [client, id] of [[holder, 1], [holder, 1], [other, 2]] as const) {
      await lease(client, 3, 1, id);
    }
    await Promise.all(waiting);
    said.push(done.toSorted());
    // Read and write: nobody else's.
    await lease(other, 2, 2, 5);
    await holder.call(fops.release, { gfid: SOURCE, fd, xdata });
    other.close();
    return said;
  };
  const stock = await askStock(leases, { leases: true });
  await withBricks(["builtin"], async ([brick]) => {
    assert.deepEqual(await leases(brick!), stock);
  }, { leases: true });
});

test("who has seen an object is told of changes by others, as by glusterfsd", options, () =>
  withBoth(async (bricks) => {
    const [theirs, ours] = await Promise.all(bricks.map(async (brick) => {
      const [seer, changer] = [brick.client, await WireClient.open(brick.port, brick.path, 1)];
      await makeFile(changer, "source", SOURCE, Buffer.from("content"));
      const look = () => seer.call(fops.lookup, {
        gfid: new Uint8Array(16), parent: ROOT, flags: 0, name: Buffer.from("source"), xdata,
      });
      const said: Heard[] = [];
      const note = async (what: string, reply: Answer): Promise<void> => {
        await delay(PATIENCE_MS);
        said.push({
          what, failed: reply.opRet < 0 ? reply.opErrno : 0,
          events: seer.told.splice(0)
            .map(({ args }) => callback.cacheInvalidation.decodeRequest(args)),
        });
        await look();
      };
      await look();
      const on = { gfid: SOURCE, xdata };
      await note("WRITE", await changer.call(fops.write, {
        ...on, fd: -2, offset: 0, size: 4, flag: 0, payload: Buffer.from("data"),
      }));
      await note("SETATTR", await changer.call(fops.setattr, {
        ...on, stat: { ...NO_IATT, mode: 0o600 }, valid: 1,
      }));
      await note("TRUNCATE", await changer.call(fops.truncate, { ...on, offset: 2 }));
      await note("SETXATTR", await changer.call(fops.setxattr, {
        ...on, flags: 0, dictionary: new Map([["user.x", typed.bytes(Buffer.from("1"))]]),
      }));
      await note("REMOVEXATTR", await changer.call(fops.removexattr, {
        ...on, name: Buffer.from("user.x"),
      }));
      await note("FALLOCATE", await changer.call(fops.fallocate, {
        ...on, fd: -2, flags: 0, offset: 0, size: 100,
      }));
      await note("STAT", await changer.call(fops.stat, on));
      await note("LINK", await changer.call(fops.link, {
        ...on, newParent: ROOT, newName: Buffer.from("second"),
      }));
      await note("RENAME", await changer.call(fops.rename, {
        oldParent: ROOT, newParent: ROOT, oldName: Buffer.from("second"),
        newName: Buffer.from("third"), xdata,
      }));
      await note("UNLINK", await changer.call(fops.unlink, {
        parent: ROOT, name: Buffer.from("source"), flags: 0, xdata,
      }));
      changer.close();
      return said;
    }));
    // All that is told there, at least; what of the parents, by an event or beside.
    for (const [index, { what, failed, events }] of theirs!.entries()) {
      const mine = ours![index]!;
      assert.deepEqual([mine.what, mine.failed], [what, failed]);
      for (const event of events) {
        const found = mine.events.find(({ gfid }) => gfid === event.gfid);
        assert.equal((found?.flags ?? 0) & event.flags, event.flags, what);
        for (const kind of ["stat", "parentStat", "oldParentStat"] as const) {
          const gfid = hex(event[kind].gfid);
          if (/[1-9]/.test(gfid)) assert.equal(hex(found![kind].gfid), gfid, `${what} ${kind}`);
        }
      }
    }
    assert.ok(theirs!.reduce((count, { events }) => count + events.length, 0) > 5);
  }, { cacheInvalidation: true }));

interface Heard {
  readonly what: string;
  readonly failed: number;
  readonly events: readonly ReturnType<typeof callback.cacheInvalidation.decodeRequest>[];
}
