import assert from "node:assert/strict";
import { readFileSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LiveGroup, needsRoot, run } from "../testing/live-group.ts";

// Commands on live volumes: file systems that grow with them, merges by name and tag, selections of
// what is changed, and the tools that read a pool at work. In a process of its own for the mounts:
// nothing here touches a file system that this process serves.

const MIB = 1 << 20;

describe("commands on live volumes", { skip: needsRoot }, () => {
  const group = new LiveGroup({ area: "surface" });
  const { vg, mountPoint } = group;
  const mortar = (command: string) => group.mortar(command);
  const done = (command: string) => group.done(command);

  before(async () => {
    group.attach([1 << 30]);
    await done(`vgcreate VG ${group.loops[0]}`);
    await done("lvcreate --thin VG -L 600M -n tank");
    await done("lvcreate -V 320M -T VG/tank -n home");
    run("mkfs.xfs", "-q", group.device("home"));
  });
  after(() => group.remove());

  it("a mounted XFS grows with its volume, and is never shrunk", async () => {
    run("mount", `/dev/${vg}/home`, mountPoint);
    const size = () => statfsSync(mountPoint).blocks * statfsSync(mountPoint).bsize;
    const old = size();
    assert.match(await done("lvextend -r -L 400M VG/home"), /VG\/home successfully resized/);
    assert.ok(size() - old > 70 * MIB, `${old} to ${size()}`);
    const refused = await mortar("lvreduce -y -r -L 320M VG/home");
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /XFS cannot be made smaller/);
    assert.match(await done("lvs --noheadings -o size --units m VG/home"), /400.00m/);
    run("umount", mountPoint);
    await done("lvresize -r -L +40M VG/home");
    run("mount", `/dev/${vg}/home`, mountPoint);
    assert.ok(size() - old > 110 * MIB);
    run("umount", mountPoint);
  });

  it("ext4 shrinks and grows unmounted; without a file system nothing is done", async () => {
    await done("lvcreate -L 64M -n ext VG");
    const bare = await mortar("lvextend -r -L +8M VG/ext");
    assert.equal(bare.code, 5);
    assert.match(bare.stderr, /no file system was found/);
    assert.match(await done("lvs --noheadings -o size --units m VG/ext"), /64.00m/);
    run("mkfs.ext4", "-q", `/dev/${vg}/ext`);
    run("mount", `/dev/${vg}/ext`, mountPoint);
    writeFileSync(join(mountPoint, "file"), "content");
    assert.match((await mortar("lvreduce -y -r -L 40M VG/ext")).stderr, /unmount it first/);
    run("umount", mountPoint);
    await done("lvextend -r -L 80M VG/ext");
    run("mount", `/dev/${vg}/ext`, mountPoint);
    assert.ok(statfsSync(mountPoint).blocks * statfsSync(mountPoint).bsize > 60 * MIB);
    run("umount", mountPoint);
    await done("lvreduce -y -r -L 40M VG/ext");
    run("e2fsck", "-f", "-n", `/dev/${vg}/ext`);
    run("mount", `/dev/${vg}/ext`, mountPoint);
    assert.equal(readFileSync(join(mountPoint, "file"), "utf8"), "content");
    run("umount", mountPoint);
  });

  it("reducing an active volume is asked for, and a no changes nothing", async () => {
    const { code, stderr } = await mortar("lvreduce -L 8M VG/ext");
    assert.equal(code, 5);
    assert.match(stderr, /WARNING: Reducing active logical volume to 8.00 MiB./);
    assert.match(stderr, /THIS MAY DESTROY YOUR DATA \(filesystem etc.\)/);
    assert.match(stderr, /Do you really want to reduce VG\/ext\? \[y\/n\]: /);
    assert.match(stderr, /Logical volume VG\/ext NOT reduced./);
    assert.match(await done("lvs --noheadings -o size --units m VG/ext"), /40.00m/);
  });

  it("snapshots are merged by tag, and now or later as LVM tells it", async () => {
    run("mount", `/dev/${vg}/home`, mountPoint);
    writeFileSync(join(mountPoint, "file"), "kept");
    await done("lvcreate -s VG/home -n monday --addtag back");
    writeFileSync(join(mountPoint, "file"), "lost");
    assert.equal(
      await done("lvconvert --merge @back"),
      "  Delaying merge since origin volume is open.\n" +
        "  Merging of thin snapshot VG/monday will occur on next activation of VG/home.\n",
    );
    assert.match(await done("lvs -a --noheadings -o name,attr,lv_merging VG"), /\[monday\] +Swi.*merging/);
    run("umount", mountPoint);
    await done("vgchange -an VG");
    await done("vgchange -ay VG");
    run("mount", `/dev/${vg}/home`, mountPoint);
    assert.equal(readFileSync(join(mountPoint, "file"), "utf8"), "kept");
    run("umount", mountPoint);
    await done("lvcreate -s VG/home -n tuesday");
    assert.equal(
      await done("lvconvert --merge VG/tuesday"),
      "  Volume VG/tuesday replaced origin VG/home.\n",
    );
    const wrong = await mortar("lvconvert --merge VG/home");
    assert.equal(wrong.code, 5);
    assert.match(wrong.stderr, /VG\/home is not a mergeable logical volume./);
    assert.equal((await mortar("lvconvert VG/home")).code, 3);
  });

  it("-S chooses what is changed and removed, and chooses nothing where nothing fits", async () => {
    for (const name of ["s1", "s2", "s3"]) await done(`lvcreate -s VG/home -n ${name}`);
    assert.equal(
      await done("lvchange --addtag old -S 'lv_name=~^s[12]$ && origin=home'"),
      "  Logical volume VG/s1 changed.\n  Logical volume VG/s2 changed.\n",
    );
    assert.equal(await done("lvremove -y VG -S lv_tags=nothing"), "");
    assert.equal(
      await done("lvremove -y -S lv_tags=old"),
      '  Logical volume "s1" successfully removed.\n  Logical volume "s2" successfully removed.\n',
    );
    const unreadable = await mortar("lvremove -y -S 'lv_tags=old &&'");
    assert.equal(unreadable.code, 5);
    assert.match(unreadable.stderr, /Expecting field name/);
    assert.match(await done("lvs --noheadings -o name VG"), /s3/);
  });

  it("a pool at work is read through a snapshot that is gone afterwards", async () => {
    await done("lvchange -ay VG/home");
    assert.match(await done("pool check VG/tank"), /VG\/tank: sound; 2 devices, .* \(active: /);
    assert.match(await done("pool ls VG/tank"), /home/);
    assert.match(await done("pool dump VG/tank"), /<superblock /);
    assert.match(await done("pool delta VG/tank home s3"), /0 different/);
    assert.match(await done(`pool rmap VG/tank --region 0..4 --pv ${group.loops[0]}`), /thin\(/);
    const refused = await mortar("pool repair VG/tank --dry-run");
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /is active, served by process/);
    const disk = await mortar(`pool check ${group.loops[0]}`);
    assert.equal(disk.code, 2);
    assert.match(disk.stderr, /is in use by the pool .*tank, served by process/);
    await done("vgchange -an VG");
    assert.match(await done("pool check VG/tank"), /VG\/tank: sound; 2 devices, \d+ mappings\n$/);
    assert.doesNotMatch(await done("pool dump VG/tank --skip-mappings"), /metadata.snap/i);
  });
});
