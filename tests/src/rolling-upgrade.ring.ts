// Three nodes with three copies are given another version, one after the other: pools, mortard, bricks.
// Clients that write and read all the while, on the mounts of all of them, notice nothing.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DevCluster, nodeNumbers, skipCluster } from "./dev-cluster.ts";
import { installed } from "./installation.ts";

const options = { skip: skipCluster, timeout: 580_000 };
const cluster = new DevCluster("u");
const loaded = { copies: "replica 3", coded: "disperse 3 redundancy 1" } as const;

before(async () => {
  if (skipCluster !== false) return;
  await cluster.make();
  for (const [name, layout] of Object.entries(loaded)) await cluster.volume(name, layout);
  await cluster.volume("plain", "");
});

after(() => cluster.close());

test("another version takes over node by node, bricks and all, under a verified load", options, async () => {
  const next = await installed(cluster.live, "7.7.7");
  const loads = Object.keys(loaded).map((name, index) => cluster.load(name, 31 + index));
  for (const number of nodeNumbers) {
    const former = cluster.servers(number);
    const own = `--root ${cluster.root}/n${number}`;
    const told = await cluster.ok(number, `'${process.execPath}' '${next}/packages/cli/dist/main.js' ${own} upgrade --bricks`, 400);
    assert.match(told, /^mortard: version 0\.1\.0 -> 7\.7\.7/m);
    assert.match(told, /^bricks of plain go on as they are: it has no copies/m);
    const now = cluster.servers(number);
    for (const [path, pid] of former) {
      if (!path.startsWith("/")) continue;
      const isLeft = path.includes("/plain-");
      assert.equal(now.get(path) === pid, isLeft, `${path} is ${isLeft ? "as it was" : "another process"}`);
      if (isLeft) continue;
      assert.match(told, new RegExp(`^brick ${path} of \\w+: pid ${pid} -> ${now.get(path)}$`, "m"));
      assert.ok(cluster.wordsOf(now.get(path)!).includes(next), "it is of the new version");
    }
    for (const load of loads) assert.ok(load.isRunning(), "the load goes on");
  }
  for (const load of loads) assert.ok(await cluster.endLoad(load) > 100);
  for (const name of Object.keys(loaded)) await cluster.healed(name);
});
