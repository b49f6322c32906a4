import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { LiveGroup, needsRoot, run } from "../testing/live-group.ts";

// A thin pool striped over two disks, at work; beside it what the real LVM makes of its text.

const MIB = 1 << 20;

describe("striped volumes", { skip: needsRoot }, () => {
  const group = new LiveGroup({ area: "striped" });
  const { vg, loops } = group;

  async function mortar(command: string): Promise<{ output: string; code: number }> {
    const { stdout, stderr, code } = await group.mortar(command);
    return { output: stderr + stdout, code };
  }

  async function done(command: string): Promise<string> {
    const { output, code } = await mortar(command);
    assert.equal(code, 0, `${command}: ${output}`);
    return output;
  }

  function real(tool: string, ...args: readonly string[]): string {
    const filter = [...loops.map((path) => `"a|^${path}$|"`), '"r|.*|"'].join(",");
    const config =
      "devices{obtain_device_list_from_udev=0 external_device_info_source=none " +
      `use_devicesfile=0 filter=[${filter}]} global{activation=0} backup{backup=0 archive=0}`;
    return run(tool, "--config", config, ...args);
  }

  before(async () => {
    group.attach([256 * MIB, 256 * MIB]);
    await done(`vgcreate VG ${loops.join(" ")}`);
  });
  after(() => group.remove());

  it("a pool is made over two disks, serves, grows by whole rows, and comes up again", async () => {
    const made = await done("lvcreate --type thin-pool -i 2 -I 64k -l 15 -n tp VG");
    assert.match(made, /Rounding size 60\.00 MiB \(15 extents\) up to .* \(16 extents\)\./);
    await done("lvcreate -V 40M -T VG/tp -n thin");
    const device = `/dev/${vg}/thin`;
    const fill = (...more: string[]): string =>
      run(
        "fio", "--name=fill", `--filename=${device}`, "--rw=randwrite", "--bs=96k", "--size=32M",
        "--ioengine=psync", "--direct=1", "--verify=crc32c", "--verify_state_save=0",
        "--fallocate=none", "--randseed=7", ...more,
      );
    fill();
    const grown = await done("lvextend -l +3 VG/tp");
    assert.match(grown, /Using stripesize of last segment 64\.00 KiB/);
    assert.match(grown, /from 64\.00 MiB \(16 extents\) to 80\.00 MiB \(20 extents\)/);
    const [used = ""] = (await done("lvs --noheadings -o data_percent VG/tp")).trim().split("\n");
    assert.ok(Number(used) > 35 && Number(used) < 45, `${used}% of 80 MiB hold 32 MiB`);
    await done("vgchange -an VG");
    await done("vgchange -ay VG");
    fill("--verify_only");
    await done("pool check VG/tp");
  });

  it("the real LVM reads the same stripes and finds nothing wrong", async () => {
    const fields = "lv_name,lv_size,stripes,stripe_size,segtype,devices";
    const words = ["lvs", "-a", "--noheadings", "-o", fields, vg];
    const rows = (text: string) => text.split("\n").map((line) => line.trim().replace(/ +/g, " "));
    const ours = rows((await done(words.join(" "))).replaceAll("VG", vg).trim());
    assert.deepEqual(ours, rows(real("lvs", ...words.slice(1))));
    const data = ours.find((row) => row.startsWith("[tp_tdata]"));
    assert.match(data ?? "", /^\[tp_tdata\] 80\.00m 2 64\.00k striped /);
    real("vgck", vg);
  });

  it("a plain volume is striped too; what cannot be is refused in LVM's words", async () => {
    const made = await done("lvcreate -i 2 -l 4 -n plain VG");
    assert.match(made, /Using default stripesize 64\.00 KiB\./);
    run("mkfs.ext4", "-q", `/dev/${vg}/plain`);
    run("e2fsck", "-fn", `/dev/${vg}/plain`);
    const refusals: [string, RegExp][] = [
      ["-i 3 -l 3", /Number of stripes \(3\) must not exceed number of physical volumes \(2\)/],
      ["-i 2 -I 48k -l 4", /Invalid stripe size 48\.00 KiB\./],
      ["-i 200 -l 4", /Number of stripes \(200\) must be between 1 and 128\./],
      ["-i 0 -l 4", /--stripes may not be zero\./],
      ["-i x -l 4", /Invalid argument for --stripes: x/],
      ["-i 2 -l 400", /insufficient free space/],
    ];
    for (const [options, sentence] of refusals) {
      const { output, code } = await mortar(`lvcreate ${options} -n no VG`);
      assert.notEqual(code, 0, options);
      assert.match(output, sentence, options);
    }
    await done("lvremove -f VG/plain");
  });
});
