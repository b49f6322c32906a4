import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { parseMountInfo } from "@mortar/linux";
import { isServedVolume, scanDevices } from "./device-scan.ts";

/** A directory that looks like /sys/class/block. */
function fakeSysfs(devices: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const root = mkdtempSync(join(tmpdir(), `mortar-sysfs-${process.pid}-`));
  mkdirSync(join(root, "block"));
  for (const [name, attributes] of Object.entries(devices)) {
    const directory = join(root, "devices", name);
    for (const [file, content] of Object.entries(attributes)) {
      mkdirSync(join(directory, file, ".."), { recursive: true });
      writeFileSync(join(directory, file), `${content}\n`);
    }
    symlinkSync(`../devices/${name}`, join(root, "block", name.split("/").at(-1) ?? name));
  }
  return root;
}

describe("devices that may be physical volumes", () => {
  const root = fakeSysfs({
    sda: { size: "1000", dev: "8:0" },
    "sda/sda10": { size: "500", dev: "8:10", partition: "10" },
    "sda/sda2": { size: "500", dev: "8:2", partition: "2" },
    loop0: { size: "0", dev: "7:0" },
    loop1: { size: "64", dev: "7:1", "loop/backing_file": "/disk" },
    ram0: { size: "64", dev: "1:0" },
    "dm-0": { size: "64", dev: "253:0", "dm/uuid": "LVM-abc", "dm/name": "vg-lv" },
    "dm-1": { size: "64", dev: "253:1", "dm/uuid": "CRYPT-abc", "dm/name": "secret" },
  });
  const sysBlock = join(root, "block");
  after(() => rmSync(root, { recursive: true }));

  it("are disks, partitions, loops and mapped devices, but neither empty ones nor LVs", () => {
    assert.deepEqual(
      scanDevices({ sysBlock }).map(({ path, sizeBytes }) => [path, sizeBytes]),
      [
        ["/dev/loop1", 32_768],
        ["/dev/mapper/secret", 32_768],
        ["/dev/sda", 512_000],
        ["/dev/sda2", 256_000],
        ["/dev/sda10", 256_000],
      ],
    );
  });

  it("are only those that the filter lets pass", () => {
    const deviceFilter = (path: string) => path === "/dev/loop1";
    const paths = scanDevices({ sysBlock, deviceFilter }).map(({ path }) => path);
    assert.deepEqual(paths, ["/dev/loop1"]);
  });

  it("never lie on a pool server", () => {
    const mounts = parseMountInfo(
      "1 0 254:0 / / rw - ext4 /dev/vda rw\n" +
        "2 1 0:50 / /run/mortar/pools/vg-pool/mnt rw - fuse.mortar mortar rw\n",
    );
    assert.equal(isServedVolume("/run/mortar/pools/vg-pool/mnt/lv1", mounts), true);
    assert.equal(isServedVolume("/data/pools/vg-pool/mnt/lv1", mounts), false);
    assert.equal(isServedVolume("/data/disk", mounts), false);
    assert.equal(isServedVolume(undefined, mounts), false);
  });
});
