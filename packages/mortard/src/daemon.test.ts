// The real daemon, its brick servers, the stock client's mount.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { brickEngines } from "./bricks/brick-engine.ts";
import { brickFiles } from "./bricks/brick-process.ts";
import { LiveNode, good, onMount, until } from "./live-node.ts";
import { identify } from "./process-identity.ts";

const node = new LiveNode();
const other = new LiveNode(2);
after(async () => {
  await node.clean();
  await other.clean();
});

async function brickPids(): Promise<(number | undefined)[]> {
  return good(await node.client.volumeStatus("v")).processes.map((brick) => brick.pid);
}

test("a volume is created, started and mounted; what is written is on its bricks", async () => {
  await node.start();
  const bricks = ["one", "two"].map((name) => node.brickDirectory(name));
  good(await node.client.volumeCreate({ name: "v", bricks, force: true }));
  good(await node.client.volumeStart("v"));
  const status = good(await node.client.volumeStatus("v", { detail: true }));
  assert.equal(status.processes.length, 2);
  for (const brick of status.processes) {
    assert.ok(brick.online && brick.port !== undefined && brick.pid !== undefined);
    assert.ok((brick.detail?.totalBytes ?? 0) > 0);
  }
  const mountPoint = node.mount("v");
  for (let index = 0; index < 10; index += 1) {
    onMount.write(join(mountPoint, `file${index}`), `content ${index}`);
  }
  const stored = ["one", "two"].flatMap((name) =>
    readdirSync(join(node.directory, name)).filter((entry) => entry.startsWith("file")),
  );
  assert.equal(stored.length, 10);
  node.unmount(mountPoint);
});

test("after stop and start a new mount shows the same files", async () => {
  good(await node.client.volumeStop("v"));
  assert.deepEqual(good(await node.client.nodeStatus()).bricks, []);
  good(await node.client.volumeStart("v"));
  const mountPoint = node.mount("v");
  assert.equal(String(onMount.read(join(mountPoint, "file7"))), "content 7");
  node.unmount(mountPoint);
});

test("an option reaches a mounted client at once", async () => {
  const mountPoint = node.mount("v");
  const translator = join(mountPoint, ".meta/graphs/active/v-io-cache");
  assert.equal(onMount.exists(translator), false);
  const options = [{ name: "performance.io-cache", value: "on" }];
  good(await node.client.volumeOptionSet("v", { options }));
  await until("the client has the new translator", () => onMount.exists(translator));
  node.unmount(mountPoint);
});

test("a brick that is killed comes back on its own, and the mount goes on", async () => {
  const mountPoint = node.mount("v");
  const before = await brickPids();
  for (const pid of before) process.kill(pid ?? 0, "SIGKILL");
  await until("both bricks are back", async () => {
    const now = await brickPids();
    return now.every((pid, index) => pid !== undefined && pid !== before[index]);
  });
  await until("the client is connected again", () => {
    try {
      return String(onMount.read(join(mountPoint, "file3"))) === "content 3";
    } catch {
      return false;
    }
  });
  assert.deepEqual(
    good(await node.client.nodeStatus()).bricks.map((brick) => brick.restarts),
    [1, 1],
  );
  node.unmount(mountPoint);
});

async function barrierHolds(engine: keyof typeof brickEngines): Promise<void> {
  const { raiseBarrier, releaseBarrier } = brickEngines[engine];
  const mountPoint = node.mount("v");
  const path = join(node.directory, "one");
  const home = { runDirectory: node.paths.brickRunDirectory, logDirectory: node.directory };
  const brick = { socket: brickFiles(home, path).socket, name: path, timeoutMs: 5000 };
  const [name = ""] = readdirSync(path).filter((it) => it.startsWith("file"));
  await raiseBarrier(brick, path);
  const child = spawn("rm", [join(mountPoint, name)], { stdio: "ignore" });
  const ended = new Promise<string>((resolve) => child.once("exit", () => resolve("ended")));
  assert.equal(await Promise.race([ended, sleep(500, "held")]), "held");
  assert.equal(await releaseBarrier(brick, path), true);
  assert.equal(await ended, "ended");
  // A daemon that comes back does not know what its predecessor had come to.
  assert.equal(await releaseBarrier(brick, path), false);
  onMount.write(join(mountPoint, "free"), "not held back");
  await assert.rejects(raiseBarrier({ ...brick, socket: "/none" }, path), /ENOENT/);
  node.unmount(mountPoint);
}

test("a barrier holds back what changes the tree until it is released", async () => {
  await barrierHolds("builtin");
});

test("kill -9 of the daemon stops no I/O; its successor adopts the same bricks", async () => {
  const mountPoint = node.mount("v");
  const before = await brickPids();
  await node.end("SIGKILL");
  const bytes = randomBytes(300_000);
  onMount.write(join(mountPoint, "alone"), bytes);
  assert.deepEqual(onMount.read(join(mountPoint, "alone")), bytes);
  await node.start();
  assert.deepEqual(await brickPids(), before);
  assert.deepEqual(onMount.read(join(mountPoint, "alone")), bytes);
  const options = [{ name: "performance.read-ahead", value: "on" }];
  good(await node.client.volumeOptionSet("v", { options }));
  await until("the client found the new daemon and took the option", () =>
    onMount.exists(join(mountPoint, ".meta/graphs/active/v-read-ahead")),
  );
  node.unmount(mountPoint);
});

test("bricks that died while there was no daemon are started by the next one", async () => {
  const before = await brickPids();
  assert.equal(await node.end("SIGTERM"), 0);
  const [first] = before;
  assert.ok(first !== undefined && identify(first) !== undefined, "SIGTERM ends no brick");
  process.kill(first, "SIGKILL");
  await node.start();
  const now = await brickPids();
  assert.notEqual(now[0], first);
  assert.equal(now[1], before[1]);
});

test("a second daemon of the same root is refused, and does no harm", async () => {
  const first = node.process;
  await assert.rejects(node.start(), /runs already/);
  node.process = first;
  assert.equal((await brickPids()).length, 2);
});

test("two nodes on one machine serve on the same ports of their own addresses", async () => {
  await other.start();
  const bricks = [other.brickDirectory("one")];
  good(await other.client.volumeCreate({ name: "v", bricks, force: true }));
  good(await other.client.volumeStart("v"));
  const mountPoint = other.mount("v");
  onMount.write(join(mountPoint, "mine"), "of the other node");
  assert.ok(existsSync(join(other.directory, "one/mine")));
  assert.ok(!existsSync(join(node.directory, "one/mine")));
  other.unmount(mountPoint);
  const ports = good(await other.client.nodeStatus()).bricks.map((brick) => brick.port);
  assert.deepEqual(ports, [49152]);
});

const engineOption = "mortar.brick-engine";

test("a brick whose program is missing names the package to install, and the other engine", async () => {
  await other.end("SIGTERM");
  other.configure({ glusterfsd: "/no/such/glusterfsd" });
  await other.start();
  good(await other.client.volumeCreate({ name: "w", bricks: [other.brickDirectory("w")], force: true }));
  const options = [{ name: engineOption, value: "glusterfsd" }];
  good(await other.client.volumeOptionSet("w", { options }));
  const answer = await other.client.volumeStart("w");
  assert.ok(!answer.ok);
  assert.match(answer.problem.nextStep ?? "", /apt-get install glusterfs-server/);
  assert.match(answer.problem.nextStep ?? "", /volume set w mortar.brick-engine builtin/);
  assert.match(answer.problem.detail, /\/no\/such\/glusterfsd/);
  assert.equal(good(await other.client.volumeInfo("w")).status, "Created");
  good(await other.client.volumeOptionReset("w", { key: engineOption }));
  good(await other.client.volumeStart("w"));
});

test("a volume or brick that cannot be, is refused and leaves nothing", async () => {
  const missing = await node.client.volumeStart("none");
  assert.ok(!missing.ok);
  assert.equal(missing.problem.opErrstr, "Volume none does not exist");
  assert.equal(missing.problem.status, 404);
  const foreign = await node.client.volumeCreate({ name: "x", bricks: ["192.0.2.1:/b"], force: true });
  assert.ok(!foreign.ok);
  const used = await node.client.volumeCreate({
    name: "x", bricks: [node.brickDirectory("one"), node.brickDirectory("three")], force: true,
  });
  assert.ok(!used.ok);
  assert.equal(existsSync(join(node.directory, "three")), false);
  assert.deepEqual(good(await node.client.volumeInfoAll()).map((it) => it.name), ["v"]);
});

test("everything private is private", () => {
  const { runDirectory, stateDirectory, logDirectory, socketPath, pidFile } = node.paths;
  for (const directory of [runDirectory, stateDirectory, logDirectory]) {
    assert.equal(statSync(directory).mode & 0o777, 0o700, directory);
  }
  for (const file of [socketPath, pidFile]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
});

async function bricksOf(): Promise<[engine: string | undefined, port: number | undefined][]> {
  const { bricks } = good(await node.client.nodeStatus());
  const sorted = bricks.filter(({ volume }) => volume === "v")
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return sorted.map(({ engine, port }) => [engine, port]);
}

test("the other engine serves each brick from its next start on; a volume may be of both", async () => {
  const before = await bricksOf();
  const options = [{ name: engineOption, value: "glusterfsd" }];
  const refused = await node.client.volumeOptionSet("v", { options: [{ ...options[0]!, value: "x" }] });
  assert.ok(!refused.ok);
  const set = await node.client.volumeOptionSet("v", { options });
  assert.ok(set.ok);
  assert.match(set.warnings.join(), /glusterfsd serves each brick from its next start on/);
  assert.deepEqual(await bricksOf(), before);
  const mountPoint = node.mount("v");
  const [pid] = await brickPids();
  process.kill(pid ?? 0, "SIGKILL");
  await until("the first brick is back", async () => (await bricksOf())[0]?.[0] === "glusterfsd");
  const mixed = await bricksOf();
  assert.deepEqual(mixed, [["glusterfsd", before[0]?.[1]], ["builtin", before[1]?.[1]]]);
  for (let index = 0; index < 10; index += 1) {
    await until("the client is connected to both", () => {
      try {
        onMount.write(join(mountPoint, `mixed${index}`), `on either ${index}`);
        return true;
      } catch {
        return false;
      }
    });
  }
  await node.end("SIGKILL");
  await node.start();
  assert.deepEqual(await bricksOf(), mixed, "each is adopted as what it is");
  good(await node.client.volumeOptionSet("v", { options: [{ name: "features.read-only", value: "off" }] }));
  node.unmount(mountPoint);
  good(await node.client.volumeStop("v"));
  good(await node.client.volumeStart("v"));
  assert.deepEqual((await bricksOf()).map(([engine]) => engine), ["glusterfsd", "glusterfsd"]);
  await barrierHolds("glusterfsd");
  good(await node.client.volumeOptionReset("v", { key: engineOption }));
  good(await node.client.volumeStop("v"));
  good(await node.client.volumeStart("v"));
  assert.deepEqual((await bricksOf()).map(([engine]) => engine), ["builtin", "builtin"]);
  const again = node.mount("v");
  assert.equal(String(onMount.read(join(again, "mixed7"))), "on either 7");
  node.unmount(again);
});

test("shutdown stops the bricks and the daemon; the next start brings all back", async () => {
  const pids = await brickPids();
  const child = node.process;
  const ended = new Promise((resolve) => child?.once("exit", resolve));
  const result = good(await node.client.nodeShutdown());
  assert.deepEqual(result, { bricksStopped: 2, unmounted: [], failures: [] });
  assert.equal(await ended, 0);
  for (const pid of pids) assert.equal(identify(pid ?? 0), undefined);
  await node.start();
  assert.ok((await brickPids()).every((pid) => pid !== undefined));
});

test("a deleted volume leaves its bricks' data, and no process, socket or record", async () => {
  good(await node.client.volumeStop("v"));
  good(await node.client.volumeDelete("v"));
  assert.deepEqual(readdirSync(node.paths.brickRunDirectory), []);
  assert.ok(readdirSync(join(node.directory, "one")).length > 0);
  mkdirSync(join(node.directory, "unused"));
});
