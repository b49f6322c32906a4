// One brick directory, two programs: what either of them wrote, the other serves.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LiveNode, good, onMount, until } from "./live-node.ts";

const node = new LiveNode(3);
after(() => node.clean());

const option = "mortar.brick-engine";
type Engine = "builtin" | "glusterfsd";

async function serveBy(engine: Engine): Promise<void> {
  good(await node.client.volumeOptionSet("v", { options: [{ name: option, value: engine }] }));
  good(await node.client.volumeStop("v"));
  good(await node.client.volumeStart("v"));
  const { bricks } = good(await node.client.nodeStatus());
  assert.deepEqual(bricks.map((it) => it.engine), bricks.map(() => engine));
}

function shell(directory: string, script: string): string {
  return execFileSync("timeout", ["60", "bash", "-euc", script], {
    cwd: directory, encoding: "utf8", maxBuffer: 64 * 1024 * 1024,
  });
}

/** Every kind of change, named after who makes it. */
function work(mountPoint: string, by: string): void {
  shell(mountPoint, `
    mkdir -p ${by}/deep/er && cd ${by}
    for n in $(seq 20); do head -c $((n * 1009)) /dev/urandom > file$n; done
    ln file1 deep/linked; ln -s ../file2 deep/symbolic; mkfifo pipe; truncate -s 3M sparse
    setfattr -n user.colour -v blue file3; setfattr -n user.big -v "$(head -c 900 /dev/zero | tr '\\0' x)" deep
    chmod 4751 file4; chown 12:34 file5; touch -d '2001-02-03 04:05:06.789' file6
    mv file7 deep/er/moved; mv file8 file9; rm file10; mkdir gone && rmdir gone
    setfacl -m u:1234:rw file11 2> /dev/null || true
    dd if=/dev/urandom of=sparse bs=4096 seek=300 count=2 conv=notrunc status=none; sync -f .`);
}

/** Names, kinds, rights, owners, times, content, attributes. */
function tree(directory: string): string {
  return shell(directory, `
    find . -path ./.glusterfs -prune -o -printf '%P %y %m %U:%G %s %T@ %l %n\\n' | sort
    find . -path ./.glusterfs -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
    find . -path ./.glusterfs -prune -o ! -type p ! -type l -print0 | sort -z |
      xargs -0 getfattr -h -d -e hex -m '^(user|trusted)' | grep -v '^$'
    find .glusterfs -mindepth 3 -maxdepth 3 -printf '%P %y %n %l\\n' | sort`);
}

function seen(mountPoint: string): string {
  return shell(mountPoint, `
    find . -printf '%P %y %m %U:%G %s %T@ %l %n\\n' | sort
    find . -type f -print0 | sort -z | xargs -0 sha256sum
    find . ! -type p ! -type l -print0 | sort -z | xargs -0 getfattr -d -e hex -m '^user' | grep -v '^$'`);
}

/** Lines that are in one of the two alone. */
function differing(now: string, before: string): string[] {
  const [a, b] = [new Set(now.split("\n")), new Set(before.split("\n"))];
  return [
    ...[...a].filter((it) => !b.has(it)).map((it) => `+ ${it.slice(0, 200)}`),
    ...[...b].filter((it) => !a.has(it)).map((it) => `- ${it.slice(0, 200)}`),
  ];
}

test("a brick is served by either engine in turn: nothing changes but what clients change", async () => {
  await node.start();
  const bricks = [node.brickDirectory("a")];
  good(await node.client.volumeCreate({ name: "v", bricks, force: true }));
  good(await node.client.volumeStart("v"));
  const brick = join(node.directory, "a");
  let before: { tree: string; seen: string } | undefined;
  for (const [turn, engine] of (["builtin", "glusterfsd", "builtin", "glusterfsd"] as const).entries()) {
    await serveBy(engine);
    const mountPoint = node.mount("v");
    if (before !== undefined) {
      const shown = differing(seen(mountPoint), before.seen);
      assert.deepEqual(shown, [], `${engine} shows what the other one wrote`);
      const kept = differing(tree(brick), before.tree);
      assert.deepEqual(kept, [], `${engine} changes nothing by serving`);
    }
    work(mountPoint, `by-${engine}-${turn}`);
    before = { seen: seen(mountPoint), tree: tree(brick) };
    node.unmount(mountPoint);
  }
});

const mixed = "mixed";

test("bricks of both kinds serve one volume while either dies: what was synced is there", async () => {
  const bricks = ["b", "c"].map((name) => node.brickDirectory(name));
  good(await node.client.volumeCreate({ name: mixed, bricks, force: true }));
  good(await node.client.volumeStart(mixed));
  const mountPoint = node.mount(mixed);
  const list = join(node.directory, "written");
  const writer = spawn("bash", ["-c", `
    cd ${mountPoint}
    for n in $(seq 100000); do
      head -c 20011 /dev/urandom > ${node.directory}/next
      if dd if=${node.directory}/next of=f$n bs=7k conv=fsync 2> /dev/null; then
        echo "$(sha256sum < ${node.directory}/next | cut -c-64)  f$n" >> ${list}
      fi
      sleep 0.01
    done`], { stdio: "ignore", detached: true });
  const count = () => (existsSync(list) ? readFileSync(list, "latin1").split("\n").length : 0);
  const goesOn = async (what: string) => {
    const now = count();
    await until(`writes go on ${what}`, () => count() > now + 20);
  };
  try {
    await goesOn("at first");
    const options = [{ name: option, value: "glusterfsd" }];
    good(await node.client.volumeOptionSet(mixed, { options }));
    const engines = async () => {
      const { processes } = good(await node.client.volumeStatus(mixed));
      const known = good(await node.client.nodeStatus()).bricks;
      return processes.map(({ path }) => known.find((it) => it.path === path));
    };
    const [first, second] = await engines();
    process.kill(first?.pid ?? 0, "SIGKILL");
    await until("the first is glusterfsd", async () => (await engines())[0]?.engine === "glusterfsd");
    await goesOn("on both kinds");
    good(await node.client.volumeOptionReset(mixed, { key: option }));
    process.kill(second?.pid ?? 0, "SIGKILL");
    await until("the second is back", async () => {
      const [, now] = await engines();
      return now?.engine === "builtin" && now.pid !== second?.pid;
    });
    await goesOn("behind the death of the builtin one");
    const [stock, own] = await engines();
    assert.deepEqual([stock?.engine, own?.engine], ["glusterfsd", "builtin"]);
    assert.deepEqual([stock?.port, own?.port], [first?.port, second?.port], "ports stay");
    const other = stock?.pid ?? 0;
    process.kill(other, "SIGKILL");
    await until("the first is builtin again", async () => (await engines())[0]?.engine === "builtin");
    await goesOn("behind the death of the stock one");
  } finally {
    process.kill(-(writer.pid ?? 0), "SIGKILL");
  }
  // What is on a brick that the client has not found again yet is not there, to a distributed volume.
  await until("the client has both bricks", async () => {
    const { processes } = good(await node.client.volumeStatus(mixed, { view: "clients" }));
    return processes.every(({ report }) => report?.clients?.length === 1);
  });
  const told = shell(mountPoint, `sha256sum --check --quiet ${list}; wc -l < ${list}`);
  assert.ok(Number(told) > 60, told);
  node.unmount(mountPoint);
});

test("twelve bricks start side by side, and each has a log that tells of its start", async () => {
  const names = Array.from({ length: 12 }, (_, index) => `many${index}`);
  good(await node.client.volumeCreate({
    name: "m", bricks: names.map((name) => node.brickDirectory(name)), force: true,
  }));
  const startMs = performance.now();
  good(await node.client.volumeStart("m"));
  const tookMs = performance.now() - startMs;
  const { processes } = good(await node.client.volumeStatus("m"));
  assert.ok(processes.every((it) => it.online));
  assert.equal(new Set(processes.map((it) => it.port)).size, 12);
  assert.ok(tookMs < 30_000, `${Math.round(tookMs)} ms`);
  for (const { path } of processes) {
    const log = join(node.paths.brickLogDirectory, `${path.slice(1).replaceAll("/", "-")}.log`);
    assert.match(readFileSync(log, "utf8"), /serves .* on port \d+/);
  }
  good(await node.client.volumeStop("m"));
  good(await node.client.volumeDelete("m"));
});

test("what a brick is asked is answered: clients, descriptors, profile, statedump, its log anew", async () => {
  const mountPoint = node.mount(mixed);
  good(await node.client.volumeProfile(mixed, { action: "start" }));
  const started = await node.client.volumeProfile(mixed, { action: "start" });
  assert.ok(!started.ok);
  assert.equal(started.problem.opErrstr, `Profile on Volume ${mixed} is already started`);
  onMount.write(join(mountPoint, "seen"), "x".repeat(5000));
  const clients = good(await node.client.volumeStatus(mixed, { view: "clients" })).processes;
  for (const { report } of clients) {
    assert.equal(report?.clients?.length, 1);
    assert.ok((report?.clients?.[0]?.bytesReceived ?? 0) > 0);
    assert.equal(report?.clients?.[0]?.opVersion, 100_000);
  }
  const { bricks } = good(await node.client.volumeProfile(mixed, { action: "info" }));
  assert.equal(bricks.reduce((sum, it) => sum + (it.profile?.cumulative.bytesWritten ?? 0), 0), 5000);
  const next = good(await node.client.volumeProfile(mixed, { action: "info", part: "incremental" }));
  assert.deepEqual(next.bricks.map((it) => it.profile?.intervalNumber), [1, 1]);
  assert.ok(next.bricks.every((it) => it.profile?.interval.bytesWritten === 0));
  good(await node.client.volumeProfile(mixed, { action: "stop" }));
  const dumps = good(await node.client.volumeStatedump(mixed)).files;
  assert.equal(dumps.length, 2);
  for (const { file } of dumps) {
    assert.match(readFileSync(file, "utf8"), /^\[brick\]\npid=\d+$[^]*^DUMP-END$/m);
  }
  const [former] = good(await node.client.volumeLogRotate(mixed)).files;
  assert.match(readFileSync(former?.file ?? "", "utf8"), /serves /);
  const log = (former?.file ?? "").replace(/\.\d+$/, "");
  assert.equal(statSync(log).size, 0);
  good(await node.client.volumeBarrier(mixed, { enable: true }));
  good(await node.client.volumeBarrier(mixed, { enable: false }));
  node.unmount(mountPoint);
  assert.ok(readdirSync(node.paths.brickLogDirectory).length > 0);
});

test("a brick that a tool of GlusterFS ends stays down until it is started, whichever serves it", async () => {
  const directory = node.brickDirectory("d");
  const path = join(node.directory, "d");
  good(await node.client.volumeCreate({ name: "ended", bricks: [directory], force: true }));
  const seenNow = async () =>
    good(await node.client.nodeStatus()).bricks.find((it) => it.path === path);
  for (const engine of ["builtin", "glusterfsd"] as const) {
    good(await node.client.volumeOptionSet("ended", { options: [{ name: option, value: engine }] }));
    good(await node.client.volumeStart("ended"));
    const [host = ""] = directory.split(":");
    const pidFile = join(node.paths.toolPidDirectory, "ended", `${host}${path.replaceAll("/", "-")}.pid`);
    const pid = Number(readFileSync(pidFile, "latin1"));
    assert.deepEqual([pid, engine], [(await seenNow())?.pid, (await seenNow())?.engine]);
    const words = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
    const socket = words.find((it) => it.endsWith(".socket")) ?? "";
    const detach = (brick: string) =>
      spawnSync("timeout", ["20", "gf_attach", "-d", socket, brick], { stdio: "ignore" }).status;
    // Another brick is none of its: that goes on. glusterfsd often ends before it has answered.
    if (engine === "builtin") {
      detach(node.directory);
      assert.equal((await seenNow())?.pid, pid);
      assert.ok(existsSync(`/proc/${pid}`));
    }
    const status = detach(path);
    if (engine === "builtin") assert.equal(status, 0);
    await until("the brick is seen to have ended", async () => (await seenNow())?.state === "ended");
    await sleep(1_500);
    assert.equal((await seenNow())?.state, "ended");
    good(await node.client.volumeStart("ended", { force: true }));
    assert.equal((await seenNow())?.state, "online");
    good(await node.client.volumeStop("ended"));
    assert.equal(existsSync(pidFile), false);
  }
});
