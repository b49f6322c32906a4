// `volume top`, `profile`, `clear-locks` and `status V inode` of a mounted volume, whichever engine
// serves its bricks: what they tell is what was done on the mount.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, test } from "node:test";
import { LiveNode } from "./live-node.ts";

const programs = ["/usr/sbin/glusterfs", "/usr/sbin/glusterfsd"];
const missing = programs.filter((it) => !existsSync(it));
const skip = missing.length === 0 ? false : `not installed: ${missing.join(", ")}`;
const node = new LiveNode();
const READS = 3;

after(async () => {
  await node.run("for n in builtin glusterfsd; do umount m-$n; done 2> /dev/null; true");
  await node.close();
});

for (const engine of ["builtin", "glusterfsd"] as const) {
  test(`${engine}: the files that are used are told, and the lock of one is taken`, {
    skip, timeout: 170_000,
  }, async () => {
    const name = `top-${engine}`;
    const { address, directory } = node;
    await node.ok(`mortar up; mkdir b-${engine} m-${engine}`);
    await node.ok(`gluster volume create ${name} ${address}:${directory}/b-${engine}/exp force`);
    await node.ok(`gluster volume set ${name} mortar.brick-engine ${engine}`);
    for (const option of ["io-cache", "read-ahead", "quick-read", "open-behind", "write-behind"]) {
      await node.ok(`gluster volume set ${name} performance.${option} off`);
    }
    await node.ok(`gluster volume start ${name} && gluster volume profile ${name} start`);
    const log = `-o log-file=${directory}/${name}.log`;
    await node.ok(`mount -t glusterfs ${log} ${address}:/${name} m-${engine}`);
    await node.ok(`cd m-${engine} && echo content > file && echo other > other`);
    for (let times = 0; times < READS; times++) {
      await node.ok(`dd if=m-${engine}/file of=/dev/null iflag=direct bs=4k status=none`);
    }
    const top = await node.ok(`gluster volume top ${name} read list-cnt 1`);
    const brick = `Brick: ${address}:${directory}/b-${engine}/exp\n`;
    assert.match(top, new RegExp(`^${brick}Count\t\tfilename\n=+\n[3-9]\t\t/file\n$`));
    const open = await node.ok(`gluster --xml volume top ${name} open`);
    assert.match(open, /<filename>\/file<\/filename>\s+<count>3<\/count>/);
    const speed = await node.ok(`gluster volume top ${name} write-perf bs 4096 count 4`);
    assert.match(speed, /^Throughput \d+\.\d\d MBps time \d+\.\d{4} secs$/m);
    assert.match(speed, /^MBps Filename +Time +\n==== =+ +==== +\n +\d+ \//m);
    const profile = await node.ok(`gluster volume profile ${name} info cumulative`);
    assert.match(profile, / READ$/m);
    assert.match(profile, /Data Written: 14 bytes/);
    assert.match(await node.ok(`gluster volume status ${name} inode`), /LRU limit +: \d+\n/);
    assert.match(await node.ok(`gluster volume status ${name} fd`), /^FD tables for volume top-\w+\n-+\nBrick : /);

    const holder = node.start(
      `exec python3 -c "import fcntl, time
f = open('m-${engine}/file', 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(100)"`,
    );
    const clear = `gluster volume clear-locks ${name} /file kind granted posix`;
    let cleared = "";
    for (let tries = 0; tries < 40 && !cleared.includes("granted locks=1"); tries++) {
      cleared = await node.ok(clear);
    }
    assert.match(cleared, /: posix blocked locks=0 granted locks=1\n$/);
    assert.match(await node.ok(clear), /No locks cleared\.\n$/);
    process.kill(holder.pid, "SIGTERM");
    await holder.ended;
    const none = await node.refused(`gluster volume clear-locks ${name} /none kind all inode`);
    assert.match(none, /Reason: No such file or directory/);
    await node.ok(`gluster volume top ${name} clear`);
    assert.equal(await node.ok(`gluster volume top ${name} read`), brick);
  });
}
