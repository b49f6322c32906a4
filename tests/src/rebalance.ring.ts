// A volume on three nodes grows and shrinks under a stock mount that stays: bricks are added, files
// moved to them, a brick emptied and let go. Every file is there at every moment.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { followTask, MortarClient, type RouteName, type Task } from "@mortar/api";
import { LiveNode, until } from "./live-node.ts";

const programs = ["/usr/bin/etcd", "/usr/sbin/glusterfs"];
const missing = programs.filter((it) => !existsSync(it));
const skip = missing.length === 0 ? false : `not installed: ${missing.join(", ")}`;
const options = { skip, timeout: 180_000 };
const node = new LiveNode();
const root = join(node.directory, "dev");
const network = `127.${100 + (process.pid % 50)}.${(process.pid >> 6) & 255}`;
const group = `m${(process.pid % 36 ** 4).toString(36)}v`;
const hosts = [1, 2, 3].map((number) => `${network}.${number}`);
const bricks = hosts.map((host, index) => `${host}:${root}/b${index + 1}/exp`);
const FILES = 60;

const at = (number: number, line: string): string =>
  `export MORTAR_ROOT=${root}/n${number}; ${line}`;
const ok = (number: number, line: string): Promise<string> =>
  node.ok(at(number, line), { seconds: 90 });

const clientOf = (number: number) =>
  new MortarClient({ socketPath: `${root}/n${number}/run/mortar/mortard.sock` });

/** The newest one of a route, as it ended, asked for at node 1. */
async function endedTask(route: RouteName): Promise<Task> {
  const client = clientOf(1);
  const list = await client.taskList({ route, limit: 1 });
  assert.ok(list.ok && list.result[0] !== undefined);
  const ended = await followTask(client, list.result[0].id);
  assert.ok(ended.ok);
  return ended.result;
}

before(async () => {
  if (skip !== false) return;
  const dev = `mortar dev --nodes 3 --root ${root} --network ${network} --group ${group}`;
  await node.ok(dev, { seconds: 170 });
});

after(async () => {
  if (skip === false && existsSync(root)) {
    await node.run("umount volume 2> /dev/null; true");
    await node.run(`mortar dev --stop --root ${root}`, { seconds: 120 }).catch(() => undefined);
  }
  await node.close();
});

/** A file that is moved while a directory is read may be listed by both bricks, as with stock. */
async function checkFiles(): Promise<void> {
  const sums = await ok(1, "cd volume && sha256sum -c ../sums --quiet && ls | sort -u | wc -l");
  assert.equal(sums.trim(), String(FILES));
}

/** Data files of a brick; a file that is elsewhere leaves a link of mode 1000, without content. */
async function filesOn(brick: number): Promise<number> {
  const count = `find ${root}/b${brick}/exp -path '*/.glusterfs' -prune -o -type f -size +0 -print`;
  return Number(await ok(1, `${count} | wc -l`));
}

test("bricks that are added get their files, under a mount that stays", options, async () => {
  await ok(1, `gluster volume create v ${bricks[0]} ${bricks[1]}`);
  await ok(1, "gluster volume start v && mkdir volume");
  await ok(1, `mount -t glusterfs -o log-file=${node.directory}/client.log ${hosts[0]}:/v volume`);
  await ok(1, `for n in $(seq ${FILES}); do head -c 20000 /dev/urandom > volume/f$n; done`);
  await ok(1, "cd volume && sha256sum * > ../sums");
  const added = await ok(3, `gluster volume add-brick v ${bricks[2]}`);
  assert.equal(added, "volume add-brick: success\n");
  await checkFiles();
  assert.equal(await filesOn(3), 0);
  const begun = await ok(2, "gluster volume rebalance v start");
  assert.match(begun, /^volume rebalance: v: success: Rebalance on v has been started success/);
  await until("all files are moved", async () => {
    await checkFiles();
    const status = await ok(3, "gluster volume rebalance v status");
    assert.doesNotMatch(status, /failed|not started/, status);
    return (status.match(/ completed /g) ?? []).length === 3;
  });
  await checkFiles();
  assert.ok((await filesOn(3)) > FILES / 10, "the new brick has its part");
  const task = await endedTask("volumeRebalance");
  assert.equal(task.state, "done");
  assert.ok((task.progress?.done ?? 0) > FILES / 10, JSON.stringify(task.progress));
  assert.match(await ok(2, "gluster volume status v tasks"), /Task +: Rebalance +\n.*\nStatus +: completed/);
});

test("a brick is emptied, then let go, and no file with it", options, async () => {
  const question = `gluster --mode=script volume remove-brick v ${bricks[1]}`;
  const begun = await ok(3, `${question} start`);
  assert.match(begun, /^volume remove-brick start: success\nID: [0-9a-f-]{36}\n$/);
  await until("the brick is empty", async () => {
    await checkFiles();
    const status = await ok(1, `${question} status`);
    assert.doesNotMatch(status, /failed|not started/, status);
    return (status.match(/ completed /g) ?? []).length === 3;
  });
  assert.equal(await filesOn(2), 0);
  assert.equal((await endedTask("volumeRemoveBrick")).state, "done");
  assert.match(await ok(2, `${question} commit`), /^volume remove-brick commit: success\n/);
  await checkFiles();
  assert.match(await ok(1, "gluster volume info v"), /Number of Bricks: 2\n/);
  await ok(1, "umount volume");
});

test("bricks that are being made are taken away again when that is cancelled, at whichever node", options, async () => {
  const volumesOf = async (): Promise<string> => await ok(1, `lvs --noheadings -o vg_name,lv_name | grep ${group} | sort`);
  const present = [await clientOf(1).brickList(), await volumesOf()];
  const body = { volume: "never", sizeBytes: 320 * 1024 * 1024, setSize: 3, setCount: 4, force: true };
  const begun = await clientOf(1).startTask("brickPlace", { body });
  assert.ok(begun.ok && begun.result.canCancel);
  const cancelled = await clientOf(2).taskCancel(begun.result.id);
  assert.ok(cancelled.ok, JSON.stringify(cancelled));
  assert.equal((await endedTask("brickPlace")).state, "cancelled");
  assert.deepEqual([await clientOf(1).brickList(), await volumesOf()], present);
});
