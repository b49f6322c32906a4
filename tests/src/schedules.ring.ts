// Schedules, holds and locks on a live node: a cron of seconds makes and prunes snapshots; what is
// held stays; what is locked goes in no way.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LiveNode, until } from "./live-node.ts";
import { createTwoBrickVolume, volume } from "./two-brick-volume.ts";

const node = new LiveNode();
const script = "mortar --mode=script";

before(() => createTwoBrickVolume(node), { timeout: 60_000 });
after(() => node.close());

async function names(): Promise<string[]> {
  const { result } = JSON.parse(await node.ok("mortar snapshot list --json")) as {
    readonly result: readonly { readonly name: string }[];
  };
  return result.map((it) => it.name);
}

test("a cron of seconds makes snapshots, and prunes all but what is kept and held", async () => {
  await node.ok(`mortar snapshot create mine ${volume} no-timestamp`);
  const added = await node.ok(
    `mortar snapshot schedule add quick "*/2 * * * * *" ${volume} --keep "last 2" ` +
      "--time-zone Europe/Berlin",
  );
  assert.match(added, /Next +: .* UTC = .* Europe\/Berlin/);
  await until("one is made", async () => (await names()).length >= 2);
  const held = (await names()).find((it) => it.startsWith(`Scheduled-quick-${volume}_GMT-`)) ?? "";
  await node.ok(`mortar snapshot hold ${held} --reason "case 7" --owner audit`);
  await until("others come and go", async () => {
    const later = (await names()).filter((it) => it !== held && it !== "mine");
    return later.length === 2;
  });
  await node.ok("mortar snapshot schedule disable quick");
  const left = await names();
  assert.ok(left.includes("mine") && left.includes(held), left.join());
  assert.match(await node.refused(`${script} snapshot delete ${held}`), /held by audit: case 7/);
  assert.match(await node.ok(`mortar snapshot info ${held}`), /held by audit: case 7/);
  assert.doesNotMatch(await node.ok(`gluster snapshot info ${held}`), /held by/);
  assert.match(await node.ok("mortar snapshot prune --dry-run"), /keeps .*held by audit/);
  await node.ok(`mortar snapshot release ${held} --owner audit`);
  await node.ok("mortar snapshot prune --schedule quick");
  assert.ok(!(await names()).includes(held));
});

test("a locked snapshot goes in no way, not by force of the daemon's death, nor by one operator", async () => {
  await node.ok("mortar snapshot lock mine --until 1d");
  for (const line of [
    "snapshot delete mine", "snapshot delete all", `snapshot delete volume ${volume}`,
  ]) {
    await node.refused(`${script} ${line}`);
    assert.ok((await names()).includes("mine"), line);
  }
  assert.match(await node.refused("mortar snapshot lock mine --until 1h"), /only be extended/);
  const asked = await node.ok("mortar snapshot unlock mine --operator $(id -un)");
  assert.match(asked, /still locked. Another operator confirms/);
  await node.refused("mortar snapshot unlock mine --operator somebody-else");
  await node.ok(`umount volume && ${script} volume stop ${volume}`);
  await node.refused(`${script} snapshot restore mine`);
  await node.refused(`${script} volume delete ${volume}`);
  await node.ok("mortar down && mortar up");
  assert.match(await node.refused(`${script} snapshot delete mine`), /locked until/);
  assert.match(await node.ok("mortar snapshot list -v"), /mine: locked until .* asked on/);
});

test("scripts for snap_scheduler.py go on", async () => {
  assert.match(await node.ok("snap_scheduler.py init"), /Successfully initialised/);
  await node.ok(`snap_scheduler.py add Job1 "*/30 * * * *" ${volume}`);
  assert.match(await node.ok("snap_scheduler.py list"), /Job1 +\*\/30 \* \* \* \* +Snapshot Create/);
  assert.match(await node.ok("snap_scheduler.py delete Job1"), /Successfully deleted/);
});
