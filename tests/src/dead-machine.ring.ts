// A machine burns down. What docs/CLUSTER.md says to type brings a new one into its place, while clients
// write: no error, no lost byte; the dead node is forgotten, the new one has its vote and its copies.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { DevCluster, type NodeNumber, skipCluster } from "./dev-cluster.ts";
import { until } from "./live-node.ts";

const options = { skip: skipCluster, timeout: 580_000 };
const cluster = new DevCluster("d");
const at = (number: number): string => cluster.hosts[number - 1]!;
const made = (number: number): string => `${cluster.root}/made${number}/exp`;
const volumes = ["copies", "coded"] as const;
/** Of `copies` on nodes with these numbers. */
const survivors = [1, 2, 4] as const;

before(async () => {
  if (skipCluster !== false) return;
  await cluster.make(4);
  // The machine that is bought later.
  await cluster.ok(1, `gluster --mode=script peer detach ${at(4)}`);
  for (const number of [1, 2, 3]) await makeBrick(number);
  const bricks = [1, 2, 3].map((number) => `${at(number)}:${made(number)}`).join(" ");
  await cluster.ok(1, `gluster --mode=script volume create copies replica 3 ${bricks}`);
  await cluster.ok(1, "gluster volume start copies && mkdir copies");
  const log = `-o log-file=${cluster.live.directory}/copies.log`;
  await cluster.ok(1, `mount -t glusterfs ${log} ${at(1)}:/copies copies`);
  await cluster.volume("coded", "disperse 3 redundancy 1");
});

after(() => cluster.close());

function makeBrick(number: number): Promise<string> {
  return cluster.ok(1, `mortar brick create ${at(number)}:${made(number)} --size 512M --vg ${cluster.group}${number}`);
}

function filesOf(number: NodeNumber): Promise<string> {
  return cluster.ok(number, `cd ${made(number)} && find . -path ./.glusterfs -prune -o -type f -print0 | ` +
    "sort -z | xargs -0r sha256sum");
}

test("a new machine takes the place of a dead one under a verified load", options, async () => {
  await cluster.ok(1, "for n in $(seq 40); do echo before $n > copies/f$n; echo before $n > coded/f$n; done");
  await cluster.ok(1, "gluster snapshot create before copies no-timestamp");
  const loads = volumes.map((name, index) => cluster.load(name, 31 + index));
  await sleep(2_000);
  await cluster.kill(3);
  const early = await cluster.run(1, `gluster --mode=script peer detach ${at(3)} force`);
  assert.notEqual(early.exitCode, 0);
  assert.match(early.stdout + early.stderr, /hosts one or more bricks/);

  await cluster.ok(1, `gluster peer probe ${at(4)}`);
  await makeBrick(4);
  const replace = "gluster --mode=script volume replace-brick";
  await cluster.ok(1, `${replace} copies ${at(3)}:${made(3)} ${at(4)}:${made(4)} commit force`);
  const coded = (number: NodeNumber): string => `${at(number)}:${cluster.brick(number, "coded-0")}`;
  await cluster.ok(2, `${replace} coded ${coded(3)} ${coded(4)} commit force`);
  const kept = await cluster.run(1, `gluster --mode=script peer detach ${at(3)} force`);
  assert.match(kept.stdout + kept.stderr, /snapshot/, "a snapshot has a brick there");
  await cluster.ok(1, "gluster --mode=script snapshot delete before");
  await cluster.ok(1, `gluster --mode=script peer detach ${at(3)} force`);

  for (const load of loads) assert.ok(load.isRunning(), "the load goes on");
  for (const name of volumes) await cluster.healed(name);
  for (const load of loads) await cluster.endLoad(load);
  for (const name of volumes) {
    await cluster.healed(name);
    assert.equal(await cluster.ok(1, `cat ${name}/f40`), "before 40\n");
  }
  const [first, ...others] = await Promise.all(survivors.map(filesOf));
  assert.ok(first!.split("\n").length > 40);
  for (const other of others) assert.equal(other, first, "all copies are equal");
});

test("nothing waits for the dead machine, and another one may die", options, async () => {
  const pool = await cluster.ok(4, "gluster pool list");
  assert.equal(pool.match(/Connected/g)?.length, 3, pool);
  assert.ok(!pool.includes(at(3)));
  assert.equal((await cluster.ok(1, "gluster --mode=script snapshot list")).trim(), "No snapshots present");
  const status = await cluster.ok(2, "gluster volume status");
  assert.equal(status.match(/ N  +N\/A/g), null, status);
  assert.ok(!status.includes(at(3)), status);
  await cluster.kill(2);
  // The vote of the new machine counts: two of three are a majority.
  await until("the state can be changed", async () =>
    (await cluster.run(4, "gluster volume set copies performance.cache-size 64MB")).exitCode === 0, 60);
  assert.equal(await cluster.ok(1, "cat copies/f1 coded/f1"), "before 1\nbefore 1\n");
});
