// Snapshots of a volume over three nodes are sent and received: whole, as differences, cut off and
// gone on with, damaged, to a wrong base, to a directory. What comes is what was there.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { LiveNode, type Ran } from "./live-node.ts";

const skip = existsSync("/usr/bin/etcd") ? false : "etcd is not installed (apt-get install etcd-server)";
const options = { skip, timeout: 240_000 };
const node = new LiveNode();
const root = join(node.directory, "dev");
const network = `127.${150 + (process.pid % 50)}.${(process.pid >> 6) & 255}`;
const hosts = [1, 2, 3].map((number) => `${network}.${number}`);
const brick = (number: number, name: string): string => `${root}/b${number}/${name}`;

const at = (number: number, line: string): string =>
  `set -o pipefail; export MORTAR_ROOT=${root}/n${number}; ${line}`;
const run = (number: number, line: string): Promise<Ran> => node.run(at(number, line), { seconds: 120 });
const ok = (number: number, line: string): Promise<string> => node.ok(at(number, line), { seconds: 120 });
const refused = (number: number, line: string): Promise<string> =>
  node.refused(at(number, line), { seconds: 120 });

before(async () => {
  if (skip !== false) return;
  const group = `s${(process.pid % 36 ** 4).toString(36)}n`;
  await node.ok(`mortar dev --nodes 3 --root ${root} --network ${network} --group ${group}`, { seconds: 200 });
  const bricks = hosts.map((host, index) => `${host}:${brick(index + 1, "exp")}`).join(" ");
  await ok(1, `gluster --mode=script volume create home replica 3 ${bricks}`);
  await ok(1, "gluster volume start home && mkdir home copy");
  await ok(1, `mount -t glusterfs -o log-file=${node.directory}/home.log ${hosts[0]}:/home home`);
});

after(async () => {
  if (skip === false && existsSync(root)) {
    await node.run("umount -l home copy 2> /dev/null; true");
    await node.run(`mortar dev --stop --root ${root}`, { seconds: 150 }).catch(() => undefined);
  }
  await node.close();
});

const random = "dd if=/dev/urandom bs=1M status=none";
/** Names, modes, owners, times, links, content, attributes: what a client can see of a tree. */
const treeOf = (directory: string): string =>
  `cd ${directory} && { find . -printf '%p %y %m %U:%G %s %T@ %l\\n' | sed '/^[^ ]* d /s/ [0-9]* \\([0-9.]*\\) $/ \\1/' | sort; ` +
  "find . -type f -print0 | sort -z | xargs -0r sha256sum; getfattr -R -h -d . 2> /dev/null || true; }";

async function snapshot(name: string): Promise<string> {
  await ok(1, "sync -f home");
  await ok(1, `gluster snapshot create ${name} home no-timestamp`);
  return await ok(1, treeOf("home"));
}

async function receivedTree(number: number): Promise<string> {
  await ok(number, "gluster volume start copy");
  await ok(number, `mount -t glusterfs -o log-file=${node.directory}/copy.log ${hosts[0]}:/copy copy`);
  const tree = await ok(number, treeOf("copy"));
  await ok(number, "umount copy && gluster --mode=script volume stop copy");
  return tree;
}

const trees = new Map<string, string>();

test("a whole snapshot becomes a volume and a snapshot of it", options, async (context) => {
  await ok(1, `cd home && mkdir -p a/b && for n in 1 2 3 4; do ${random} of=a/f$n count=3; done && ` +
    "ln a/f1 a/b/hard && ln -s ../f2 a/b/soft && setfattr -n user.k -v v a/f3 && chmod 640 a/f3 && " +
    "truncate -s 20M a/sparse && for n in $(seq 50); do echo $n > a/b/n$n; done");
  trees.set("s1", await snapshot("s1"));
  const started = performance.now();
  context.diagnostic(await ok(2,
    "mortar snapshot send s1 | tee whole.stream | mortar snapshot receive --as s1c --force copy"));
  const bytes = readFileSync(join(node.directory, "whole.stream")).length;
  context.diagnostic(`${bytes} bytes in ${Math.round(performance.now() - started)} ms`);
  assert.ok(bytes < 100 * 2 ** 20, "holes are not sent");
  assert.equal(await receivedTree(2), trees.get("s1"));
  assert.match(await ok(3, "gluster snapshot list copy"), /^s1c$/m);
});

test("differences follow each other, though both ends look into their snapshots", options, async (context) => {
  await ok(1, `cd home && ${random} of=a/f1 count=1 conv=notrunc && rm a/f2 && mv a/f4 a/b/moved && echo new > c`);
  trees.set("s2", await snapshot("s2"));
  // The logs of the file systems are replayed into both.
  await ok(1, "gluster snapshot activate s1 && gluster snapshot activate s1c");
  context.diagnostic(await refused(3,
    "mortar snapshot send -i s1 s2 | mortar snapshot receive --as s2c copy"));
  const line = "mortar snapshot send -i s1 s2 | tee part.stream | mortar snapshot receive --as s2c --force copy";
  context.diagnostic(await ok(3, line));
  const [whole, part] = ["whole", "part"].map((it) => readFileSync(join(node.directory, `${it}.stream`)).length);
  assert.ok(part! < whole! / 2, `${part} of ${whole} bytes`);
  assert.equal(await receivedTree(3), trees.get("s2"));
  await ok(1, "echo newer > home/c && rm -r home/a/b && gluster --mode=script snapshot deactivate s1");
  trees.set("s3", await snapshot("s3"));
  await ok(1, "mortar snapshot send -i s2 s3 | mortar snapshot receive --as s3c --force copy");
  assert.equal(await receivedTree(1), trees.get("s3"));
});

test("an activated snapshot, a wrong base, a name that is taken: refused in words", options, async () => {
  await ok(1, "gluster snapshot activate s3");
  assert.match(await refused(1, "mortar snapshot send s3 > /dev/null"), /is activated/);
  await ok(1, "gluster --mode=script snapshot deactivate s3");
  const wrong = await refused(1, "mortar snapshot send -i s1 s2 | mortar snapshot receive --as x --force copy");
  assert.match(wrong, /continues snapshot "s1" \([0-9a-f-]{36}\), and volume copy has "s3" \([0-9a-f-]{36}\)/);
  assert.match(await refused(1, "mortar snapshot send s1 | mortar snapshot receive --force other"), /already exists/);
  assert.match(await refused(1, "mortar snapshot send s1 | mortar snapshot receive --as x copy"), /already exists/);
  assert.match(await refused(1, "echo nothing | mortar snapshot receive other"), /no snapshot stream|cut off/);
  assert.doesNotMatch(await ok(1, "gluster volume list"), /other/);
});

test("a flipped bit is found, and what came before it is kept to go on with", options, async (context) => {
  const flip = "node -e '" +
    "let at = 0; process.stdin.on(\"data\", (part) => { const bit = 5_000_000 - at; at += part.length; " +
    "if (bit >= 0 && bit < part.length) part[bit] ^= 1; process.stdout.write(part) })'";
  const said = await refused(2, `mortar snapshot send s1 | ${flip} | mortar snapshot receive --as f1 --force flipped`);
  assert.match(said, /damaged/);
  context.diagnostic(said);
  assert.doesNotMatch(await ok(2, "gluster volume list; gluster snapshot list"), /flipped|f1/);
  assert.match(await refused(2, "mortar snapshot send s2 | mortar snapshot receive --force flipped"), /has a part of/);
  await ok(2, "mortar snapshot receive --abandon flipped");
  assert.match(await refused(2, "mortar snapshot receive --token flipped"), /Nothing is being received/);
});

test("kill -9 of either end in the middle: it goes on where it was", options, async () => {
  for (const victim of ["send", "receive"] as const) {
    // Slow enough to be met in its middle: some 15 MB of a replica are one megabyte a tenth of a second.
    const slow = "node -e '(async () => { for await (const part of process.stdin) { process.stdout.write(part); " +
      "await new Promise((go) => setTimeout(go, part.length / 10_000)) } })()'";
    const line = `mortar snapshot send --compress 0 s2 & send=$!; wait $send`;
    const pair = victim === "send"
      ? `{ ${line}; } | ${slow} | mortar snapshot receive --as k-${victim} --force k-${victim}`
      : `mortar snapshot send --compress 0 s2 | ${slow} | { exec mortar snapshot receive --as k-${victim} --force k-${victim}; }`;
    // An exit code of 137 would be taken for the time limit's.
    const under = node.start(at(1, `${pair} || exit 9`), { seconds: 100 });
    await node.ok("sleep 6");
    const pids = await node.run(
      `pgrep -f '^[^ ]*node .*main.js snapshot ${victim}.*' | while read p; do ` +
      `tr '\\0' ' ' < /proc/$p/environ | grep -q 'MORTAR_ROOT=${root}/' && echo $p; done`);
    for (const pid of pids.stdout.split("\n").filter((it) => it !== "")) process.kill(Number(pid), "SIGKILL");
    assert.notEqual((await under.ended).exitCode, 0);
    const token = (await ok(2, `mortar snapshot receive --token k-${victim}`)).trim();
    const { place } = JSON.parse(Buffer.from(token.slice(8), "base64url").toString()) as
      { place: { brick: number; offset: number } };
    assert.ok(place.brick > 0 || place.offset > 0, "something was kept");
    await ok(3, `mortar snapshot send --resume ${token} | mortar snapshot receive --as k-${victim} --force k-${victim}`);
    await ok(3, `gluster volume start k-${victim}`);
    await ok(3, `mount -t glusterfs -o log-file=${node.directory}/copy.log ${hosts[0]}:/k-${victim} copy`);
    assert.equal(await ok(3, treeOf("copy")), trees.get("s2"));
    await ok(3, `umount copy && gluster --mode=script volume stop k-${victim}`);
    await ok(3, `gluster --mode=script snapshot delete k-${victim} && gluster --mode=script volume delete k-${victim}`);
    await ok(3, `mortar snapshot receive --abandon k-${victim}`);
  }
});

test("a directory keeps a chain, which is received as a whole", options, async () => {
  await ok(1, "mortar snapshot send --to kept s1 && mortar snapshot send --to kept -i s1 s2");
  assert.match(await run(1, "ls kept").then((it) => it.stdout), /^s1-[0-9a-f]{8}\ns2-[0-9a-f]{8}-from-[0-9a-f]{8}\n$/);
  // Names are those of there, which are taken here.
  assert.match(await refused(1, "mortar snapshot receive --from kept --force chain"), /already exists/);
});
