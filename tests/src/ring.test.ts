// A cluster of three nodes as `mortar dev` makes it, typed at from all three: a volume over it, its
// snapshots, and a coordinator that is killed in the middle of one.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { endProcess, LiveNode, until } from "./live-node.ts";

const skip = existsSync("/usr/bin/etcd") ? false : "etcd is not installed (apt-get install etcd-server)";
const options = { skip, timeout: 180_000 };
const node = new LiveNode();
const root = join(node.directory, "dev");
const network = `127.${200 + (process.pid % 50)}.${(process.pid >> 6) & 255}`;
const group = `r${(process.pid % 36 ** 4).toString(36)}n`;
const hosts = [1, 2, 3].map((number) => `${network}.${number}`);

/** A line of shell, typed at one of the nodes. */
const at = (number: number, line: string): string => `export MORTAR_ROOT=${root}/n${number}; ${line}`;
const ok = (number: number, line: string): Promise<string> => node.ok(at(number, line), { seconds: 90 });

before(async () => {
  if (skip !== false) return;
  await node.ok(`mortar dev --nodes 3 --root ${root} --network ${network} --group ${group}`, { seconds: 170 });
});

after(async () => {
  if (skip === false && existsSync(root)) {
    // After a failure: pools end in order, or their loop devices would stay.
    await node.run("umount volume snapshot 2> /dev/null; true");
    await node.run(`mortar dev --stop --root ${root}`, { seconds: 120 }).catch(() => undefined);
  }
  await node.close();
});

test("the pool is listed as stock lists it, in text and XML", options, async () => {
  const status = await ok(1, "gluster peer status");
  const peer = (host: string) =>
    `\nHostname: ${host}\nUuid: [0-9a-f-]{36}\nState: Peer in Cluster \\(Connected\\)\n`;
  assert.match(status, new RegExp(`^Number of Peers: 2\n${hosts.slice(1).map(peer).join("")}$`));
  const list = await ok(1, "gluster pool list");
  const rows = [...hosts.slice(1), "localhost"].map((host) => `[0-9a-f-]{36}\t${host} *\tConnected \n`);
  assert.match(list, new RegExp(`^UUID\t{5}Hostname *\tState\n${rows.join("")}$`));
  const xml = await ok(1, "gluster peer status --xml");
  assert.match(xml, new RegExp(
    `<hostname>${hosts[1]}</hostname>\n\\s*<hostnames>\n\\s*<hostname>${hosts[1]}</hostname>\n` +
      "\\s*</hostnames>\n\\s*<connected>1</connected>\n\\s*<state>3</state>\n" +
      "\\s*<stateStr>Peer in Cluster</stateStr>"));
});

test("a snapshot over three nodes is what the client's files were", options, async () => {
  const bricks = hosts.map((host, index) => `${host}:${root}/b${index + 1}/exp`);
  await ok(1, `gluster volume create v ${bricks.join(" ")}`);
  await ok(2, "gluster volume start v && mkdir volume snapshot");
  const log = `-o log-file=${node.directory}/client.log`;
  await ok(1, `mount -t glusterfs ${log} ${hosts[2]}:/v volume`);
  await ok(1, "for n in $(seq 12); do echo before $n > volume/f$n; done");
  await ok(3, "gluster snapshot create s v no-timestamp");
  await ok(1, "for n in $(seq 12); do echo after > volume/f$n; done");
  await ok(2, "gluster snapshot activate s");
  await ok(1, `mount -t glusterfs ${log} ${hosts[0]}:/snaps/s/v snapshot`);
  const expected = Array.from({ length: 12 }, (_, index) => `before ${index + 1}\n`).join("");
  assert.equal(await ok(1, "for n in $(seq 12); do cat snapshot/f$n; done"), expected);
  await ok(1, "umount snapshot");
  await ok(3, "gluster --mode=script snapshot deactivate s");
});

async function snapshotVolumes(): Promise<string[]> {
  const found = await Promise.all(hosts.map((_, index) =>
    ok(index + 1, `lvs --noheadings -o lv_name ${group}${index + 1}`)));
  const names = found.map((it) => it.split("\n").map((name) => name.trim()));
  return names.flat().filter((name) => /^[0-9a-f]{32}_\d+$/.test(name));
}

test("a coordinator killed while it takes a snapshot: the others go on, nothing is half done", options, async () => {
  // At any moment of the whole command.
  const delayMs = 200 + Math.floor(Math.random() * 800);
  const pid = Number(readFileSync(`${root}/n2/run/mortar/mortard.pid`, "latin1"));
  const background = node.start(at(2, "gluster snapshot create broken v no-timestamp"));
  await sleep(delayMs);
  endProcess(pid);
  await background.ended;
  // Its turn is over, and what it held back goes on.
  await ok(1, "gluster --mode=script snapshot config snap-max-hard-limit 200");
  await ok(1, "echo goes on > volume/f1");
  await ok(2, "mortar up");
  await ok(3, "gluster snapshot create whole v no-timestamp");
  const names = (await ok(3, "gluster snapshot list v")).trim().split("\n");
  assert.ok(names.includes("whole"), names.join());
  assert.equal((await snapshotVolumes()).length, 3 * names.length, `${names.join()} after ${delayMs} ms`);
  await until("it knows", async () =>
    (await ok(2, "gluster snapshot list v")).trim() === names.join("\n"));
  for (const name of names.filter((it) => it !== "s")) {
    await ok(3, `gluster --mode=script snapshot delete ${name}`);
  }
  assert.equal((await snapshotVolumes()).length, 3);
});

test("the cluster is stopped without a trace, and comes back with all it had", options, async () => {
  await ok(1, "umount volume");
  await node.ok(`mortar dev --stop --root ${root}`, { seconds: 150 });
  assert.deepEqual(node.scratch.left(), []);
  await node.ok(`mortar dev --root ${root}`, { seconds: 170 });
  assert.equal(await ok(3, "gluster snapshot list v"), "s\n");
  await until("all bricks run", async () =>
    ((await ok(1, "gluster volume status v")).match(/ Y /g) ?? []).length === 3);
  await node.ok(`mortar dev --stop --root ${root}`, { seconds: 150 });
});
