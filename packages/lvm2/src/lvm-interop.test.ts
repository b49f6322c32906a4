/**
 * Against Debian's own LVM: what it writes we read, what we write it accepts. LVM sees only the one
 * loop device of each test, and is told that there is no device-mapper, since there need not be
 * one.
 */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { extendLogicalVolume, renameLogicalVolume, setReadOnly } from "./change-lv.ts";
import type { PvDevice } from "./device.ts";
import { MIB, provenance } from "./fixtures.ts";
import { createVolumeGroup, newPhysicalVolume } from "./group.ts";
import { initialisePhysicalVolume, markInUse, wipeLabel, writeLabel } from "./label-write.ts";
import { createLinear } from "./linear.ts";
import { newLvmId } from "./lvm-id.ts";
import type { CommitTarget } from "./metadata-area-write.ts";
import { clearText, commitText } from "./metadata-area-write.ts";
import type { VolumeGroup } from "./model.ts";
import { readPhysicalVolume } from "./physical-volume.ts";
import { removeLogicalVolume } from "./remove.ts";
import { createThinPool } from "./thin-pool.ts";
import { createThin, createThinSnapshot } from "./thin-volume.ts";
import { stripMessages, withNextSeqno } from "./vg-edit.ts";
import { parseMetadataText } from "./vg-parse.ts";
import { printMetadataText } from "./vg-print.ts";
import { lvSectors, thinPools } from "./vg-query.ts";
import { formatSize } from "./size-print.ts";

const missing = whatIsMissing();

function whatIsMissing(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  const directories = ["/usr/sbin", "/sbin"];
  const absent = ["lvm", "losetup"].filter(
    (tool) => !directories.some((directory) => existsSync(join(directory, tool))),
  );
  return absent.length > 0 && `needs ${absent.join(" and ")}`;
}

class LoopDevice implements PvDevice {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #file: number;

  constructor(path: string, sizeBytes: number) {
    this.name = path;
    this.sizeBytes = sizeBytes;
    this.#file = openSync(path, "r+");
  }

  read(offset: number, target: Uint8Array): void {
    if (readSync(this.#file, target, 0, target.length, offset) !== target.length) {
      throw new Error(`short read at ${offset}`);
    }
  }

  write(offset: number, source: Uint8Array): void {
    if (writeSync(this.#file, source, 0, source.length, offset) !== source.length) {
      throw new Error(`short write at ${offset}`);
    }
  }

  flush(): void {
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** What LVM remarks on without device-mapper, on pools of more than their room, on a stale text. */
const EXPECTED =
  /Activation disabled|NOT backed up|not zeroed|Sum of all thin|ignoring metadata seqno|updating old metadata|Inconsistent metadata|See vgck/;

/** Files behind loop devices; detached and deleted when the test ends. */
class Bench {
  readonly vgName: string;
  readonly directory: string;
  readonly devices: readonly LoopDevice[];
  /** The first of them, where one is enough. */
  readonly device: LoopDevice;
  readonly loop: string;

  constructor(context: TestContext, ...sizesBytes: readonly number[]) {
    this.directory = mkdtempSync(join(tmpdir(), "mortar-lvm2-"));
    context.after(() => rmSync(this.directory, { recursive: true, force: true }));
    this.devices = sizesBytes.map((sizeBytes, index) => {
      const file = join(this.directory, `disk${index}`);
      writeFileSync(file, "");
      truncateSync(file, sizeBytes);
      const loop = execFileSync("losetup", ["--find", "--show", file], { encoding: "utf8" }).trim();
      context.after(() => execFileSync("losetup", ["--detach", loop]));
      const device = new LoopDevice(loop, sizeBytes);
      context.after(() => device.close());
      return device;
    });
    this.device = this.devices[0]!;
    this.loop = this.device.name;
    this.vgName = `lvm2-${process.pid}-${this.loop.slice("/dev/loop".length)}`;
  }

  /** Standard output of an LVM command that must leave with code 0. */
  lvm(command: string, ...args: string[]): string {
    const config = [
      "activation{udev_sync=0 udev_rules=0 monitoring=0}",
      "devices{obtain_device_list_from_udev=0 external_device_info_source=none use_devicesfile=0",
      `filter=[${this.devices.map(({ name }) => `"a|^${name}$|",`).join("")}"r|.*|"]}`,
      "global{activation=0} backup{backup=0 archive=0}",
    ].join(" ");
    const done = spawnSync("lvm", [command, "--config", config, ...args], {
      encoding: "utf8",
      env: { ...process.env, LVM_SUPPRESS_FD_WARNINGS: "1", TZ: "UTC" },
    });
    const complaints = done.stderr
      .split("\n")
      .filter((line) => line !== "" && !EXPECTED.test(line));
    assert.equal(done.status, 0, `${command}: ${done.stderr}`);
    assert.deepEqual(complaints, [], command);
    return done.stdout;
  }

  report(command: string, fields: string, ...args: string[]): string[][] {
    const options = ["--noheadings", "--separator", "|", "--units", "b", "-o", fields];
    return this.lvm(command, ...options, ...args)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.trim().split("|"));
  }

  commit(vg: VolumeGroup): VolumeGroup {
    const next = withNextSeqno(vg);
    commitText(this.devices.flatMap(targetsOn), diskText(next));
    return next;
  }

  /** A new group on all devices, committed. */
  group(): VolumeGroup {
    const origin = provenance(process.pid);
    const physicalVolumes = this.devices.map((device) => {
      const label = initialisePhysicalVolume(device, { id: newLvmId(origin.random) });
      writeLabel(device, markInUse(label, true));
      return newPhysicalVolume(label, device.name);
    });
    return this.commit(createVolumeGroup({ name: this.vgName, physicalVolumes }, origin));
  }
}

function targetsOn(device: PvDevice): CommitTarget[] {
  return readPhysicalVolume(device)!.areas.map((area) => ({ device, area }));
}

function diskText(vg: VolumeGroup): string {
  return printMetadataText(vg, {
    form: "disk",
    description: "Mortar's test",
    generator: "Mortar",
    now: 1_795_361_541,
    host: "vm",
  });
}

test(
  "a volume that real LVM made is read, and its backup prints byte for byte",
  { skip: missing },
  (t) => {
    const bench = new Bench(t, 256 * MIB);
    const vgName = bench.vgName;
    bench.lvm("pvcreate", bench.loop);
    assert.equal(readPhysicalVolume(bench.device)!.metadata, undefined);
    assert.deepEqual(readPhysicalVolume(bench.device)!.defects, []);
    bench.lvm("vgcreate", "--addtag", "g", vgName, bench.loop);
    bench.lvm("lvcreate", "-Zn", "-Wn", "-n", "a", "-L", "40m", "--addtag", "x", vgName);
    bench.lvm("lvcreate", "-Zn", "-Wn", "-n", "b", "-L", "20m", "-pr", "-ky", vgName);
    bench.lvm("lvextend", "-L", "60m", `${vgName}/a`);
    bench.lvm("lvcreate", "-Zn", "-Wn", "--alloc", "contiguous", "-r", "256", "-L", "4m", vgName);
    const pv = readPhysicalVolume(bench.device)!;
    assert.deepEqual(pv.defects, []);
    const { vg } = pv.metadata!;
    assert.equal(vg.name, vgName);
    assert.deepEqual(vg.tags, ["g"]);
    assert.equal(pv.label.extensionFlags, 1);
    assert.deepEqual(
      bench.report("lvs", "lv_name,lv_uuid,lv_size,seg_count,lv_tags", vgName),
      vg.logicalVolumes.map((lv) => [
        lv.name,
        lv.id,
        formatSize(lvSectors(vg, lv), { unit: "b" }),
        String(lv.segments.length),
        lv.tags.join(","),
      ]),
    );
    assert.deepEqual(bench.report("vgs", "vg_uuid,vg_seqno,pv_uuid", vgName), [
      [vg.id, String(vg.seqno), vg.physicalVolumes[0]!.id],
    ]);
    // Our backup of it is LVM's backup of it, from the group on.
    const file = join(bench.directory, "backup");
    bench.lvm("vgcfgbackup", "-f", file, vgName);
    const stock = execFileSync("cat", [file], { encoding: "utf8" });
    const header = parseMetadataText(stock);
    const from = (text: string): string => text.slice(text.indexOf(`\n${vgName} {`));
    const ours = printMetadataText(header.vg, {
      form: "backup",
      description: header.description,
      generator: "Mortar",
      now: header.creationTime,
      host: header.creationHost,
    });
    assert.equal(from(ours), from(stock));
    assert.deepEqual(header.vg, vg);
    // And what lies on the medium is what we would have put there.
    const raw = bench.lvm("pvck", "--dump", "metadata", bench.loop);
    const body = (text: string): string =>
      text.slice(text.indexOf(`${vgName} {`), text.indexOf("# Generated"));
    assert.equal(body(diskText(vg)), body(raw));
  },
);

/** The order of a story: linear, pool, thin, snapshots, one removed; each step committed. */
function story(bench: Bench): VolumeGroup {
  const origin = provenance(process.pid + 1);
  let vg = bench.group();
  vg = bench.commit(createLinear(vg, { extentCount: 10, name: "plain", tags: ["t/1"] }, origin).vg);
  vg = bench.commit(createThinPool(vg, { extentCount: 50 }, origin).vg);
  const pool = thinPools(vg)[0]!.lv.name;
  const transact = (next: VolumeGroup): void => {
    vg = bench.commit(stripMessages(bench.commit(next), pool));
  };
  transact(createThin(vg, { pool, extentCount: 100, name: "thin" }, origin).vg);
  transact(createThinSnapshot(vg, { origin: "thin", name: "snap" }, origin).vg);
  transact(createThinSnapshot(vg, { origin: "thin", name: "gone" }, origin).vg);
  transact(removeLogicalVolume(vg, "gone").vg);
  vg = bench.commit(extendLogicalVolume(vg, "plain", 12));
  vg = bench.commit(extendLogicalVolume(vg, pool, 55));
  return bench.commit(setReadOnly(vg, "snap", true));
}

test(
  "a group with a pool that we wrote is accepted by every tool of real LVM",
  { skip: missing },
  (t) => {
    const bench = new Bench(t, 512 * MIB);
    const vg = story(bench);
    const { vgName, loop } = bench;
    assert.deepEqual(
      bench.report("pvs", "pv_name,vg_name,pv_uuid,pe_start,pv_pe_count,pv_in_use", loop),
      [[loop, vgName, vg.physicalVolumes[0]!.id, "1048576B", "127", "used"]],
    );
    assert.deepEqual(
      bench.report("vgs", "vg_uuid,vg_seqno,vg_attr,lv_count,vg_free_count", vgName),
      [[vg.id, String(vg.seqno), "wz--n-", "4", String(127 - 12 - 55 - 2)]],
    );
    const fields =
      "lv_name,lv_uuid,lv_attr,thin_id,origin,pool_lv,chunk_size,transaction_id,seg_pe_ranges,lv_tags";
    assert.deepEqual(
      bench
        .report("lvs", fields, "-a", "--sort", "lv_name,seg_start", vgName)
        .map(([name, , ...rest]) => [name, ...rest]),
      [
        ["plain", "-wi-XX----", "", "", "", "0B", "", `${loop}:0-9`, "t/1"],
        ["plain", "-wi-XX----", "", "", "", "0B", "", `${loop}:62-63`, "t/1"],
        ["lvol1", "twi-XXtz--", "", "", "", "65536B", "4", "lvol1_tdata:0-54", ""],
        ["[lvol0_pmspare]", "ewi-XX----", "", "", "", "0B", "", `${loop}:10-10`, ""],
        ["[lvol1_tdata]", "Twi-XX----", "", "", "", "0B", "", `${loop}:11-60`, ""],
        ["[lvol1_tdata]", "Twi-XX----", "", "", "", "0B", "", `${loop}:64-68`, ""],
        ["[lvol1_tmeta]", "ewi-XX----", "", "", "", "0B", "", `${loop}:61-61`, ""],
        ["snap", "Vri-XXtz-k", "2", "thin", "lvol1", "0B", "1", "", ""],
        ["thin", "Vwi-XXtz--", "1", "", "lvol1", "0B", "0", "", ""],
      ].toSorted(byNameAndStart),
    );
    bench.lvm("vgck", vgName);
    const headers = bench.lvm("pvck", "--dump", "headers", loop);
    assert.match(headers, /label_header at 512/);
    assert.match(headers, /mda_header_1 at 4096/);
    assert.doesNotMatch(headers, /CHECK:/);
    const dumped = bench.lvm("pvck", "--dump", "metadata", loop);
    assert.deepEqual(
      parseMetadataText(dumped.slice(dumped.indexOf(`${vgName} {`), dumped.lastIndexOf("---"))).vg,
      readBack(bench),
    );
    bench.lvm("vgcfgbackup", "-f", join(bench.directory, "backup"), vgName);
    const stock = parseMetadataText(
      execFileSync("cat", [join(bench.directory, "backup")], { encoding: "utf8" }),
    );
    assert.deepEqual(stock.vg, readBack(bench));
  },
);

function byNameAndStart(a: readonly string[], b: readonly string[]): number {
  const bare = (row: readonly string[]): string => row[0]!.replaceAll(/[[\]]/g, "");
  return bare(a) < bare(b) ? -1 : bare(a) > bare(b) ? 1 : 0;
}

function readBack(bench: Bench): VolumeGroup {
  return readPhysicalVolume(bench.device)!.metadata!.vg;
}

test(
  "queued messages are understood by real LVM and carried in its backup",
  { skip: missing },
  (t) => {
    const bench = new Bench(t, 256 * MIB);
    const origin = provenance(5);
    const pool = createThinPool(bench.group(), { extentCount: 10, name: "pool" }, origin);
    bench.commit(createThin(pool.vg, { pool: "pool", extentCount: 5, name: "t" }, origin).vg);
    bench.lvm("vgck", bench.vgName);
    const file = join(bench.directory, "backup");
    bench.lvm("vgcfgbackup", "-f", file, bench.vgName);
    const stock = execFileSync("cat", [file], { encoding: "utf8" });
    assert.match(stock, /message1 \{\s+create = "t"\s+\}/);
    const { vg, creationTime, creationHost, description } = parseMetadataText(stock);
    assert.deepEqual(vg, readBack(bench));
    const ours = printMetadataText(vg, {
      form: "backup",
      description,
      generator: "Mortar",
      now: creationTime,
      host: creationHost,
    });
    const from = (text: string): string => text.slice(text.indexOf(`\n${bench.vgName} {`));
    assert.equal(from(ours), from(stock));
  },
);

test("real LVM changes a group that we made, and we go on from there", { skip: missing }, (t) => {
  const bench = new Bench(t, 512 * MIB);
  story(bench);
  bench.lvm("lvrename", bench.vgName, "thin", "renamed");
  bench.lvm("lvcreate", "-Zn", "-Wn", "-n", "theirs", "-l", "3", bench.vgName);
  const vg = readBack(bench);
  const theirs = vg.logicalVolumes.find((lv) => lv.name === "theirs")!;
  assert.equal(theirs.segments[0]!.extentCount, 3);
  bench.commit(createLinear(vg, { extentCount: 2, name: "ours" }, provenance(9)).vg);
  bench.lvm("vgck", bench.vgName);
  assert.deepEqual(bench.report("lvs", "lv_name", "--sort", "lv_name", bench.vgName).flat(), [
    "lvol1",
    "ours",
    "plain",
    "renamed",
    "snap",
    "theirs",
  ]);
});

test("the buffer goes round several times and real LVM still reads it", { skip: missing }, (t) => {
  const bench = new Bench(t, 2048 * MIB);
  const origin = provenance(11);
  let vg = bench.group();
  for (let index = 0; index < 300; index++) {
    vg = createLinear(
      vg,
      { extentCount: 1, name: `volume-with-a-rather-long-name-${index}` },
      origin,
    ).vg;
  }
  const areaBytes = 1_044_480;
  let wraps = 0;
  for (let round = 0; round < 40; round++) {
    vg = bench.commit(createLinear(vg, { extentCount: 1 }, origin).vg);
    const { offset, sizeBytes } = readPhysicalVolume(bench.device)!.areas[0]!.committed!;
    if (offset + sizeBytes <= areaBytes) continue;
    wraps++;
    if (wraps > 3) continue;
    bench.lvm("vgck", bench.vgName);
    assert.deepEqual(bench.report("vgs", "vg_seqno,lv_count", bench.vgName), [
      [String(vg.seqno), String(vg.logicalVolumes.length)],
    ]);
    assert.doesNotMatch(bench.lvm("pvck", "--dump", "headers", bench.loop), /CHECK:/);
  }
  assert.ok(wraps >= 3, `${wraps} wraps`);
  // LVM goes on where we stopped, wrapped or not, and we where it stopped.
  for (let round = 0; round < 12; round++) {
    bench.lvm("vgchange", "--addtag", `round${round}`, bench.vgName);
    assert.equal(readBack(bench).tags.length, round + 1);
    bench.commit(readBack(bench));
  }
  bench.lvm("vgck", bench.vgName);
});

test(
  "a group that we took apart leaves a physical volume that real LVM can use",
  { skip: missing },
  (t) => {
    const bench = new Bench(t, 256 * MIB);
    bench.group();
    const pv = readPhysicalVolume(bench.device)!;
    for (const area of pv.areas) clearText({ device: bench.device, area });
    writeLabel(bench.device, markInUse(pv.label, false));
    assert.deepEqual(bench.report("pvs", "pv_name,vg_name,pv_in_use", bench.loop), [
      [bench.loop, "", ""],
    ]);
    bench.lvm("vgcreate", bench.vgName, bench.loop);
    assert.equal(readBack(bench).name, bench.vgName);
    wipeLabel(bench.device);
    assert.deepEqual(bench.report("pvs", "pv_name"), []);
  },
);

test(
  "a group over two volumes is accepted, and the newer text wins over a stale one",
  { skip: missing },
  (t) => {
    const bench = new Bench(t, 128 * MIB, 256 * MIB);
    const [first, second] = bench.devices as [LoopDevice, LoopDevice];
    const made = createLinear(bench.group(), { extentCount: 70, name: "wide" }, provenance(21)).vg;
    const vg = bench.commit(extendLogicalVolume(made, "wide", 90));
    bench.lvm("vgck", bench.vgName);
    assert.deepEqual(bench.report("lvs", "lv_name,seg_pe_ranges", "--segments", bench.vgName), [
      ["wide", `${first.name}:0-30`],
      ["wide", `${second.name}:0-58`],
    ]);
    const newer = withNextSeqno(renameLogicalVolume(vg, "wide", "broad"));
    commitText(targetsOn(second), diskText(newer));
    assert.equal(readPhysicalVolume(first)!.metadata!.vg.seqno, vg.seqno);
    // Real LVM agrees on which text is stale, and repairs it.
    bench.lvm("vgck", "--updatemetadata", bench.vgName);
    const repaired = readPhysicalVolume(first)!.metadata!.vg;
    assert.ok(repaired.seqno >= newer.seqno);
    assert.deepEqual(
      repaired.logicalVolumes.map((lv) => lv.name),
      ["broad"],
    );
  },
);

test(
  "volumes that real LVM made with no, two or ignored metadata areas are read",
  { skip: missing },
  (t) => {
    const bench = new Bench(t, 128 * MIB, 128 * MIB, 128 * MIB);
    const [none, two, ignored] = bench.devices as [LoopDevice, LoopDevice, LoopDevice];
    bench.lvm("pvcreate", "--pvmetadatacopies", "0", none.name);
    bench.lvm("pvcreate", "--pvmetadatacopies", "2", two.name);
    bench.lvm("pvcreate", "--metadataignore", "y", ignored.name);
    bench.lvm("vgcreate", bench.vgName, none.name, two.name, ignored.name);
    assert.deepEqual(readPhysicalVolume(none)!.areas, []);
    const pv = readPhysicalVolume(two)!;
    assert.equal(pv.areas.length, 2);
    assert.deepEqual(pv.defects, []);
    assert.deepEqual(
      readPhysicalVolume(ignored)!.areas.map((area) => area.ignored),
      [true],
    );
    const { vg } = pv.metadata!;
    const counted = newPhysicalVolume(pv.label, two.name).extentAreaSectors / vg.extentSectors;
    assert.equal(
      vg.physicalVolumes.find((other) => other.id === pv.label.id)!.extentCount,
      Math.floor(counted),
    );
    const next = bench.commit(createLinear(vg, { extentCount: 3, name: "ours" }, provenance(3)).vg);
    bench.lvm("vgck", bench.vgName);
    assert.deepEqual(
      bench.report("vgs", "vg_seqno,lv_count,vg_mda_count,vg_mda_used_count", bench.vgName),
      [[String(next.seqno), "1", "3", "2"]],
    );
  },
);
