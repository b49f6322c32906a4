// What bricks of either engine tell of the same load, and whose locks an operator takes away.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { askBrick, specOfVolfile, startBrick } from "@mortar/brick";
import type { BrickProfile, BrickProfileBook, BrickQuestion, BrickTop } from "@mortar/cluster";
import { brickVolfile, fops, initialOptions, printVolfile, typed } from "@mortar/gluster";
import { setXattr } from "@mortar/linux";
import type { BrickAddress } from "../bricks/brick-client.ts";
import { BrickError } from "../bricks/brick-error.ts";
import { type BrickPlace, withBrickSession } from "../bricks/brick-session.ts";
import { builtinEngine } from "../bricks/builtin-engine.ts";
import { freePort } from "../bricks/port.ts";
import { stockEngine } from "../bricks/stock-engine.ts";
import { clearStockLocks } from "./stock-clear-locks.ts";

const program = "/usr/sbin/glusterfsd";
const skip = existsSync(program) ? false : "glusterfs-server is not installed";
const ADDRESS = "127.0.0.1";
const ROOT = Buffer.from("00000000000000000000000000000001", "hex");
const GFID = Buffer.alloc(16, 0x77);
const xdata = new Map();

type Engine = "builtin" | "glusterfsd";
type Session = Parameters<Parameters<typeof withBrickSession>[1]>[0];

class Served {
  readonly directory = mkdtempSync(join(tmpdir(), `stock-told-${process.pid}-`));
  readonly path = join(this.directory, "brick");
  readonly address: BrickAddress;
  readonly engine: Engine;
  place!: BrickPlace;
  end!: () => Promise<void>;

  constructor(engine: Engine) {
    this.engine = engine;
    this.address = { socket: join(this.directory, "socket"), name: engine, timeoutMs: 5_000 };
  }

  async start(): Promise<this> {
    const { directory, path, address } = this;
    mkdirSync(join(path, ".glusterfs/indices"), { recursive: true, mode: 0o700 });
    const id = randomUUID();
    setXattr(path, "trusted.glusterfs.volume-id", Buffer.from(id.replaceAll("-", ""), "hex"));
    const port = (await freePort(ADDRESS, 43_000, 44_000, new Set()))!;
    const profiling = {
      "diagnostics.latency-measurement": "on", "diagnostics.count-fop-hits": "on",
    };
    const volfile = printVolfile(brickVolfile({
      name: "r", id, kind: "distribute", replicaCount: 1, bricks: [{ host: ADDRESS, path }],
      options: { ...initialOptions("distribute"), ...profiling },
      credentials: { username: randomUUID(), password: randomUUID() },
    }, 0, { stateDirectory: directory, listenPort: port, bindAddress: ADDRESS }));
    this.place = { name: this.engine, address: ADDRESS, port, volfile, timeoutMs: 5_000 };
    if (this.engine === "builtin") {
      const controlSocket = address.socket;
      const spec = specOfVolfile(volfile, { controlSocket, port, address: ADDRESS });
      await startBrick(spec, join(directory, "log"));
      this.end = async () => void (await askBrick(address.socket, { command: "stop" }));
    } else {
      const file = join(directory, "brick.vol");
      writeFileSync(file, volfile);
      const words = ["-N", "-f", file, "-l", join(directory, "log"), "-S", address.socket];
      const daemon = spawn(program, words, { stdio: "ignore" });
      this.end = async () => {
        const ended = once(daemon, "exit");
        daemon.kill("SIGKILL");
        await ended;
      };
    }
    return this;
  }

  async ask<T>(question: BrickQuestion): Promise<T> {
    const engine = this.engine === "builtin" ? builtinEngine : stockEngine;
    return (await engine.ask(this.address, this.path, question)) as T;
  }

  async session(work: (call: Session) => Promise<void>): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        return await withBrickSession(this.place, work);
      } catch (error) {
        // The stock one needs a moment until it listens, and has its graph.
        if (tries === 100 || !(error instanceof BrickError)) throw error;
        await delay(50);
      }
    }
  }

  async close(): Promise<void> {
    await this.end();
    rmSync(this.directory, { recursive: true });
  }
}

async function withBoth(body: (served: Served) => Promise<unknown>): Promise<void> {
  const told: unknown[] = [];
  for (const engine of ["glusterfsd", "builtin"] as const) {
    const served = await new Served(engine).start();
    try {
      await served.session(() => Promise.resolve());
      told.push(await body(served));
    } finally {
      await served.close();
    }
  }
  assert.deepEqual(told[1], told[0]);
}

async function load(call: Session): Promise<void> {
  const made = await call(fops.create, {
    parent: ROOT, flags: 2, mode: 0o100644, umask: 0, name: Buffer.from("file"),
    xdata: new Map([["gfid-req", typed.gfid(GFID)]]),
  });
  assert.equal(made.opRet, 0);
  const on = { gfid: GFID, fd: made.fd, xdata };
  for (const size of [1, 100, 4096, 5000, 131_072]) {
    const payload = Buffer.alloc(size, 3);
    await call(fops.write, { ...on, offset: 0, size, flag: 2, payload });
    await call(fops.read, { ...on, offset: 0, size, flag: 0 });
  }
  await call(fops.read, { ...on, offset: 131_000, size: 4096, flag: 0 });
  await call(fops.read, { ...on, offset: 500_000, size: 4096, flag: 0 });
  await call(fops.fsync, { ...on, dataOnly: 0 });
  await call(fops.ftruncate, { ...on, offset: 7 });
  await call(fops.fstat, on);
  await call(fops.stat, { gfid: GFID, xdata });
  await call(fops.lookup, {
    gfid: new Uint8Array(16), parent: ROOT, flags: 0, name: Buffer.from("absent"), xdata,
  });
  await call(fops.open, { gfid: GFID, flags: 0, xdata }).then((opened) =>
    call(fops.release, { gfid: GFID, fd: opened.fd, xdata }));
  const directory = Buffer.alloc(16, 0x78);
  await call(fops.mkdir, {
    parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from("directory"),
    xdata: new Map([["gfid-req", typed.gfid(directory)]]),
  });
  const { fd } = await call(fops.opendir, { gfid: directory, xdata });
  const listing = { gfid: directory, fd, offset: { high: 0, low: 0 }, size: 4096, xdata };
  await call(fops.readdirp, listing);
  await call(fops.readdir, listing);
  await call(fops.releasedir, { gfid: directory, fd, xdata });
  await call(fops.flush, on);
  await call(fops.release, on);
}

const countsOf = ({ fops: counted }: BrickProfileBook): Map<string, number> =>
  new Map(counted.map(({ name, count }) => [name, count]));

test("profile and top count the same load as glusterfsd does", { skip }, () =>
  withBoth(async (served) => {
    let before = new Map<string, number>();
    await served.session(async (call) => {
      // Only now: glusterfsd looks up the root for each client that comes.
      before = countsOf((await served.ask<BrickProfile>("profile")).cumulative);
      await served.ask("profile-next");
      await load(call);
    });
    const { cumulative, interval, intervalNumber } = await served.ask<BrickProfile>("profile");
    for (const { name, least, mean, most } of interval.fops) {
      assert.ok(least <= mean && mean <= most, name);
    }
    const { bytesRead, bytesWritten, readSizes, writeSizes } = interval;
    assert.deepEqual(cumulative.readSizes, readSizes);
    const top = await served.ask<BrickTop>("top");
    const grown = [...countsOf(cumulative)]
      .map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
      .filter(([, count]) => count !== 0)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    return {
      grown,
      bytesRead, bytesWritten, readSizes, writeSizes, intervalNumber,
      counts: top.counts, openMax: top.openMax, openNow: top.openNow,
      fastest: [top.readSpeed, top.writeSpeed].map((of) => of.map(({ path }) => path)),
    };
  }));

test("an operator's clearing takes the same locks on both", { skip }, () =>
  withBoth(async (served) => {
    const choice = { path: "/file", which: "all", kind: "posix" } as const;
    const clear = () => served.engine === "glusterfsd"
      ? clearStockLocks(served.place, served.path, choice)
      : builtinEngine.ask(served.address, served.path, "clear-locks", choice);
    assert.equal(await clear(), null);
    const cleared: unknown[] = [];
    await served.session(async (call) => {
      const { fd } = await call(fops.create, {
        parent: ROOT, flags: 2, mode: 0o100644, umask: 0, name: Buffer.from("file"),
        xdata: new Map([["gfid-req", typed.gfid(GFID)]]),
      });
      const zero = { high: 0, low: 0 };
      const flock = {
        type: 1, whence: 0, start: zero, length: zero, pid: 1, lockOwner: Uint8Array.of(1, 2, 3, 4),
      };
      const { opRet } = await call(fops.lk, { gfid: GFID, fd, command: 6, type: 1, flock, xdata });
      cleared.push(opRet, await clear(), await clear());
    });
    return cleared;
  }));
