import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LiveGroup, needsRoot, run } from "../testing/live-group.ts";

// The block part of the recorded walk-through, on a loop device, with the real mkfs.xfs and mount.
// Its lines are compared with the recording's character by character; the volume group has a name
// of the same length, so that the columns are as wide.

describe("the recorded walk-through of LVM", { skip: needsRoot }, () => {
  const name = `b${process.pid.toString(36).padStart(4, "0").slice(-4)}`;
  const group = new LiveGroup({ area: "lvm", name, shownAs: "bd-vg" });
  const { vg, mountPoint } = group;
  const lvm = (command: string) => group.lvm(command);
  let loop = "";

  async function prints(command: string, lines: readonly string[], stderr = ""): Promise<void> {
    const expected = lines.map((line) => `${line}\n`).join("");
    assert.deepEqual(await lvm(command), { stdout: expected, stderr, code: 0 });
  }

  before(() => {
    group.attach([1 << 30]);
    [loop = ""] = group.loops;
  });
  after(() => group.remove());

  it("makes a group, a pool and a volume", async () => {
    await prints(`vgcreate bd-vg ${loop}`, [
      `  Physical volume "${loop}" successfully created.`,
      '  Volume group "bd-vg" successfully created',
    ]);
    await prints("lvcreate --thin bd-vg -L 1000M", [
      "  Thin pool volume with chunk size 64.00 KiB can address at most <15.88 TiB of data.",
      '  Logical volume "lvol1" created.',
    ]);
    await prints("lvcreate -V 1000M -T /dev/bd-vg/lvol1 -n lv1", [
      '  Logical volume "lv1" created.',
    ]);
  });

  it("shows them, as full as the kernel's pool would be", async () => {
    await prints("lvs", [
      "  LV    VG    Attr       LSize    Pool  Origin Data%  Meta%  Move Log Cpy%Sync Convert",
      "  lv1   bd-vg Vwi-a-tz-- 1000.00m lvol1        0.00                                   ",
      "  lvol1 bd-vg twi-aotz-- 1000.00m              0.00   10.94                           ",
    ]);
  });

  it("carries a file system, which a snapshot keeps", async () => {
    run("mkfs.xfs", "-q", `/dev/${vg}/lv1`);
    run("mount", `/dev/${vg}/lv1`, mountPoint);
    writeFileSync(join(mountPoint, "hello"), "hello\n");
    const snapshot = "314b673ea68446cf8f3187c32fe65d9b_0";
    const made = await lvm(
      `lvcreate -s bd-vg/lv1 --setactivationskip n --name ${snapshot} --config x=1`,
    );
    assert.equal(made.stdout, `  Logical volume "${snapshot}" created.\n`);
    assert.equal(made.code, 0);
    assert.match(made.stderr, /^ {2}WARNING: Sum of all thin volume sizes \(1\.95 GiB\) exceeds /);
    writeFileSync(join(mountPoint, "hello"), "changed\n");
    const lines = (await lvm("lvs")).stdout.replaceAll(/ (\d\.\d\d |\d\d\.\d\d)/g, " N.NN ");
    assert.equal(
      lines,
      "  LV                                 VG    Attr       LSize    Pool  Origin Data%  Meta%  Move Log Cpy%Sync Convert\n" +
        "  314b673ea68446cf8f3187c32fe65d9b_0 bd-vg Vwi-a-tz-- 1000.00m lvol1 lv1    N.NN                                   \n" +
        "  lv1                                bd-vg Vwi-aotz-- 1000.00m lvol1        N.NN                                   \n" +
        "  lvol1                              bd-vg twi-aotz-- 1000.00m              N.NN   N.NN                            \n",
    );
    run("umount", mountPoint);
    run("mount", "-o", "nouuid,ro", `/dev/${vg}/${snapshot}`, mountPoint);
    assert.equal(readFileSync(join(mountPoint, "hello"), "utf8"), "hello\n");
  });

  it("keeps what is in use, and lets go of the rest", async () => {
    assert.deepEqual(await lvm("vgchange -an bd-vg"), {
      stdout: "",
      stderr:
        "  Logical volume bd-vg/314b673ea68446cf8f3187c32fe65d9b_0 contains a filesystem in use.\n" +
        "  Can't deactivate volume group \"bd-vg\" with 1 open logical volume(s)\n",
      code: 5,
    });
    run("umount", mountPoint);
    await prints("vgchange -an bd-vg", ['  0 logical volume(s) in volume group "bd-vg" now active']);
    assert.equal(existsSync(`/dev/${vg}`), false);
    await prints("vgchange -ay bd-vg", ['  3 logical volume(s) in volume group "bd-vg" now active']);
  });

  it("changes, grows and renames", async () => {
    await prints("lvchange --addtag t bd-vg/lv1", ["  Logical volume bd-vg/lv1 changed."]);
    await prints("lvs --noheadings -o tags bd-vg/lv1", ["  t      "]);
    await prints("lvchange -pr bd-vg/lv1", ["  Logical volume bd-vg/lv1 changed."]);
    await prints("lvs --noheadings -o attr bd-vg/lv1", ["  Vri-a-tz--"]);
    await prints("lvchange -prw bd-vg/lv1", ["  Logical volume bd-vg/lv1 changed."]);
    await prints(
      "lvextend -L +8m bd-vg/lvol1",
      [
        "  Size of logical volume bd-vg/lvol1_tdata changed from 1000.00 MiB (250 extents) to 1008.00 MiB (252 extents).",
        "  Logical volume bd-vg/lvol1 successfully resized.",
      ],
      "  WARNING: Sum of all thin volume sizes (1.95 GiB) exceeds the size of thin pool bd-vg/lvol1 " +
        "and the size of whole volume group (1020.00 MiB).\n",
    );
    await prints("lvrename bd-vg lv1 lv2", ['  Renamed "lv1" to "lv2" in volume group "bd-vg"']);
    assert.ok(existsSync(`/dev/${vg}/lv2`));
  });

  it("removes everything again", async () => {
    const refused = await lvm("lvremove bd-vg/lv2");
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /really want to remove active logical volume bd-vg\/lv2\? \[y\/n\]/);
    await prints("lvremove -y bd-vg/lv2", ['  Logical volume "lv2" successfully removed.']);
    await prints("vgremove -f bd-vg", [
      '  Logical volume "314b673ea68446cf8f3187c32fe65d9b_0" successfully removed.',
      '  Logical volume "lvol1" successfully removed.',
      '  Volume group "bd-vg" successfully removed',
    ]);
    await prints(`pvremove ${loop}`, [
      `  Labels on physical volume "${loop}" successfully wiped.`,
    ]);
    await prints("pvs", []);
    assert.equal(existsSync(`/dev/${vg}`), false);
  });
});
