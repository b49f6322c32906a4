// kill -9 of each process of a node, in turn, under load on the stock client's mount. In the order
// of the tests: what was killed last is what the node goes on without. MORTAR_TEST_SEED repeats the
// moments of a run, MORTAR_TEST_KILLS (2) asks for more of them.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "@mortar/sim";
import { LiveNode, endProcess, until } from "./live-node.ts";
import { checkThinMetadata, checkWithLvm } from "./pool-on-disk.ts";
import {
  createTwoBrickVolume, mountSnapshot, mountVolume, thinVolumes, unmountSnapshot, volume, volumesOfSnapshots,
} from "./two-brick-volume.ts";

const seed = Number(process.env["MORTAR_TEST_SEED"] ?? Date.now() % 1_000_000);
const kills = Number(process.env["MORTAR_TEST_KILLS"] ?? 2);
const node = new LiveNode();
const random = new Random(seed);
const script = "gluster --mode=script";

const marker = `mortar: kill-stock-mount begins (${process.pid})`;

before(
  async () => {
    await createTwoBrickVolume(node);
    await node.ok(`echo '${marker}' > /dev/kmsg`);
  },
  { timeout: 120_000 },
);
after(() => node.close());

interface Status {
  readonly node: {
    readonly pid: number;
    readonly bricks: readonly { readonly pid: number; readonly state: string }[];
  };
}

async function status(): Promise<Status["node"]> {
  return (JSON.parse(await node.ok("mortar status --json")) as Status).node;
}

/** What a client writes durably, it gets acknowledged soon: nothing is frozen or barred. */
async function requireWritable(): Promise<void> {
  for (let number = 1; number <= 8; number += 1) {
    const dd = `dd if=/dev/urandom of=volume/probe-${number} bs=4k count=4 conv=fsync status=none`;
    await node.ok(dd, { seconds: 5 });
  }
  // The eight names are spread over both bricks; the bricks' own file systems, too, are writable.
  for (const brick of [1, 2]) await node.ok(`sync -f brick${brick}`, { seconds: 5 });
}

/** Errors that the client reported, and those of the kernel about the bricks' devices. */
async function ioErrors(): Promise<string> {
  const client = "grep -E 'Input/output error|No space left|Read-only' client.log || true";
  const names: string[] = [];
  for (const lv of ["lv1", "lv2"]) {
    names.push((await node.ok(`basename $(readlink -f /dev/${node.group}/${lv})`)).trim());
  }
  // The same loop devices served others before this test began.
  const since = `dmesg | sed '1,/${marker}/d'`;
  const kernel = `${since} | grep -E '(${names.join("|")})\\b.*(rror|hut)|rror.*(${names.join("|")})\\b'`;
  return (await node.ok(client)) + (await node.ok(`${kernel} || true`));
}

/** A marker stands for each file system that is, or is about to be, frozen. */
async function untilFrozen(): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (readdirSync(join(node.root, "run/mortar/frozen")).length === 0) {
    assert.ok(performance.now() < deadline, "the file systems are frozen within 10 s");
    await sleep(1);
  }
}

async function killServer(): Promise<void> {
  const pid = node.poolProcess("server");
  endProcess(pid);
  await untilOther("server", pid);
}

function untilOther(which: "holder" | "server", than: number): Promise<void> {
  return until(`the pool has another ${which}`, () => {
    const pid = node.poolProcess(which);
    return pid > 0 && pid !== than;
  });
}

test(`fio verifies all it wrote through kill -9 of the pool's server (seed ${seed})`, async () => {
  const fio = node.start(
    "fio --name=verified --filename=volume/fio --size=48M --rw=randwrite --bsrange=4k-64k " +
      "--direct=1 --ioengine=psync --fsync=32 --verify=crc32c --verify_fatal=1 " +
      `--verify_backlog=256 --time_based --runtime=${kills * 5} --randseed=${seed} --allrandrepeat=1`,
    { seconds: 60 + 10 * kills },
  );
  for (let kill = 0; kill < kills; kill += 1) {
    await sleep(2000 + random.below(2000));
    assert.ok(fio.isRunning(), "fio runs while the server is killed");
    await killServer();
  }
  const { exitCode, stdout, stderr } = await fio.ended;
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stdout, /err= 0/);
  const reads = Number(/issued rwts: total=(\d+)/.exec(stdout)?.[1]);
  assert.ok(reads > 1000, `what was written is read again: ${reads} reads`);
  assert.doesNotMatch(stdout + stderr, /verify: bad|error=|io_u error/);
  assert.equal(await ioErrors(), "");
});

test(`kill -9 of mortard during snapshot create leaves nothing half done (seed ${seed})`, async (context) => {
  const program = new URL("./sequence-writer.js", import.meta.url).pathname;
  await node.ok("mkdir volume/sequence");
  const writer = node.start(
    `exec '${process.execPath}' '${program}' volume/sequence sequence.log`, { seconds: 300 },
  );
  context.after(() => {
    if (writer.isRunning()) process.kill(writer.pid, "SIGTERM");
  });
  const log = join(node.directory, "sequence.log");
  await until("the first files are written", () => existsSync(log));
  for (let round = 0; round < 2 * kills; round += 1) {
    const { pid } = await status();
    const creating = node.run(`gluster snapshot create k${round} ${volume} no-timestamp`);
    // From the freeze on, or at any moment of the whole command.
    if (round < kills) await untilFrozen();
    await sleep(round < kills ? random.below(60) : 250 + random.below(400));
    endProcess(pid);
    await creating;
    await node.ok("mortar up");
    await requireWritable();
    const expected = ["lv1", "lv2", ...(await volumesOfSnapshots(node))];
    assert.deepEqual((await thinVolumes(node)).sort(), expected.sort(), `round ${round}`);
  }
  assert.ok(writer.isRunning(), "the writer met no error");
  process.kill(writer.pid, "SIGTERM");
  const { exitCode, stderr } = await writer.ended;
  assert.equal(exitCode, 0, stderr);
  const durable = Number(readFileSync(log, "utf8").trimEnd().split("\n").at(-1));
  const check = `'${process.execPath}' '${program}' --check`;
  assert.equal(Number(await node.ok(`${check} volume/sequence`)), durable);
  await node.ok(`gluster snapshot create whole ${volume} no-timestamp`);
  const names = (await node.ok("gluster snapshot list")).trimEnd().split("\n");
  for (const name of names) {
    await mountSnapshot(node, name);
    await node.ok(`${check} snapshot/sequence`);
    await unmountSnapshot(node, name);
  }
  assert.equal(await ioErrors(), "");
});

test("kill -9 of a brick's process: mortard starts it again, and the mount goes on", async () => {
  const [first] = (await status()).bricks.map(({ pid }) => pid);
  endProcess(first!);
  await until("the brick is back", async () => {
    const { bricks } = await status();
    return bricks.length === 2 && bricks.every((it) => it.state === "online") &&
      bricks.every((it) => it.pid !== first);
  });
  // The client tries to connect again every three seconds.
  const writes = "dd if=/dev/zero of=volume/again-$n bs=4k count=1 conv=fsync status=none";
  const all = `for n in $(seq 8); do ${writes} || exit; done`;
  await until("the client is connected again", async () => (await node.run(all)).exitCode === 0);
  await requireWritable();
});

test("kill -9 of the pool's holder, and of the server after it: the pool goes on", async () => {
  const holder = node.poolProcess("holder");
  endProcess(holder);
  await requireWritable();
  await untilOther("holder", holder);
  await killServer();
  await requireWritable();
  await node.ok(`gluster snapshot create held ${volume} no-timestamp`);
  assert.equal(await ioErrors(), "");
});

// Nobody is left to answer the file systems then: they fail, and the operator sets them up again.
test("holder and server killed at once: down and up bring all back that was durable", async () => {
  await node.ok("find volume -name 'probe-*' -o -name 'sequence-*' | xargs sha256sum > durable");
  const both = [node.poolProcess("holder"), node.poolProcess("server")];
  // Stopped first, or the one that dies second has started a successor of the other by then.
  for (const pid of both) process.kill(pid, "SIGSTOP");
  for (const pid of both) endProcess(pid);
  for (const question of ["mortar status", "mortar doctor"]) {
    const { exitCode, stdout } = await node.run(question);
    assert.equal(exitCode, 1, question);
    assert.match(stdout, /killed together.*mortar down; mortar up/, question);
  }
  await node.ok("mortar down");
  await node.ok("mortar up");
  await mountVolume(node);
  await node.ok("sha256sum --check --quiet durable");
  await requireWritable();
});

test("after all of that LVM and the thin tools accept the disk", async () => {
  await node.ok(`${script} snapshot delete held`);
  const left = await thinVolumes(node);
  await node.ok("umount volume");
  await node.ok("mortar down");
  await checkThinMetadata(node);
  await checkWithLvm(node, left);
  await node.ok(`losetup -d ${node.scratch.loopOf("disk.img")}`);
  assert.deepEqual(node.scratch.left(), []);
});
