// `.snaps` of a volume whose bricks are on three nodes: seen from mounts of each node, activated for who looks, and by
// Windows' eyes, through Samba, as Previous Versions. Then a node is away: its part of a deletion waits for it.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DevCluster, nodeNumbers, skipCluster } from "./dev-cluster.ts";
import { type Background, until } from "./live-node.ts";

const options = { skip: skipCluster, timeout: 400_000 };
const skipSamba = existsSync("/usr/sbin/smbd") && existsSync("/usr/bin/smbclient")
  ? false : "samba is not installed (apt-get install samba samba-vfs-modules smbclient)";
const cluster = new DevCluster("w");
const { live } = cluster;
const SMB_PORT = 20_000 + (process.pid % 20_000);
let smbd: Background | undefined;
/** With its timestamp. */
let first = "";

before(async () => {
  if (skipCluster !== false) return;
  await cluster.make();
  await cluster.volume("spread", "", 1);
  await live.ok("cd spread && mkdir docs && for n in $(seq 30); do echo old-$n > docs/f$n; done && sync -f .");
  await cluster.ok(2, "gluster snapshot create daily spread");
  first = (await cluster.ok(3, "gluster snapshot list spread")).trim();
  await live.ok("cd spread/docs && for n in $(seq 30); do echo new-$n > f$n; done && rm f7 && echo x > f99");
  await cluster.ok(3, "gluster volume set spread features.uss enable");
  await until(".snaps is there", async () =>
    (await live.run("ls spread/docs/.snaps")).stdout === `${first}\n`, 60);
}, { timeout: 300_000 });

after(async () => {
  if (smbd?.isRunning() === true) {
    // Its processes are one group, to which `timeout` hands this on.
    process.kill(smbd.pid, "SIGTERM");
    await smbd.ended;
  }
  await cluster.close();
});

test("the whole volume is seen through the daemon of any node, and activated for who looks", options, async () => {
  assert.match(await cluster.ok(1, `gluster snapshot info ${first}`), /Status +: Stopped/);
  for (const number of nodeNumbers) {
    await live.ok(`mkdir -p at${number} && mount -t glusterfs ${cluster.hosts[number - 1]}:/spread at${number}`);
    await until(`node ${number} shows it`, async () =>
      (await live.run(`ls at${number}/docs/.snaps`)).stdout === `${first}\n`, 60);
    const shown = await live.ok(`cd at${number}/docs/.snaps/${first} && cat $(seq -f f%.0f 30)`);
    assert.equal(shown, Array.from({ length: 30 }, (_, index) => `old-${index + 1}\n`).join(""));
    await live.refused(`ls at${number}/docs/.snaps/${first}/f99`);
  }
  assert.match(await cluster.ok(2, `gluster snapshot info ${first}`), /Status +: Started/);
});

test("Samba shows it as a previous version, under its time, and gives what was", {
  ...options, skip: skipCluster !== false ? skipCluster : skipSamba,
}, async () => {
  const [, date, time] = /(\d{4}\.\d\d\.\d\d)-(\d\d\.\d\d\.\d\d)$/.exec(first)!;
  const token = `@GMT-${date}-${time}`;
  await startSamba();
  const ask = (commands: string): Promise<string> => live.ok(
    `smbclient //127.0.0.1/share -p ${SMB_PORT} -N -m SMB3 -s smb.conf -c '${commands}'`, { seconds: 60 });
  await until("it answers", async () =>
    (await live.run(`smbclient //127.0.0.1/share -p ${SMB_PORT} -N -s smb.conf -c ls`)).exitCode === 0, 30);
  assert.ok((await ask("allinfo docs/f7.not")
    .catch((error: unknown) => String(error))).includes("NOT_FOUND"));
  const info = await ask("allinfo docs/f3");
  assert.ok(info.includes(token), `${token} is told of:\n${info}`);
  await ask(`get "${token}/docs/f3" got3; get "${token}/docs/f7" got7; get docs/f3 now3`);
  assert.equal(await live.ok("cat got3 got7 now3"), "old-3\nold-7\nnew-3\n");
  const listed = await ask(`ls "${token}/docs/*"`);
  assert.ok(/\bf7\b/.test(listed) && !/\bf99\b/.test(listed), listed);
});

test("of a node that is away the deletion waits, and nobody sees the snapshot meanwhile", options, async () => {
  await live.ok("umount at3");
  await cluster.kill(3);
  const said = await cluster.ok(1, `gluster --mode=script snapshot delete ${first}`, 200);
  assert.match(said, /deletion is recorded, and pending/);
  assert.match(await cluster.ok(2, "gluster snapshot list spread"), /deleting, waits for/);
  await until("it is not shown any more", async () =>
    (await live.run("timeout 20 ls at1/docs/.snaps")).stdout === "", 60);
  await cluster.ok(3, "mortar up", 200);
  await until("it is gone everywhere", async () =>
    /No snapshots present/.test((await cluster.run(1, "gluster snapshot list spread")).stdout), 150);
  for (const number of nodeNumbers) {
    const lvs = await cluster.ok(number, `lvs --noheadings -o lv_name ${cluster.group}${number}`);
    assert.doesNotMatch(lvs, /[0-9a-f]{32}/);
  }
});

/** As docs/SNAPSHOTS.md says, and what it needs to run beside a Samba of this machine. */
async function startSamba(): Promise<void> {
  const place = join(live.directory, "samba");
  const own = {
    "lock directory": "lock", "state directory": "state", "cache directory": "cache", "pid directory": "pid",
    "private dir": "private", "ncalrpc dir": "ncalrpc",
  };
  const lines = Object.entries(own).map(([name, directory]) => `${name} = ${place}/${directory}`);
  writeFileSync(join(live.directory, "smb.conf"), `[global]
    ${lines.join("\n    ")}
    smb ports = ${SMB_PORT}
    interfaces = 127.0.0.1
    bind interfaces only = yes
    disable netbios = yes
    load printers = no
    map to guest = bad user
    log file = ${place}/log
[share]
    path = ${live.directory}/spread
    guest ok = yes
    force user = root
    read only = no
    vfs objects = shadow_copy2
    shadow:snapdir = .snaps
    shadow:snapdirseverywhere = yes
    shadow:basedir = ${live.directory}/spread
    shadow:sort = desc
    shadow:format = daily_GMT-%Y.%m.%d-%H.%M.%S
`);
  await live.ok(`mkdir samba && cd samba && mkdir ${Object.values(own).join(" ")}`);
  smbd = live.start("exec smbd --foreground --no-process-group -s smb.conf", { seconds: 390 });
}
