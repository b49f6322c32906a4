// What a brick's options, its callbacks and its sessions do, seen by clients that speak the wire.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  callback, fops, NO_DICTIONARY, NO_FLOCK, NO_IATT, typed, UPCALL_FLAG,
} from "@mortar/gluster";
import { inProcessSkip, wanted } from "./in-process.fixture.ts";
import { RawClient, ROOT } from "./raw-client.fixture.ts";
import { withServedBrick } from "./served-brick.fixture.ts";
import type { LockReport } from "./server/reports.ts";

const options = { timeout: 60_000, ...inProcessSkip };
const xdata = NO_DICTIONARY;
const EACCES = 13;
const EAGAIN = 11;
const EROFS = 30;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;

let nextGfid = 1;
function newGfid(): Uint8Array {
  return new Uint8Array(16).fill(0xb0).with(0, nextGfid++);
}

async function create(client: RawClient, name: string, parent = ROOT): Promise<Uint8Array> {
  const gfid = newGfid();
  const reply = await client.ask(fops.create, {
    parent, flags: O_RDWR, mode: 0o100666, umask: 0, name: Buffer.from(name), xdata: wanted(gfid),
  });
  assert.equal(reply.opRet, 0, `create ${name}: ${reply.opErrno}`);
  await client.ask(fops.release, { gfid, fd: reply.fd, xdata });
  return gfid;
}

async function mkdir(client: RawClient, name: string, mode = 0o777): Promise<Uint8Array> {
  const gfid = newGfid();
  const reply = await client.ask(fops.mkdir, {
    parent: ROOT, mode, umask: 0, name: Buffer.from(name), xdata: wanted(gfid),
  });
  assert.equal(reply.opRet, 0);
  return gfid;
}

const write = (client: RawClient, gfid: Uint8Array, flag = 0) =>
  client.ask(fops.write, {
    gfid, fd: -2, offset: 0, size: 4, flag, xdata, payload: Buffer.from("data"),
  });

const stat = (client: RawClient, gfid: Uint8Array) => client.ask(fops.stat, { gfid, xdata });

test("other options count for requests from then on; what cannot change is told", options, () =>
  withServedBrick({}, async (brick) => {
    const client = await brick.client();
    const file = await create(client, "file");
    const readOnly = await brick.reconfigure({ "features.read-only": "on" });
    assert.deepEqual(readOnly, { changed: ["readOnly"], needsRestart: [] });
    assert.equal((await write(client, file)).opErrno, EROFS);
    assert.equal((await stat(client, file)).opRet, 0);
    client.pid = -6;
    assert.equal((await write(client, file)).opRet, 4, "a healer writes");
    client.pid = 1;
    await brick.reconfigure({
      "server.root-squash": "on", "server.anonuid": "4711", "server.anongid": "4712",
      "storage.create-mask": "0700", "storage.force-create-mode": "0004",
    });
    const open = await mkdirAs(client, "open");
    assert.equal(open, EACCES, "nobody makes nothing in root's directory");
    await brick.reconfigure({ "features.acl": "off", "server.all-squash": "on" });
    const made = await create(client, "made");
    const { stat: facts } = await stat(client, made);
    assert.deepEqual([facts.uid, facts.gid, facts.mode & 0o7777], [65_534, 65_534, 0o666]);
    const later = await brick.reconfigure({ "server.ssl": "on", "storage.max-hardlinks": "2" });
    assert.deepEqual(later.needsRestart, ["tls"]);
    await assert.rejects(brick.reconfigure({ "features.quota": "on" }), /features.quota is on/);
    const second = await client.ask(fops.link, {
      gfid: file, newParent: ROOT, newName: Buffer.from("second"), xdata,
    });
    const third = await client.ask(fops.link, {
      gfid: file, newParent: ROOT, newName: Buffer.from("third"), xdata,
    });
    assert.deepEqual([second.opRet, third.opErrno], [0, 31]);
  }));

async function mkdirAs(client: RawClient, name: string): Promise<number> {
  const reply = await client.ask(fops.mkdir, {
    parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from(name), xdata: wanted(newGfid()),
  });
  return reply.opErrno;
}

const subdirectory = "a mount of a directory sees it as the root, and nothing of what is above it";
test(subdirectory, options, () => withServedBrick({}, async (brick) => {
  const client = await brick.client();
  const directory = await mkdir(client, "sub");
  await create(client, "above");
  const inside = await brick.client({ "subdir-mount": "/sub" });
  const root = await stat(inside, ROOT);
  assert.deepEqual(root.stat.gfid, ROOT);
  assert.deepEqual(root.stat.ino, { high: 0, low: 1 });
  assert.equal(await inside.look("above"), undefined);
  const file = await create(inside, "below");
  const { before: found } = await client.ask(fops.lookup, {
    gfid: new Uint8Array(16), parent: directory, flags: 0, name: Buffer.from("below"), xdata,
  });
  assert.deepEqual(found.gfid, file);
  const made = await inside.ask(fops.mkdir, {
    parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from("deeper"), xdata: wanted(newGfid()),
  });
  assert.deepEqual(made.parentAfter.gfid, ROOT);
  const { fd } = await inside.ask(fops.opendir, { gfid: ROOT, xdata });
  const { entries } = await inside.ask(fops.readdirp, {
    gfid: ROOT, fd, offset: { high: 0, low: 0 }, size: 65_536, xdata,
  });
  for (const entry of entries) {
    const name = Buffer.from(entry.name).toString();
    if (name === "." || name === "..") assert.deepEqual(entry.stat.gfid, ROOT, name);
  }
  assert.equal(entries.length, 4);
  for (const path of ["/missing", "/above", "/sub/../..", "/.glusterfs"]) {
    const { client: refused, errno, text } = await RawClient.enter(brick.port, brick.path, {
      "subdir-mount": path,
    });
    refused.end();
    assert.equal(errno, 2, path);
    assert.match(text, /^subdirectory for mount ".*" is not found$/);
  }
}));

test("who may come in is told for each directory, and again when it changes", options, () =>
  withServedBrick({ "auth.allow": "/(10.0.0.1),/sub(127.*|1.2.3.4)" }, async (brick) => {
    const trusted = await brick.client({ username: "user", password: "word" });
    await mkdir(trusted, "sub");
    await mkdir(trusted, "other");
    const inside = await brick.client({ "subdir-mount": "/sub" });
    for (const facts of [{}, { "subdir-mount": "/other" }]) {
      await assert.rejects(brick.client(facts), /13: Authentication failed/);
    }
    await assert.rejects(brick.client({ username: "user", password: "wrong" }), /Authentication/);
    await brick.reconfigure({ "auth.allow": "10.0.0.1" });
    await inside.closed;
    assert.equal((await stat(trusted, ROOT)).opRet, 0);
    await brick.reconfigure({ "auth.reject": "127.0.0.1" });
    await trusted.closed;
  }));

test("who has seen an object is told when somebody else changes it", options, () =>
  withServedBrick({ "features.cache-invalidation": "on" }, async (brick) => {
    const [seer, changer] = [await brick.client(), await brick.client()];
    const file = await create(changer, "file");
    await seer.look("file");
    const next = async () => {
      const { procedure, args } = await seer.nextCallback();
      assert.equal(procedure, callback.cacheInvalidation.number);
      return callback.cacheInvalidation.decodeRequest(args);
    };
    await write(changer, file);
    const told = await next();
    assert.equal(told.gfid.replaceAll("-", ""), Buffer.from(file).toString("hex"));
    assert.equal(told.flags & UPCALL_FLAG.size, UPCALL_FLAG.size);
    assert.equal(told.stat.size, 4);
    assert.deepEqual(changer.callbacks, [], "who changes it knows");
    await changer.ask(fops.setattr, {
      gfid: file, stat: { ...NO_IATT, mode: 0o600 }, valid: 1, xdata,
    });
    const changed = await next();
    assert.equal(changed.stat.mode & 0o777, 0o600);
    await changer.ask(fops.rename, {
      oldParent: ROOT, newParent: ROOT, oldName: Buffer.from("file"), newName: Buffer.from("new"),
      xdata,
    });
    const flags = [(await next()).flags, (await next()).flags, (await next()).flags];
    assert.ok(flags.some((each) => (each & UPCALL_FLAG.rename) !== 0), String(flags));
    await changer.ask(fops.unlink, { parent: ROOT, name: Buffer.from("new"), flags: 0, xdata });
    const after = [(await next()).flags, (await next()).flags];
    assert.ok(after.some((each) => (each & UPCALL_FLAG.nlink) !== 0), String(after));
  }));

const leases = "a lease is asked back before what it excludes goes on, which waits or is refused";
test(leases, options, () =>
  withServedBrick({ "features.leases": "on", "features.lease-lock-recall-timeout": "1" },
    async (brick) => {
      const [holder, other] = [await brick.client(), await brick.client()];
      const file = await create(holder, "file");
      const id = new Uint8Array(16).fill(9, 0, 8);
      const ask = (client: RawClient, command: number, type: number) =>
        client.ask(fops.lease, { gfid: file, lease: { command, type, id, flags: 0 }, xdata });
      const named = new Map([["lease-id", typed.bytes(new Uint8Array(16).fill(8, 0, 8))]]);
      const granted = await ask(holder, 2, 1);
      assert.deepEqual([granted.opRet, granted.lease.type], [0, 1]);
      const { fd } = await other.ask(fops.open, { gfid: file, flags: 0, xdata: named });
      assert.ok(fd >= 0, "a reader with a lease id is not in the way of a read lease");
      const refused = await other.ask(fops.open, {
        gfid: file, flags: O_RDWR | O_NONBLOCK, xdata: named,
      });
      assert.equal(refused.opErrno, EAGAIN);
      const recalled = await holder.nextCallback();
      assert.equal(recalled.procedure, callback.recallLease.number);
      assert.deepEqual(callback.recallLease.decodeRequest(recalled.args).gfid, file);
      let isDone = false;
      const written = write(other, file).then((reply) => {
        isDone = true;
        return reply;
      });
      await stat(other, file);
      assert.equal(isDone, false, "the write waits");
      assert.equal((await ask(holder, 3, 1)).opRet, 0);
      assert.equal((await written).opRet, 4);
      // Whoever does not answer loses it.
      await other.ask(fops.release, { gfid: file, fd, xdata });
      assert.equal((await ask(holder, 2, 2)).lease.type, 2);
      assert.equal((await write(other, file)).opRet, 4);
      assert.equal((await ask(holder, 1, 0)).lease.type, 0);
    }));

const again = "a client that comes again ends its old connection, and the locks that it held there";
test(again, options, () => withServedBrick({}, async (brick) => {
  const name = (count: number) => ({ "process-uuid": `CTX_ID:x-PC_NAME:v-RECON_NO:-${count}` });
  const first = await brick.client(name(0));
  const file = await create(first, "file");
  const lock = (client: RawClient) => client.ask(fops.inodelk, {
    gfid: file, command: 1, type: 1, flock: { ...NO_FLOCK, type: 1 },
    domain: "d", xdata,
  });
  assert.equal((await lock(first)).opRet, 0);
  const stranger = await brick.client();
  assert.equal((await lock(stranger)).opErrno, EAGAIN);
  const second = await brick.client(name(1));
  await first.closed;
  assert.equal((await lock(second)).opRet, 0);
  const { locks } = (await brick.command("statedump")) as { locks: readonly LockReport[] };
  assert.deepEqual(
    locks.map(({ kind, domain, range, type, waits }) => ({ kind, domain, range, type, waits })),
    [{
      kind: "inode", domain: "d", range: { start: "0", length: "0" }, type: "write", waits: false,
    }],
  );
}));

const synced = "writes that have to be on the disk are answered behind the flush, others meanwhile";
test(synced, options, () => withServedBrick({}, async (brick) => {
  const client = await brick.client();
  const file = await create(client, "file");
  const replies = await Promise.all(Array.from({ length: 200 }, (_, index) =>
    index % 2 === 0 ? write(client, file, 0o4010000) : client.look("file")));
  assert.equal(replies.length, 200);
  assert.equal((await stat(client, file)).stat.size, 4);
  const { opRet } = await client.ask(fops.fsync, { gfid: file, fd: -2, dataOnly: 0, xdata });
  assert.equal(opRet, 0);
}));

test("groups are those of this node when it manages them", options, () =>
  withServedBrick({ "server.manage-gids": "on" }, async (brick) => {
    const client = await brick.client();
    const directory = await mkdir(client, "shared");
    // The user "games" is, on every Debian, in its own group only, whose number is 60.
    await client.ask(fops.setattr, {
      gfid: directory, stat: { ...NO_IATT, gid: 60, mode: 0o040770 }, valid: 1 | 4, xdata,
    });
    client.uid = 5;
    const listing = (): Promise<number> =>
      client.ask(fops.opendir, { gfid: directory, xdata }).then(({ opErrno, opRet }) =>
        (opRet < 0 ? opErrno : 0));
    assert.equal(await listing(), 0);
    client.uid = 6;
    assert.equal(await listing(), EACCES);
  }));

const drop = "no thread of a running brick has more than it needs";
test(drop, options, () => withServedBrick({}, async (brick) => {
  const kept = [0, 1, 2, 3, 4, 21, 27, 31].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
  const threads = readdirSync(`/proc/${brick.pid}/task`);
  assert.ok(threads.length > 4, `${threads.length} threads`);
  for (const thread of threads) {
    const text = readFileSync(`/proc/${brick.pid}/task/${thread}/status`, "utf8");
    assert.match(text, /NoNewPrivs:\t1/);
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) {
      const mask = BigInt(`0x${new RegExp(`${set}:\\t(\\w+)`).exec(text)?.[1]}`);
      assert.equal(mask & ~kept, 0n, `${set} of thread ${thread}`);
    }
  }
  assert.doesNotMatch(brick.log, /no Landlock/);
}));
