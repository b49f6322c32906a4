// Bricks come, go and are replaced under a stock mount that stays and is written to all the time: one
// copy becomes two and three, a brick is replaced, another one's directory is lost and healed, the
// first one is let go. Every byte is there at every moment, and all copies are equal in the end.
import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Background, LiveNode, until } from "./live-node.ts";

const programs = ["/usr/bin/etcd", "/usr/sbin/glusterfs"];
const missing = programs.filter((it) => !existsSync(it));
const skip = missing.length === 0 ? false : `not installed: ${missing.join(", ")}`;
const options = { skip, timeout: 400_000 };
const node = new LiveNode();
const root = join(node.directory, "dev");
const network = `127.${100 + (process.pid % 50)}.${(process.pid >> 6) & 255}`;
const group = `x${(process.pid % 36 ** 4).toString(36)}g`;
const hosts = [1, 2, 3].map((number) => `${network}.${number}`);
const pathOf = (number: number, name = "v"): string => `${root}/b${number}/${name}`;
const brick = (number: number, name = "v"): string => `${hosts[number - 1]}:${pathOf(number, name)}`;
const writer = new URL("./steady-writer.js", import.meta.url).pathname;

const at = (number: number, line: string): string => `export MORTAR_ROOT=${root}/n${number}; ${line}`;
const ok = (number: number, line: string): Promise<string> =>
  node.ok(at(number, line), { seconds: 180 });
const gluster = (number: number, words: string): Promise<string> =>
  ok(number, `gluster --mode=script volume ${words}`);

let load: Background | undefined;

before(async () => {
  if (skip !== false) return;
  const dev = `mortar dev --nodes 3 --root ${root} --network ${network} --group ${group}`;
  await node.ok(dev, { seconds: 400 });
});

after(async () => {
  if (load?.isRunning() === true) process.kill(load.pid, "SIGTERM");
  await load?.ended.catch(() => undefined);
  if (skip === false && existsSync(root)) {
    await node.run("umount v d 2> /dev/null; true");
    await node.run(`mortar dev --stop --root ${root}`, { seconds: 150 }).catch(() => undefined);
  }
  await node.close();
});

async function mount(name: string): Promise<void> {
  const log = `-o log-file=${node.directory}/${name}.log`;
  await ok(1, `mkdir ${name} && mount -t glusterfs ${log} ${hosts[0]}:/${name} ${name}`);
}

function begin(directory: string): void {
  load = node.start(`exec '${process.execPath}' '${writer}' ${directory}`, { seconds: 380 });
}

/** Without one failed call, and with all that it wrote. */
async function end(): Promise<void> {
  process.kill(load!.pid, "SIGTERM");
  const { exitCode, stdout, stderr } = await load!.ended;
  assert.equal(exitCode, 0, `the load: ${stderr}`);
  assert.ok(Number(stdout) > 20, `${stdout} steps`);
}

/** What was removed while it was owed stays in the index until a healer looks, in ten minutes. */
function owed(paths: readonly string[]): number {
  return paths.flatMap((path) =>
    readdirSync(`${path}/.glusterfs/indices/xattrop`).filter((gfid) =>
      existsSync(join(path, ".glusterfs", gfid.slice(0, 2), gfid.slice(2, 4), gfid)))).length;
}

/** Nothing is owed any more, and stays so: the healers have looked at the new brick, too. */
async function healed(paths: readonly string[], filled: string): Promise<void> {
  await isFilled(filled);
  await until("all is healed", () => owed(paths) === 0, 120);
}

const isFilled = (path: string): Promise<void> =>
  until(`${path} is filled`, () => existsSync(join(path, "tree/7/leaf")), 120);

const facts = (path: string): Promise<string> => ok(1,
  `cd ${path} && find . -path ./.glusterfs -prune -o -print | sort && find . -path ./.glusterfs -prune ` +
    "-o -type f -print0 | sort -z | xargs -0r sha256sum");

async function equal(paths: readonly string[]): Promise<void> {
  await until("nothing is owed", () => owed(paths) === 0, 120);
  const [first, ...others] = await Promise.all(paths.map(facts));
  assert.ok(first!.split("\n").length > 40, first);
  for (const [index, other] of others.entries()) assert.equal(other, first, paths[index + 1]);
}

test("one copy becomes two, and three, under load", options, async () => {
  await gluster(1, `create v ${brick(1)}`);
  await gluster(1, "start v");
  await mount("v");
  await ok(1, "for n in 1 2 3 4 5 6 7; do mkdir -p v/tree/$n; seq $((n * 3000)) > v/tree/$n/leaf; done");
  begin("v/load");
  assert.equal(await gluster(2, `add-brick v replica 2 ${brick(2)}`), "volume add-brick: success\n");
  assert.match(await gluster(3, "info v"), /^Type: Replicate$[^]*^Number of Bricks: 1 x 2 = 2$/m);
  await healed([pathOf(1), pathOf(2)], pathOf(2));
  assert.equal(await gluster(3, `add-brick v replica 3 ${brick(3)}`), "volume add-brick: success\n");
  await healed([1, 2, 3].map((it) => pathOf(it)), pathOf(3));
  await end();
  await equal([1, 2, 3].map((it) => pathOf(it)));
});

test("a brick is replaced; the former one keeps what it has", options, async () => {
  begin("v/again");
  const plan = await ok(1,
    `gluster --mode=script volume replace-brick v ${brick(3)} ${brick(3, "w")} commit force --dry-run`);
  assert.match(plan, new RegExp(`heals +${brick(3, "w")} from ${brick(1)}, ${brick(2)} on `));
  const said = await gluster(1, `replace-brick v ${brick(3)} ${brick(3, "w")} commit force`);
  assert.equal(said, "volume replace-brick: success: replace-brick commit force operation successful\n");
  await healed([pathOf(1), pathOf(2), pathOf(3, "w")], pathOf(3, "w"));
  await end();
  await equal([pathOf(1), pathOf(2), pathOf(3, "w")]);
  assert.ok(existsSync(join(pathOf(3), "tree/7/leaf")));
});

test("a brick whose directory was lost is reset and healed", options, async () => {
  begin("v/third");
  await gluster(2, `reset-brick v ${brick(2)} start`);
  assert.match(await gluster(2, "status v"), / N\/A +N\/A +N +N\/A/);
  rmSync(pathOf(2), { recursive: true });
  await gluster(3, `reset-brick v ${brick(2)} ${brick(2)} commit`);
  await healed([pathOf(1), pathOf(2), pathOf(3, "w")], pathOf(2));
  await end();
  await equal([pathOf(1), pathOf(2), pathOf(3, "w")]);
});

test("the first brick is let go; two copies are left, and the mount goes on", options, async () => {
  begin("v/fourth");
  const said = await gluster(2, `remove-brick v replica 2 ${brick(1)} force`);
  assert.equal(said, "volume remove-brick commit force: success\n");
  await until("the healers know two bricks", async () =>
    ((await gluster(2, "status v")).match(/Self-heal Daemon .* Y /g) ?? []).length === 2, 60);
  await end();
  await equal([pathOf(2), pathOf(3, "w")]);
  await ok(1, "umount v");
});

test("a disperse volume heals the fragments of a replaced brick", options, async () => {
  const bricks = [1, 2, 3].map((it) => brick(it, "d")).join(" ");
  await gluster(1, `create d disperse 3 redundancy 1 ${bricks}`);
  await gluster(1, "start d");
  await mount("d");
  await ok(1, "mkdir -p d/tree/7 && seq 90000 > d/tree/7/leaf && seq 1000 > d/top");
  begin("d/load");
  await gluster(1, `replace-brick d ${brick(2, "d")} ${brick(2, "e")} commit force`);
  await isFilled(pathOf(2, "e"));
  // A file that is written to is in the index all the time.
  await end();
  await healed([pathOf(1, "d"), pathOf(3, "d"), pathOf(2, "e")], pathOf(2, "e"));
  // Without another brick, every byte needs the new one.
  await gluster(1, `reset-brick d ${brick(1, "d")} start`);
  await ok(1, "umount d && rmdir d");
  await mount("d");
  assert.equal(await ok(1, "sha256sum < d/tree/7/leaf"), await ok(1, "seq 90000 | sha256sum"));
  assert.equal(await ok(1, "sha256sum < d/top"), await ok(1, "seq 1000 | sha256sum"));
  await ok(1, "umount d");
});
