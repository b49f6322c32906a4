// Differences whose base is gone: bookmarks, over three nodes; and streams kept in a directory and in
// a real S3 server, whole and as differences, cut off, damaged, and received in the right order only.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DevCluster, type NodeNumber, nodeNumbers, skipCluster } from "./dev-cluster.ts";
import { endProcess, until } from "./live-node.ts";

const options = { skip: skipCluster, timeout: 300_000 };
const cluster = new DevCluster("k");
const port = 20_000 + (process.pid % 10_000);
const endpoint = `http://127.0.0.1:${port}`;
const keys = `export AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret AWS_ENDPOINT_URL=${endpoint};`;
const hasMoto = spawnSync("moto_server", ["--help"], { timeout: 60_000 }).status === 0;
const withStore = {
  ...options, skip: hasMoto ? skipCluster : "moto_server is not installed (pip install 'moto[server]')",
};
let store: ChildProcess | undefined;

const random = "dd if=/dev/urandom bs=1M status=none";
const treeOf = (directory: string): string =>
  `cd ${directory} && { find . -type f -print0 | sort -z | xargs -0r sha256sum; find . -printf '%p %y %m\\n' | sort; }`;
const trees = new Map<string, string>();

before(async () => {
  if (skipCluster !== false) return;
  await cluster.make();
  await cluster.volume("home", "replica 3");
  await cluster.ok(1, `cd home && mkdir d && for n in 1 2 3 4 5 6; do ${random} of=d/f$n count=4; done && mkdir ../copy`);
  await snapshot("s1");
  await cluster.ok(1, `cd home && ${random} of=d/f1 count=1 conv=notrunc && rm d/f2 && echo new > c`);
  await snapshot("s2");
});
after(async () => {
  if (store?.pid !== undefined) endProcess(store.pid);
  await cluster.close();
});

async function snapshot(name: string): Promise<void> {
  await cluster.ok(1, `sync -f home && gluster snapshot create ${name} home no-timestamp`);
  trees.set(name, await cluster.ok(1, treeOf("home")));
}

async function receivedTree(volume: string): Promise<string> {
  const log = `-o log-file=${cluster.live.directory}/copy.log`;
  await cluster.ok(2, `gluster volume start ${volume} && mount -t glusterfs ${log} ${cluster.hosts[0]}:/${volume} copy`);
  const tree = await cluster.ok(2, treeOf("copy"));
  await cluster.ok(2, `umount copy && gluster --mode=script volume stop ${volume}`);
  return tree;
}

const digestsOf = (number: NodeNumber): string[] => {
  try {
    return readdirSync(join(cluster.root, `n${number}/var/lib/mortar/bookmarks`));
  } catch {
    return [];
  }
};

test("a difference is sent from a bookmark, though its snapshot is deleted", options, async (context) => {
  await cluster.ok(1, "mortar snapshot send s1 | mortar snapshot receive --as s1c --force copy");
  context.diagnostic(await cluster.ok(3, "mortar snapshot bookmark s1 s1-sent"));
  assert.deepEqual(nodeNumbers.map((it) => digestsOf(it).length), [1, 1, 1]);
  assert.match(await cluster.ok(2, "mortar snapshot bookmark list"), /^s1-sent {2}of s1 \(home\)/);
  await cluster.ok(1, "gluster --mode=script snapshot delete s1");
  await cluster.ok(1, "mortar snapshot send -i s1-sent s2 > part && mortar snapshot send s2 > whole");
  const [part, whole] = ["part", "whole"].map((it) => readFileSync(join(cluster.live.directory, it)).length);
  context.diagnostic(`${part} bytes from the bookmark, ${whole} whole`);
  assert.ok(part! < whole! / 2);
  await cluster.ok(2, "mortar snapshot receive --as s2c --force copy < part");
  assert.equal(await receivedTree("copy"), trees.get("s2"));
});

test("a wrong base, a bookmark of another volume, damaged digests: refused in words", options, async () => {
  const wrong = await cluster.run(1, "mortar snapshot receive --as s3c --force copy < part");
  assert.match(wrong.stderr, /continues snapshot "s1" .* and volume copy has "s2"/);
  const taken = await cluster.run(1, "mortar snapshot bookmark s2 s1-sent");
  assert.match(taken.stderr, /a bookmark s1-sent already/);
  await cluster.ok(1, "gluster snapshot activate s2");
  const active = await cluster.run(1, "mortar snapshot bookmark s2 s2-sent");
  assert.match(active.stderr, /is activated/);
  await cluster.ok(1, "gluster --mode=script snapshot deactivate s2");
  const [name = ""] = digestsOf(1);
  const path = join(cluster.root, "n1/var/lib/mortar/bookmarks", name);
  const bytes = readFileSync(path);
  bytes[200]! ^= 1;
  writeFileSync(path, bytes);
  const damaged = await cluster.run(1, "mortar snapshot send -i s1-sent s2 > /dev/null");
  assert.notEqual(damaged.exitCode, 0);
  assert.match(damaged.stderr, /could not read/);
  const log = readFileSync(join(cluster.root, "n1/var/log/mortar/mortard.log"), "utf8");
  assert.match(log, /digests .* are damaged: its checksum does not fit/);
});

test("a bookmark is deleted while a node is away, which removes its part when it is back", options, async () => {
  await cluster.kill(3);
  await cluster.ok(1, "mortar snapshot bookmark delete s1-sent");
  assert.match(await cluster.ok(1, "mortar snapshot bookmark list"), /No bookmarks/);
  await until("the others have removed theirs", () => digestsOf(1).length + digestsOf(2).length === 0, 30);
  assert.equal(digestsOf(3).length, 1);
  await cluster.ok(3, "mortar up", 200);
  await until("it has, too", () => digestsOf(3).length === 0, 60);
  await cluster.healed("home");
});

/** A place that keeps streams, seen from outside. */
interface Place {
  readonly url: string;
  readonly env: string;
  names(): Promise<string[]>;
  get(name: string): Promise<Buffer>;
  put(name: string, bytes: Buffer): Promise<void>;
}

const folder: Place = {
  url: "kept",
  env: "",
  names: () => Promise.resolve(filesBelow(join(cluster.live.directory, "kept"))),
  get: (name) => Promise.resolve(readFileSync(join(cluster.live.directory, "kept", name))),
  put: (name, bytes) => Promise.resolve(writeFileSync(join(cluster.live.directory, "kept", name), bytes)),
};

function filesBelow(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((it) => it.includes("/")).sort();
  } catch {
    return [];
  }
}

/** The server takes whoever says who he is; the right signature is the sender's test. */
const headers = {
  authorization: "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, " +
    "SignedHeaders=host, Signature=0",
};

const bucket: Place = {
  url: "s3://backups-of-test/home",
  env: keys,
  async names() {
    const answer = await fetch(`${endpoint}/backups-of-test?list-type=2&prefix=home/`);
    return [...(await answer.text()).matchAll(/<Key>home\/([^<]*)<\/Key>/g)].map(([, key = ""]) => key).sort();
  },
  async get(name) {
    const answer = await fetch(`${endpoint}/backups-of-test/home/${name}`, { headers });
    assert.ok(answer.ok, `${name}: ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  },
  async put(name, bytes) {
    const url = `${endpoint}/backups-of-test/home/${name}`;
    const answer = await fetch(url, { method: "PUT", body: bytes, headers });
    assert.ok(answer.ok, `${name}: ${answer.status}`);
  },
};

/** Kills the command line's process that does this, once `when` holds. */
async function cutOff(line: string, words: string, when: () => Promise<boolean>): Promise<void> {
  const under = cluster.live.start(`export MORTAR_ROOT=${cluster.root}/n1; ${line} || exit 9`, { seconds: 100 });
  await until("it is in its middle", when, 60);
  const found = await cluster.live.run(`pgrep -f '^[^ ]*node .*main.js ${words}'`);
  for (const pid of found.stdout.split("\n").filter((it) => it !== "")) endProcess(Number(pid));
  assert.notEqual((await under.ended).exitCode, 0);
}

async function keeps(place: Place): Promise<void> {
  const send = `${place.env} mortar snapshot send --compress 0 --to ${place.url}`;
  await cutOff(`${send} s2`, `snapshot send --compress 0 --to ${place.url}`, async () => (await place.names()).length > 0);
  const receive = `${place.env} mortar snapshot receive --from ${place.url} --force`;
  assert.match((await cluster.run(2, `${receive} none`)).stderr, /has no stream/);
  await cluster.ok(1, `${send} s2`);
  await cluster.ok(1, `${send} -i s2 s3`);
  const names = await place.names();
  assert.equal(names.filter((it) => it.endsWith("/stream.json")).length, 2);
  assert.ok(names.filter((it) => /^s2-[0-9a-f]{8}\/part-/.test(it)).length > 1, "there are several parts");
}

test("a folder keeps a whole snapshot and a difference, though a sender was killed", options, async () => {
  await cluster.ok(1, `cd home && ${random} of=d/f3 count=1 conv=notrunc && mv d/f4 moved`);
  await snapshot("s3");
  await keeps(folder);
});

test("so does a bucket of an S3 server", withStore, async () => {
  store = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  await until("the store answers", async () =>
    (await fetch(`${endpoint}/backups-of-test`, { method: "PUT" }).catch(() => undefined))?.ok === true, 60);
  await keeps(bucket);
});

async function comesBack(place: Place, volume: string): Promise<void> {
  const receive = `${place.env} mortar snapshot receive --from ${place.url} --force ${volume}`;
  const part = (await place.names()).find((it) => /^s2-.*part-000001$/.test(it))!;
  const good = await place.get(part);
  const bad = Buffer.from(good);
  bad[bad.length >> 1]! ^= 1;
  await place.put(part, bad);
  const damaged = await cluster.run(1, receive);
  assert.match(damaged.stderr, new RegExp(`${part} is not as it was written`));
  assert.doesNotMatch(await cluster.ok(1, "gluster volume list"), new RegExp(volume));
  await place.put(part, good);
  // Gone on with: what has come of it is there.
  await cluster.ok(1, receive, 200);
  assert.equal(await receivedTree(volume), trees.get("s3"));
  assert.match((await cluster.run(1, receive)).stderr, /has no stream that continues s3/);
  await cluster.ok(1, `gluster --mode=script snapshot delete s2 && gluster --mode=script snapshot delete s3`);
  await cluster.ok(1, `gluster --mode=script volume delete ${volume}`);
}

test("what a folder keeps comes back as a chain; a damaged part is named", options, async () => {
  for (const name of ["s2", "s3"]) await cluster.ok(1, `gluster --mode=script snapshot delete ${name}`);
  await comesBack(folder, "folded");
});

test("what a bucket keeps does, too", withStore, async () => {
  await comesBack(bucket, "bucketed");
});
