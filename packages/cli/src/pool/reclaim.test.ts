import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { LiveGroup, needsRoot, run } from "../testing/live-group.ts";

const LIVE = { skip: needsRoot, timeout: 60_000 };
const CHUNK = 65_536;

describe("who owns what of an active pool", LIVE, () => {
  const group = new LiveGroup({ area: "reclaim" });
  const pool = (command: string) => group.mortar(`pool ${command}`);

  /** Standard output, or of help, which goes to the other one as with LVM, that. */
  async function lvm(command: string, stream: "stdout" | "stderr" = "stdout"): Promise<string> {
    const outcome = await group.lvm(command);
    assert.equal(outcome.code, 0, outcome.stderr);
    return outcome[stream];
  }

  function write(lv: string, chunk: number, count: number): void {
    const place = [`of=${group.device(lv)}`, `seek=${chunk}`, `count=${count}`];
    run("dd", "if=/dev/urandom", "bs=64k", ...place, "oflag=direct", "status=none");
  }

  async function poolUsedBytes(): Promise<number> {
    const text = await lvm("lvs --noheadings --units b --nosuffix -o lv_size,data_percent VG/tank");
    const [size = 0, percent = 0] = text.trim().split(/\s+/).map(Number);
    return (size * percent) / 100;
  }

  async function owned(): Promise<string[]> {
    const columns = "lv_name,mortar_mapped,mortar_exclusive,mortar_shared";
    const text = await lvm(`lvs --noheadings --units k --nosuffix -o ${columns} VG`);
    const words = (line: string): string => line.trim().replaceAll(/\s+/g, " ");
    return text.trim().split("\n").map((line) => words(line).replaceAll(".00", ""));
  }

  before(async () => {
    group.attach([1 << 30]);
    await lvm(`vgcreate VG ${group.loops[0]}`);
    await lvm("lvcreate --thin VG -L 640M -n tank");
    await lvm("lvcreate -V 512M -T VG/tank -n one");
    write("one", 0, 100);
    await lvm("lvcreate -s -kn -n two VG/one");
    write("one", 10, 20);
  });
  after(() => group.remove());

  it("is in columns of lvs, sorted and selected by like any size", async () => {
    assert.deepEqual(await owned(), ["one 6400 1280 5120", "tank", "two 6400 1280 5120"]);
    const choice = "-S mortar_exclusive>1m -O -mortar_mapped";
    const text = await lvm(`lvs --noheadings -o lv_name ${choice} VG`);
    assert.deepEqual(text.trim().split(/\s+/).toSorted(), ["one", "two"]);
    assert.match(await lvm("lvs -o help", "stderr"), /Mortar Fields\n[^]*mortar_exclusive +- /);
    assert.doesNotMatch(await lvm("lvs -o lv_all VG"), /Exclusive/);
  });

  it("is told by reclaim for exactly the volumes that are named", async () => {
    assert.deepEqual(await pool("reclaim VG/one VG/two"), {
      code: 0,
      stderr: "",
      stdout:
        "VG/one: 1.25m of 6.25m are in no other volume\n" +
        "VG/two: 1.25m of 6.25m are in no other volume\n" +
        "Removing these 2 volumes frees 7.50m (7864320 bytes) of VG/tank.\n",
    });
    const { stdout } = await pool("reclaim VG/two --json");
    const { pools } = JSON.parse(stdout) as { pools: object[] };
    assert.deepEqual(pools, [{
      vg: "VG",
      pool: "tank",
      lvs: [{
        lv: "two",
        deviceId: 2,
        mappedBytes: 100 * CHUNK,
        exclusiveBytes: 20 * CHUNK,
        sharedBytes: 80 * CHUNK,
      }],
      freedBytes: 20 * CHUNK,
    }]);
  });

  it("is what a removal then frees, and what the pool at rest says", async () => {
    const used = await poolUsedBytes();
    await lvm("lvremove -y VG/two");
    // The percentage has two places.
    assert.ok(Math.abs(used - (await poolUsedBytes()) - 20 * CHUNK) < CHUNK);
    assert.deepEqual(await owned(), ["one 6400 6400 0", "tank"]);
    await lvm("vgchange -an VG");
    const { stdout } = await pool(`ls VG/tank --pv ${group.loops[0]} --no-headers -o NAME,EXCLUSIVE_BYTES`);
    assert.equal(stdout.trim(), `one ${100 * CHUNK}`);
    assert.deepEqual(await owned(), ["one", "tank"]);
  });

  it("refuses what it cannot tell, and says what to do", async () => {
    const refusals = {
      "reclaim VG/one": /VG\/tank cannot tell .*: it is not active: .* vgchange -ay VG\./,
      "reclaim VG/tank": /VG\/tank is a pool: name its volumes\./,
      "reclaim VG/none": /Failed to find logical volume "VG\/none"/,
      "reclaim VG": /VG names no volume\.\nNext: /,
      reclaim: /VG\/LV is missing\./,
    };
    for (const [command, message] of Object.entries(refusals)) {
      const { code, stderr } = await pool(command);
      assert.equal(code, 2, command);
      assert.match(stderr, message);
    }
  });
});
