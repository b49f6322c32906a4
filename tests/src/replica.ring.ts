// Three copies on three nodes, as a user makes them: a node's brick is away while clients write, comes
// back, and the self-heal daemons make it like the others.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { endProcess, LiveNode, until } from "./live-node.ts";

const skip = existsSync("/usr/bin/etcd") ? false : "etcd is not installed (apt-get install etcd-server)";
const options = { skip, timeout: 240_000 };
const node = new LiveNode();
const root = join(node.directory, "dev");
const network = `127.${100 + (process.pid % 50)}.${(process.pid >> 6) & 255}`;
const hosts = [1, 2, 3].map((number) => `${network}.${number}`);
const brick = (number: number, name: string): string => `${root}/b${number}/${name}`;

const at = (number: number, line: string): string => `export MORTAR_ROOT=${root}/n${number}; ${line}`;
const ok = (number: number, line: string): Promise<string> => node.ok(at(number, line), { seconds: 120 });

before(async () => {
  if (skip !== false) return;
  const group = `c${(process.pid % 36 ** 4).toString(36)}n`;
  await node.ok(`mortar dev --nodes 3 --root ${root} --network ${network} --group ${group}`, { seconds: 200 });
});

after(async () => {
  if (skip === false && existsSync(root)) {
    await node.run("umount replica arbiter disperse 2> /dev/null; true");
    await node.run(`mortar dev --stop --root ${root}`, { seconds: 150 }).catch(() => undefined);
  }
  await node.close();
});

async function make(name: string, layout: string): Promise<void> {
  const bricks = hosts.map((host, index) => `${host}:${brick(index + 1, name)}`).join(" ");
  await ok(1, `gluster --mode=script volume create ${name} ${layout} ${bricks}`);
  await ok(2, `gluster volume start ${name} && mkdir ${name}`);
  const log = `-o log-file=${node.directory}/${name}.log`;
  await ok(1, `mount -t glusterfs ${log} ${hosts[0]}:/${name} ${name}`);
}

/** One that nobody has waited for yet has no command line. */
function isGone(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1") === "";
  } catch {
    return true;
  }
}

/** Processes that serve this node's brick: they have its path in what they were told. */
function endBrick(number: number, name: string): void {
  const directory = `${root}/n${number}/run/mortar/bricks`;
  for (const file of readdirSync(directory).filter((it) => /^[0-9a-f]{16}\.json$/.test(it))) {
    const { spec } = JSON.parse(readFileSync(join(directory, file), "utf8")) as { spec: { path: string } };
    if (spec.path !== brick(number, name)) continue;
    endProcess(Number(readFileSync(join(directory, file.replace("json", "pid")), "latin1")));
  }
}

function pending(name: string): string[] {
  return [1, 2, 3].flatMap((number) =>
    readdirSync(`${brick(number, name)}/.glusterfs/indices/xattrop`).filter((it) => !it.startsWith("xattrop-")));
}

const facts = (number: number, name: string): Promise<string> =>
  ok(number, `cd ${brick(number, name)} && find . -path ./.glusterfs -prune -o -type f -print0 | ` +
    "sort -z | xargs -0r sha256sum");

test("a brick that was away is healed, and is like the others", options, async () => {
  await make("replica", "replica 3");
  await ok(1, "for n in $(seq 20); do echo before $n > replica/f$n; done");
  await until("the daemons run", async () =>
    ((await ok(2, "gluster volume status replica")).match(/Self-heal Daemon .* Y /g) ?? []).length === 3);
  const status = await ok(1, "gluster volume status replica");
  assert.match(status, /^Self-heal Daemon on localhost +N\/A +N\/A +Y +\d+ *$/m);
  assert.match(status, new RegExp(`^Self-heal Daemon on ${hosts[2]} `, "m"));
  // Without its mortard nobody starts the brick again.
  endProcess(Number(readFileSync(`${root}/n3/run/mortar/mortard.pid`, "latin1")));
  endBrick(3, "replica");
  await ok(1, "for n in $(seq 11 30); do echo after $n > replica/f$n; done; rm replica/f1");
  assert.ok(pending("replica").length > 0, "something is owed to the brick");
  await ok(3, "mortar up");
  // It is refused, as by stock, while a brick of a set is not connected.
  let heal = "";
  await until("all bricks are connected", async () => {
    const { exitCode, stdout } = await node.run(at(1, "gluster volume heal replica"));
    heal = stdout;
    return exitCode === 0;
  }, 60);
  assert.equal(heal,
    "Launching heal operation to perform index self heal on volume replica has been successful \n" +
      "Use heal info commands to check status.\n");
  await until("all is healed", () => pending("replica").length === 0, 90);
  const first = await facts(1, "replica");
  assert.equal(first.split("\n").length - 1, 29);
  assert.equal(await facts(3, "replica"), first);
  assert.equal(await facts(2, "replica"), first);
  assert.equal(await ok(1, "cat replica/f11"), "after 11\n");
});

test("a self-heal daemon that dies is started again; a new mortard takes it over", options, async () => {
  const pidOf = async (): Promise<string> =>
    /^Self-heal Daemon on localhost .* Y +(\d+)/m.exec(await ok(1, "gluster volume status replica"))?.[1] ?? "";
  const former = await pidOf();
  endProcess(Number(former));
  await until("another one", async () => !["", former].includes(await pidOf()));
  const now = await pidOf();
  endProcess(Number(readFileSync(`${root}/n1/run/mortar/mortard.pid`, "latin1")));
  await ok(1, "mortar up");
  assert.equal(await pidOf(), now);
  await ok(1, "umount replica");
  await ok(1, "gluster --mode=script volume stop replica");
  await until("it ends with the volume", () => isGone(now));
});

test("arbiter and disperse volumes serve, and have their files for another client", options, async () => {
  for (const [name, layout] of [["arbiter", "replica 2 arbiter 1"], ["disperse", "disperse 3 redundancy 1"]]) {
    await make(name!, layout!);
    await ok(1, `seq 50000 > ${name}/numbers; sync ${name}/numbers`);
    const info = await ok(2, `gluster volume info ${name}`);
    assert.match(info, /^Number of Bricks: 1 x \(2 \+ 1\) = 3$/m);
    assert.equal(/\(arbiter\)$/m.test(info), name === "arbiter");
    await ok(1, `umount ${name}`);
    await ok(1, `mount -t glusterfs ${hosts[1]}:/${name} ${name}`);
    assert.equal(await ok(1, `sha256sum < ${name}/numbers`), await ok(1, "seq 50000 | sha256sum"));
    await ok(1, `umount ${name}`);
    await ok(3, `gluster --mode=script volume stop ${name}`);
    await ok(3, `gluster --mode=script volume delete ${name}`);
  }
});
