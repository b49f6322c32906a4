// Another installation of Mortar takes over a node in use, with `mortar upgrade`: nobody above notices.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { installed } from "./installation.ts";
import { LiveNode } from "./live-node.ts";
import { createTwoBrickVolume } from "./two-brick-volume.ts";

const node = new LiveNode();
after(() => node.close());

interface Status {
  readonly node: { readonly version: string; readonly bricks: readonly { readonly pid: number }[] };
  readonly pools: readonly { readonly serverVersion: string }[];
}

async function status(): Promise<Status> {
  return JSON.parse(await node.ok("mortar status --json")) as Status;
}

function pidsOf({ node: { bricks } }: Status): number[] {
  return bricks.map(({ pid }) => pid).sort((a, b) => a - b);
}

function mortarOf(target: string, verb: string): string {
  const main = join(target, "packages/cli/dist/main.js");
  return `'${process.execPath}' '${main}' --root '${node.root}' ${verb}`;
}

test("a new version takes over pool and daemon under fio on the stock mount; a bad one does not", { timeout: 240_000 }, async () => {
  const next = await installed(node, "7.7.7");
  await createTwoBrickVolume(node);
  const before = await status();
  const fio = node.start(
    "fio --name=verified --filename=volume/fio --size=32M --rw=randwrite --bs=16k --direct=1 --ioengine=psync " +
      "--fsync=32 --verify=crc32c --verify_fatal=1 --verify_backlog=256 --time_based --runtime=14",
    { seconds: 120 },
  );
  await sleep(2000);
  const told = await node.ok(mortarOf(next, "upgrade"), { seconds: 120 });
  assert.match(told, /^pool \S+: version 0\.1\.0 -> 7\.7\.7, server \d+ -> \d+, holder \d+ -> \d+$/m);
  assert.match(told, /^mortard: version 0\.1\.0 -> 7\.7\.7/m);
  const now = await status();
  assert.deepEqual([now.node.version, ...now.pools.map((it) => it.serverVersion)], ["7.7.7", "7.7.7"]);
  assert.deepEqual(pidsOf(now), pidsOf(before), "the bricks go on");
  const spec = readFileSync(join(node.root, `run/mortar/pools/${node.group}-lvol1/spec.json`), "utf8");
  assert.ok(spec.includes(`${next}/packages/cli`), "a pool that fills up calls the new version");

  const bad = join(node.directory, "7.7.8");
  await node.ok(`cp -a '${next}' '${bad}'`);
  writeFileSync(join(bad, "packages/pool/dist/worker-host.js"), "throw new Error('damaged');\n");
  const refused = await node.refused(mortarOf(bad, "upgrade"), { seconds: 120 });
  assert.match(refused, /7\.7\.8\/packages\/pool\/dist does not come up: the old version serves on/);
  assert.deepEqual((await status()).pools.map((it) => it.serverVersion), ["7.7.7"]);
  const { exitCode, stdout, stderr } = await fio.ended;
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stdout, /err= 0/);
  // Back to the first one, which is another version again.
  await node.ok("mortar upgrade", { seconds: 120 });
  assert.deepEqual((await status()).pools.map((it) => it.serverVersion), ["0.1.0"]);
  await node.ok("umount volume && mortar down");
  await node.ok(`losetup -d ${node.scratch.loopOf("disk.img")}`);
  assert.deepEqual(node.scratch.left(), []);
  assert.ok(existsSync(next));
});
