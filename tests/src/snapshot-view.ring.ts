// `.snaps` as users meet it: through the stock client, served by the snapshot daemon, from snapshots
// of a volume of two bricks.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { LiveNode, until } from "./live-node.ts";
import { createTwoBrickVolume, volume } from "./two-brick-volume.ts";

const node = new LiveNode();
const script = "gluster --mode=script";

before(
  async () => {
    const settings = { address: node.address, snapshotViewIdleSeconds: 2 };
    writeFileSync(join(node.root, "etc/mortar/mortar.json"), JSON.stringify(settings));
    await createTwoBrickVolume(node);
    await node.ok(
      "cd volume && mkdir -p d/deep && for n in $(seq 40); do echo old-$n > d/f$n; done && " +
        "dd if=/dev/urandom of=d/deep/big bs=1M count=6 status=none && ln -s f1 d/link && " +
        "echo secret > private && chmod 600 private && mkdir closed && echo x > closed/f && " +
        "chmod 700 closed && echo shared > acl && chmod 600 acl && setfattr -n user.k -v w d/f1 && " +
        "sync -f .",
    );
    // As a client with ACLs would: the brick that has the file has them, too.
    await node.ok("for n in 1 2; do [ ! -s brick$n/exp/acl ] || setfacl -m u:1234:r brick$n/exp/acl; done");
    await node.ok("cp -a volume/d reference");
    await node.ok(`gluster snapshot create first ${volume}`);
    await node.ok("cd volume && rm d/f1 && echo new > d/f2 && echo fresh > d/fresh && rm -r d/deep");
  },
  { timeout: 120_000 },
);
after(() => node.close());

let first = "";

test("switching it on shows .snaps in a mount that was there before, and the daemon in status", async () => {
  await node.refused("ls volume/.snaps");
  await node.ok(`gluster volume set ${volume} features.uss enable`);
  await until("the mount shows it", async () => {
    const { exitCode } = await node.run("ls volume/.snaps");
    return exitCode === 0;
  });
  first = (await node.ok("gluster snapshot list")).trim();
  assert.match(first, /^first_GMT-\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d$/);
  await until("it is listed", async () =>
    (await node.ok("ls volume/.snaps")) === `${first}\n`);
  assert.doesNotMatch(await node.ok("ls -a volume"), /snaps/);
  assert.match(
    await node.ok(`gluster volume status ${volume}`),
    /Snapshot Daemon on localhost +\d+ +0 +Y +\d+/,
  );
});

test("a listing activates nothing; looking into a snapshot does, and leaving it ends that", async () => {
  await node.ok("ls -la volume/.snaps");
  assert.match(await node.ok(`gluster snapshot info ${first}`), /Status +: Stopped/);
  assert.equal(await node.ok(`cat volume/.snaps/${first}/d/f1`), "old-1\n");
  assert.match(await node.ok(`gluster snapshot info ${first}`), /Status +: Started/);
  await until("it is deactivated again", async () =>
    /Status +: Stopped/.test(await node.ok(`gluster snapshot info ${first}`)));
  assert.equal(await node.ok(`cat volume/d/.snaps/${first}/f1`), "old-1\n");
});

test("a directory of a snapshot is what it was: content, times, links, attributes", async () => {
  await node.ok(`diff -r --no-dereference reference volume/.snaps/${first}/d`);
  await node.ok(`rm -rf copy && cp -a volume/d/.snaps/${first} copy && diff -r reference copy`);
  const listed = "find . -printf '%P %y %m %s %T@ %l\\n' | sed '/^ /d' | sort";
  assert.equal(
    await node.ok(`cd volume/d/.snaps/${first} && ${listed.replace("%s %T@", "%T@")}`),
    await node.ok(`cd copy && ${listed.replace("%s %T@", "%T@")}`),
  );
  assert.equal(await node.ok(`readlink volume/d/.snaps/${first}/link`), "f1\n");
  assert.match(await node.ok(`getfattr -n user.k --only-values volume/d/.snaps/${first}/f1`), /^w$/);
  assert.equal(await node.ok("cat volume/d/f2"), "new\n");
});

test("nothing in a snapshot can be changed", async () => {
  for (const change of ["touch new", "rm d/f3", "mkdir e", "sh -c 'echo x > d/f3'"]) {
    const said = await node.refused(`cd volume/.snaps/${first} && ${change}`);
    assert.match(said, /Read-only file system|Invalid argument/);
  }
});

test("what another user may not read is not read, by ACL what he may", async () => {
  await node.ok("chmod 755 . && setpriv --reuid=1234 --regid=1234 --clear-groups ls volume");
  const as = "setpriv --reuid=1234 --regid=1234 --clear-groups";
  const at = `volume/.snaps/${first}`;
  assert.match(await node.refused(`${as} cat ${at}/private`), /Permission denied/);
  assert.match(await node.refused(`${as} ls ${at}/closed`), /Permission denied/);
  assert.match(await node.refused(`${as} cat ${at}/closed/f`), /Permission denied/);
  assert.equal(await node.ok(`${as} cat ${at}/d/f5`), "old-5\n");
  await node.ok(`mkdir -p judged && mount -t glusterfs -o acl ${node.address}:/${volume} judged`);
  const judged = `judged/.snaps/${first}`;
  assert.equal(await node.ok(`${as} cat ${judged}/acl`), "shared\n");
  assert.match(await node.refused(`${as.replaceAll("1234", "1235")} cat ${judged}/acl`), /denied/);
  assert.match(await node.ok(`ls -l ${judged}/d/f5 && getfacl -c ${judged}/acl`), /user:1234:r--/);
  await node.ok("umount judged");
  // Rights of today are no rights to what was.
  await node.ok("chmod 644 volume/private");
  assert.match(await node.refused(`${as} cat ${at}/private`), /Permission denied/);
});

test("the daemon takes over options that are set while it runs", async () => {
  const secret = `cat volume/.snaps/${first}/private`;
  assert.equal(await node.ok(secret), "secret\n");
  await node.ok(`gluster volume set ${volume} server.root-squash on`);
  await until("root is nobody", async () => (await node.run(secret)).exitCode !== 0);
  await node.ok(`gluster volume reset ${volume} server.root-squash`);
  await until("root is root", async () => (await node.run(secret)).exitCode === 0);
});

test("snapshots come and go while the mount is looked at", async () => {
  await node.ok(`gluster snapshot create second ${volume} no-timestamp`);
  await until("it is there", async () =>
    (await node.ok("ls volume/d/.snaps")).split("\n").includes("second"));
  assert.equal(await node.ok("cat volume/d/.snaps/second/fresh"), "fresh\n");
  await node.refused(`cat volume/d/.snaps/${first}/fresh`);
  await node.ok("mkdir volume/young && echo 1 > volume/young/f");
  await node.refused(`ls volume/young/.snaps/${first}/`);
});

test("a snapshot is deleted while a file of it is open: the reader gets an error, others go on", async () => {
  await node.ok("cat volume/.snaps/second/d/f3");
  const reader = node.start(
    "exec 3< volume/.snaps/second/d/f3; read -r line <&3; echo $line; touch reading; " +
      "while [ -e reading ]; do sleep 0.1; done; cat volume/.snaps/second/d/f4 <&3",
  );
  await until("it is open", async () => (await node.run("test -e reading")).exitCode === 0);
  await node.ok(`${script} snapshot delete second`);
  await node.ok("rm reading");
  const { exitCode, stdout, stderr } = await reader.ended;
  assert.equal(stdout, "old-3\n");
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /No such file|Stale file handle|not connected/);
  assert.equal(await node.ok("ls volume/.snaps"), `${first}\n`);
  assert.equal(await node.ok(`cat volume/.snaps/${first}/d/f4`), "old-4\n");
});

test("the daemon killed comes back, and open directories and working mounts with it", async () => {
  const status = await node.ok(`gluster volume status ${volume}`);
  const pid = /Snapshot Daemon on localhost +\d+ +0 +Y +(\d+)/.exec(status)?.[1];
  await node.ok(`kill -9 ${pid}`);
  await until("it serves again", async () =>
    (await node.run(`cat volume/.snaps/${first}/d/f4`)).stdout === "old-4\n");
});

test("the names are what the recipe for Samba tells Samba to look for", async () => {
  const format = "first_GMT-%Y.%m.%d-%H.%M.%S";
  const parse = "import sys, datetime as d; print(d.datetime.strptime(sys.argv[1], sys.argv[2]))";
  assert.match(await node.ok(`python3 -c '${parse}' ${first} ${format}`), /^\d{4}-/);
});

test("switching it off takes .snaps and the daemon away", async () => {
  await node.ok(`gluster volume reset ${volume} features.uss`);
  await until("the mount shows it no more", async () =>
    (await node.run("ls volume/.snaps")).exitCode !== 0);
  assert.doesNotMatch(await node.ok(`gluster volume status ${volume}`), /Snapshot Daemon/);
  await until("it has ended", async () =>
    !(await node.ok("mortar status --json")).includes(`snapd-${volume}`));
});
