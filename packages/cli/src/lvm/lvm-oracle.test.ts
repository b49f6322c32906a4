import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  createThin,
  createThinPool,
  createThinSnapshot,
  parseMetadataText,
  printMetadataText,
  setReadOnly,
  stripMessages,
  type VolumeGroup,
} from "@mortar/lvm2";
import { LiveGroup, needsRoot } from "../testing/live-group.ts";
import { recorder } from "../testing/recorder.ts";
import { runLvm } from "./index.ts";

// LVM's own commands beside ours on the same group: the same lines, the same exit code. What tells
// of activation is left out, for LVM here has no device-mapper to ask.

const missing = (() => {
  if (needsRoot !== false) return needsRoot;
  return spawnSync("lvs", ["--version"]).status === 0 ? false : "needs lvm2";
})();

const MIB = 1 << 20;
const NOISE =
  /Activation disabled|NOT backed up|not zeroed|zeroing and wipping|device-mapper|Sum of all|protection against thin|thin_pool_autoextend|libdevmapper|dev\/mapper\/control|check for active|^$/;
const STATE = /^ *(LV Status|# open) /;

describe("beside the real LVM", { skip: missing }, () => {
  const place = new LiveGroup({ area: "oracle" });
  const { root, vg, loops } = place;
  const other = `${vg}b`;
  let config = "";

  /** Standard error first: the two are separate streams, whose order is not told. */
  async function ours(tool: string, ...args: readonly string[]): Promise<string> {
    const io = recorder("");
    const code = await runLvm(tool, args, io, { root });
    const { stdout, stderr } = io.text();
    return outcome(stdout, stderr, code);
  }

  function theirs(tool: string, ...args: readonly string[]): string {
    const { stdout, stderr, status } = spawnSync(tool, ["--config", config, ...args], {
      encoding: "utf8",
      env: { ...process.env, LVM_SUPPRESS_FD_WARNINGS: "1" },
    });
    return outcome(stdout, stderr, status ?? -1);
  }

  function outcome(stdout: string, stderr: string, code: number): string {
    const lines = [...stderr.split("\n").slice(0, -1), ...stdout.split("\n").slice(0, -1)];
    const kept = lines.filter((line) => !NOISE.test(line) && !STATE.test(line));
    return [...kept, `exit ${code}`].join("\n");
  }

  async function same(tool: string, ...args: readonly string[]): Promise<void> {
    assert.equal(await ours(tool, ...args), theirs(tool, ...args), [tool, ...args].join(" "));
  }

  /** Groups come in no order that LVM would promise. */
  async function sameSorted(tool: string, ...args: readonly string[]): Promise<void> {
    const sorted = (text: string) => text.split("\n").toSorted();
    const [mine, real] = [await ours(tool, ...args), theirs(tool, ...args)];
    assert.deepEqual(sorted(mine), sorted(real), [tool, ...args].join(" "));
  }

  before(async () => {
    place.attach([256 * MIB, 256 * MIB, 256 * MIB, 64 * MIB]);
    const filter = [...loops.map((path) => `"a|^${path}$|"`), '"r|.*|"'].join(",");
    config =
      "activation{udev_sync=0 udev_rules=0 monitoring=0} " +
      "devices{obtain_device_list_from_udev=0 external_device_info_source=none " +
      `use_devicesfile=0 filter=[${filter}]} global{activation=0} backup{backup=0 archive=0}`;
    const [a = "", b = "", c = "", d = ""] = loops;
    const made = [
      ["vgcreate", "--addtag", "prod", vg, a, b, c],
      ["lvcreate", "-L", "40M", "-n", "lin", vg],
      ["lvcreate", "-i", "2", "-I", "64k", "-L", "64M", "-n", "str", vg],
      ["lvcreate", "-L", "20M", "-n", "lin2", vg],
      ["lvextend", "-L", "+24M", `${vg}/lin`],
      ["lvextend", "-L", "+20M", `${vg}/lin2`, c],
      ["pvchange", "--addtag", "ssd", b],
      ["vgcreate", other, d],
      ["lvcreate", "-L", "12M", "-n", "one", other],
    ] as const;
    for (const [tool = "", ...args] of made) assert.match(theirs(tool, ...args), /exit 0$/);
    await restoreWithThins();
  });
  after(() => place.remove());

  /** LVM without device-mapper makes no thin volumes, but reads those of a text that is restored. */
  async function restoreWithThins(): Promise<void> {
    const file = join(root, "with-thins");
    assert.match(theirs("vgcfgbackup", "-f", file, vg), /exit 0$/);
    const random = (count: number) =>
      Uint8Array.from({ length: count }, () => Math.floor(Math.random() * 256));
    const origin = { random, now: Math.floor(Date.now() / 1000), host: "vm" };
    let group = parseMetadataText(readFileSync(file, "utf8")).vg;
    const settle = (next: VolumeGroup) => (group = stripMessages(next, "tank"));
    group = createThinPool(group, { name: "tank", extentCount: 25 }, origin).vg;
    const thin = { pool: "tank", extentCount: 256 };
    settle(createThin(group, { ...thin, name: "data" }, origin).vg);
    const small = { ...thin, name: "small", extentCount: 50, tags: ["t1", "t2"] };
    settle(createThin(group, small, origin).vg);
    settle(createThinSnapshot(group, { origin: "data", name: "snap1" }, origin).vg);
    const second = { origin: "snap1", name: "snap2", tags: ["t1"] };
    settle(createThinSnapshot(group, second, origin).vg);
    group = setReadOnly(group, "small", true);
    const text = { form: "backup", description: "", generator: "test", host: "vm" } as const;
    writeFileSync(file, printMetadataText(group, { ...text, now: origin.now }));
    assert.match(await ours("vgcfgrestore", "-f", file, vg), /Consider using option --force/);
    assert.match(await ours("vgcfgrestore", "--force", "-f", file, vg), /Restored volume group/);
    assert.equal(theirs("vgck", vg), "exit 0");
    // LVM writes its LVs in an order of its own, which the next reader then sees.
    assert.match(theirs("vgchange", "--addtag", "prod", vg), /exit 0$/);
  }

  it("each selection chooses the same lines, or is refused in the same words", async () => {
    const file = new URL("../../testdata/lvm-selections.txt", import.meta.url);
    const lines = readFileSync(file, "utf8").split("\n").filter((line) => /^(lvs|vgs|pvs) /.test(line));
    assert.ok(lines.length >= 120, `${lines.length} selections`);
    for (const line of lines) {
      const tool = line.slice(0, 3);
      const field = { lvs: "lv_name", vgs: "vg_name", pvs: "pv_name" }[tool] ?? "";
      const operands = tool === "lvs" ? [vg] : [];
      await same(tool, "--noheadings", "-o", field, "-S", line.slice(4), ...operands);
    }
  });

  it("`selected` shows every line, hidden volumes are found by their bare names", async () => {
    await same("lvs", "-o", "name,selected", "-S", "name=lin", vg);
    await same("lvs", "-a", "-o", "name", "-S", "lv_name=tank_tdata");
    await same("lvs", "-a", "-o", "name", "-S", "lv_role=private");
    await same("lvs", "-o", "name", "-S", "name=lin", "-S", "name=str");
    await same("pvs", "-o", "pv_name,lv_name", "-S", 'lv_name!=""');
  });

  it("display and scan commands print the same", async () => {
    const [a = ""] = loops;
    const commands = [
      "pvscan -e", "pvscan -n", "vgck", `vgck ${vg}`, "vgck nope", `vgdisplay ${vg}`,
      `vgdisplay -s ${vg}`, `vgdisplay -c ${vg}`, "vgdisplay nope", `pvdisplay -m ${a}`,
      "pvdisplay /dev/nope", `lvdisplay ${vg}`, `lvdisplay -m ${vg}`, `lvdisplay -a ${vg}`,
      `lvdisplay -c ${vg}`, "lvdisplay nope", `lvdisplay ${vg}/nope`,
      `lvdisplay -C -o name,size ${vg}`,
    ];
    const overAll = [
      "lvscan", "lvscan -a", "vgscan", "pvscan", "pvscan -s", "pvscan -u", "vgdisplay -s",
      "pvdisplay", "pvdisplay -s", "pvdisplay -c",
    ];
    for (const command of overAll) {
      const [tool = "", ...args] = command.split(" ");
      await sameSorted(tool, ...args);
    }
    for (const command of commands) {
      const [tool = "", ...args] = command.split(" ");
      await same(tool, ...args);
    }
  });

  it("reports in every form print the same", async () => {
    const forms = [
      "--units m", "--units b --nosuffix", "--units h", "--units 512s", "--separator ;",
      "--noheadings", "--nameprefixes", "--nameprefixes --unquoted", "--rows",
      "--aligned --separator |", "-O -lv_size", "-O seg_count,-lv_name",
      "--reportformat json", "--binary", "--nameprefixes --rows", "-o+seg_count -o-lv_size",
    ];
    for (const form of forms) {
      const args = form.split(" ");
      await same("lvs", "-o", "lv_name,vg_name,lv_size,origin,pool_lv,lv_tags", ...args, vg);
    }
    for (const all of ["seg_all", "vg_all"]) await same("lvs", "-a", "-o", `lv_name,${all}`, vg);
    await same("vgs", "-o", "vg_all");
    await same("pvs", "-o", "pv_all");
  });

  it("changes of groups and sizes are told, refused and written the same", async () => {
    const [, , , d = ""] = loops;
    // Each is done by LVM first and by us after it was undone, or is refused to both.
    const refusals = [
      "vgchange --addtag t nope", `vgchange ${other}`, `pvchange ${d}`, "pvchange --addtag t",
      "pvchange --addtag t /dev/nope", "vgrename nope x", `vgrename ${other} ${vg}`,
      `vgrename ${other} ${other}`, `vgrename ${other}`, "vgexport", "vgexport nope",
      `vgimport ${other}`, `vgchange -p x ${other}`, `vgchange --alloc normal ${other}`,
      `vgchange -xy ${other}`, `lvreduce -y -L 12M ${other}/one`, `lvreduce -L 50M ${other}/one`,
      `lvreduce -y -L 0 ${other}/one`, `lvreduce -y -L -1g ${other}/one`, `lvreduce ${other}/one`,
      `lvreduce -L +4m ${other}/one`, `lvresize -L 12m ${other}/one`, `lvresize ${other}/one`,
      `lvextend -L -4m ${other}/one`, `lvextend -L 4m ${other}/one`, `lvreduce -y -L 4m nope/x`,
      `lvresize -r -L +4m ${other}/one`, `lvreduce -y -L 40m ${vg}/tank`, "vgremove -S vg_name=x",
    ];
    for (const command of refusals) {
      const [tool = "", ...args] = command.split(" ");
      await same(tool, ...args);
    }
    const changes = [
      `vgchange --addtag x ${other}`, `vgchange --deltag x ${other}`, `pvchange --addtag p ${d}`,
      `pvchange --deltag p ${d}`, `vgchange --setautoactivation n ${other}`,
      `vgchange --setautoactivation y ${other}`, `vgchange -l 9 ${other}`, `vgchange -l 0 ${other}`,
      `vgrename ${other} ${other}x`, `vgrename ${other}x ${other}`, `vgexport ${other}`,
      `vgimport ${other}`, `lvreduce -L 8M ${other}/one`, `lvresize -L +4m ${other}/one`,
      `lvrename ${other}/one ${other}/two`, `lvrename ${other} two one`,
      `lvchange --addtag s ${other}/one`, `lvchange --deltag s -S lv_tags=s`,
    ];
    const state = () =>
      theirs("vgs", "-o", "name,vg_attr,vg_tags,max_lv,vg_autoactivation,pv_tags,pv_attr") +
      theirs("lvs", "-o", "name,size,tags");
    const spoken: string[] = [];
    const seen: string[] = [];
    for (const command of changes) {
      const [tool = "", ...args] = command.split(" ");
      spoken.push(theirs(tool, ...args));
      seen.push(state());
    }
    for (const [index, command] of changes.entries()) {
      const [tool = "", ...args] = command.split(" ");
      assert.equal(await ours(tool, ...args), spoken[index], command);
      assert.equal(state(), seen[index], `after ${command}`);
    }
    assert.equal(theirs("vgck", other), "exit 0");
  });

  it("what LVM archives is listed and restored by us, and the other way round", async () => {
    const file = join(root, "saved");
    assert.match(await ours("vgcfgbackup", "-f", file, other), /exit 0$/);
    assert.match(theirs("lvrename", other, "one", "was"), /exit 0$/);
    await same("vgcfgrestore", "-f", file, other);
    await same("lvs", "--noheadings", "-o", "name", other);
    assert.match(theirs("vgcfgbackup", "-f", file, other), /exit 0$/);
    assert.match(await ours("lvrename", other, "one", "was"), /exit 0$/);
    await same("vgcfgrestore", "-f", file, other);
    assert.match(await ours("lvs", "--noheadings", "-o", "name", other), /^ +one/);
    await same("vgcfgrestore");
    await same("vgcfgrestore", "-f", file, vg);
    const list = await ours("vgcfgrestore", "--list", other);
    assert.match(list, /Created \*before\* executing 'lvrename .* one was'/);
    assert.match(list, new RegExp(`File:\\t\\t${root}/etc/lvm/archive/${other}_00000-\\d+\\.vg`));
  });
});
