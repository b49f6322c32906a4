import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { LiveGroup, needsRoot, run } from "../testing/live-group.ts";

const CHUNK_BYTES = 65_536;
const MIB = 1 << 20;

describe("a dry run of removals", { skip: needsRoot, timeout: 60_000 }, () => {
  const group = new LiveGroup({ area: "dryrun" });
  const done = (command: string) => group.done(command);

  function write(lv: string, chunk: number, count: number): void {
    const place = [`of=${group.device(lv)}`, `seek=${chunk}`, `count=${count}`];
    run("dd", "if=/dev/urandom", "bs=64k", ...place, "oflag=direct", "status=none");
  }

  async function bytesOf(command: string): Promise<number[]> {
    const text = await done(`${command} --noheadings --units b --nosuffix`);
    return text.trim().split(/\s+/).map(Number);
  }

  async function poolUsedBytes(): Promise<number> {
    const [size = 0, percent = 0] = await bytesOf("lvs -o lv_size,data_percent VG/tank");
    return (size * percent) / 100;
  }

  const freeBytes = async () => (await bytesOf("vgs -o vg_free VG"))[0] ?? 0;
  const names = async () => (await done("lvs --noheadings -o name VG")).trim().split(/\s+/);

  before(async () => {
    group.attach([1 << 30, 256 * MIB, 256 * MIB]);
    await done(`vgcreate VG ${group.loops[0]}`);
    await done("lvcreate --thin VG -L 512M -n tank");
    await done("lvcreate -V 256M -T VG/tank -n one");
    await done("lvcreate -L 64M -n plain VG");
    write("one", 0, 100);
    await done("lvcreate -s -kn -n two VG/one");
    await done("lvcreate -s -kn -n three VG/one");
    write("one", 10, 20);
  });
  after(() => group.remove());

  it("says what goes and what that gives back, as it then does", async () => {
    const all = await names();
    const text = await done("lvremove --dry-run VG/two VG/plain VG/three");
    assert.equal(
      text,
      "  lvremove: dry run, nothing was changed. It would do this:\n" +
        "    removes   VG/two (0, 0 bytes of 6.25m, 6553600 bytes in no other volume)\n" +
        "    removes   VG/plain (64.00m, 67108864 bytes)\n" +
        "    removes   VG/three (0, 0 bytes of 6.25m, 6553600 bytes in no other volume)\n" +
        "  It frees 64.00m, 67108864 bytes of volume group VG.\n" +
        "  It frees 1.25m, 1310720 bytes of thin pool VG/tank.\n",
    );
    assert.deepEqual(await names(), all);
    const [used, free] = [await poolUsedBytes(), await freeBytes()];
    await done("lvremove -y VG/two VG/plain VG/three");
    const given = used - (await poolUsedBytes());
    // The percentage has two digits behind the point.
    assert.ok(Math.abs(given - 20 * CHUNK_BYTES) < CHUNK_BYTES, String(given));
    assert.equal((await freeBytes()) - free, 64 * MIB);
  });

  it("of lvreduce says what is cut and what comes free, under LVM's name too", async () => {
    await done("lvcreate -L 64M -n plain VG");
    const [free, size] = [await freeBytes(), await done("lvs --noheadings -o size VG/plain")];
    const text = await done("lvreduce --test -L 16M VG/plain");
    assert.equal(
      text,
      "  lvreduce: dry run, nothing was changed. It would do this:\n" +
        "    cuts      VG/plain to 16.00m, 16777216 bytes: what is in the last 48.00m, 50331648 bytes is lost\n" +
        "  It frees 48.00m, 50331648 bytes of volume group VG.\n",
    );
    assert.equal(await done("lvresize --dry-run -L 16M VG/plain"), text.replace("lvreduce", "lvresize"));
    assert.equal(await done("lvs --noheadings -o size VG/plain"), size);
    await done("lvreduce -f -L 16M VG/plain");
    assert.equal((await freeBytes()) - free, 48 * MIB);
    for (const larger of ["lvresize -t -L 64M VG/plain", "lvextend -t -L 64M VG/plain"]) {
      const { code, stderr } = await group.mortar(larger);
      assert.equal(code, 5);
      assert.match(stderr, /nothing was done/);
    }
    assert.equal((await group.mortar("lvreduce -t -L 32M VG/plain")).code, 5, "it is smaller");
    await done("lvremove -y VG/plain");
  });

  it("of a thin volume that is cut promises nothing, and nothing comes free", async () => {
    await done("lvcreate -V 64M -T VG/tank -n cut");
    write("cut", 512, 20);
    assert.match(await done("lvreduce -t -L 16M VG/cut"), /It frees 0, 0 bytes of volume group VG/);
    const [used, free] = [await poolUsedBytes(), await freeBytes()];
    await done("lvreduce -f -L 16M VG/cut");
    assert.deepEqual([await poolUsedBytes(), await freeBytes()], [used, free]);
    await done("lvremove -y VG/cut");
  });

  it("of a merge tells what the origin's own content gives back, as it then does", async () => {
    await done("lvcreate -V 64M -T VG/tank -n home");
    write("home", 0, 40);
    await done("lvcreate -s -kn -n monday VG/home");
    write("home", 30, 20);
    const text = await done("lvconvert --merge -t VG/monday");
    assert.match(text, /replaces {2}VG\/home by VG\/monday: what differs in it is lost\n/);
    assert.match(text, new RegExp(`It frees 1.25m, ${20 * CHUNK_BYTES} bytes of thin pool VG/tank`));
    const used = await poolUsedBytes();
    assert.deepEqual((await names()).filter((name) => name === "monday"), ["monday"]);
    await done("lvconvert --merge VG/monday");
    const given = used - (await poolUsedBytes());
    assert.ok(Math.abs(given - 20 * CHUNK_BYTES) < CHUNK_BYTES, String(given));
    const wrong = await group.mortar("lvconvert --merge --dry-run VG/home");
    assert.equal(wrong.code, 5);
    assert.match(wrong.stderr, /VG\/home is not a mergeable logical volume/);
    await done("lvremove -y VG/home");
  });

  it("of vgreduce and pvremove leaves the labels and the text", async () => {
    const [first = "", second = "", third = ""] = group.loops;
    await done(`vgextend VG ${second}`);
    await done(`pvcreate ${third}`);
    const listed = await done("pvs --noheadings -o pv_name,vg_name,pv_size");
    const bytes = (252 * MIB).toString();
    const reduced = await done(`vgreduce --dry-run VG ${second}`);
    assert.match(reduced, new RegExp(`removes   ${second} from volume group VG \\(252.00m, ${bytes} bytes\\)`));
    const used = await group.mortar(`vgreduce -t VG ${first}`);
    assert.equal(used.code, 5);
    assert.match(used.stderr, /still in use/);
    assert.match(await done(`pvremove -t ${third}`), new RegExp(`wipes     the label of ${third} \\(256.00m`));
    const owned = await group.mortar(`pvremove --dry-run ${second}`);
    assert.equal(owned.code, 5);
    assert.match(owned.stderr, /used by VG VG so please use vgreduce first/);
    assert.equal(await done("pvs --noheadings -o pv_name,vg_name,pv_size"), listed);
    await done(`vgreduce VG ${second}`);
    await done(`pvremove ${second} ${third}`);
  });

  it("refuses what the command would refuse", async () => {
    run("mkfs.ext4", "-q", group.device("one"));
    run("mount", group.device("one"), group.mountPoint);
    const { code, stdout, stderr } = await group.mortar("lvremove --dry-run VG/one");
    const pool = await group.mortar("lvremove --dry-run VG/tank");
    run("umount", group.mountPoint);
    assert.equal(code, 5);
    assert.match(stderr, /VG\/one in use.*\n.*VG\/one would not be removed/);
    assert.match(stdout, /nothing\n$/);
    assert.equal(pool.code, 5);
    assert.match(pool.stderr, /VG\/one in use/);
    assert.equal((await group.mortar("lvremove --dry-run VG/none")).code, 5);
  });

  it("of a group lists its volumes, and gives back all of it, without a question", async () => {
    const free = await freeBytes();
    const text = await done("vgremove --dry-run VG");
    assert.match(text, /removes {3}VG\/one\n.*removes {3}VG\/tank \(512.00m, .*\n.*volume group VG\n/);
    const [, gained] = /, (\d+) bytes of volume group VG/.exec(text) ?? [];
    assert.deepEqual(await names(), ["one", "tank"]);
    await done("lvremove -f VG/tank");
    assert.equal(Number(gained), (await freeBytes()) - free);
  });

  it("without an active pool says that it cannot tell the bytes", async () => {
    await done("lvcreate --thin VG -L 64M -n cold");
    await done("lvcreate -V 32M -T VG/cold -n thin");
    await done("vgchange -an VG");
    const { code, stdout, stderr } = await group.mortar("lvremove --dry-run VG/thin");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /WARNING: Thin pool VG\/cold cannot tell .* not active/);
    assert.match(stdout, /removes {3}VG\/thin\n$/);
  });
});
