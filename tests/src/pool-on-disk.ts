/** What the real tools say of the disk, once nothing serves it any more. */
import assert from "node:assert/strict";
import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { byteSegments, type PvDevice, readPhysicalVolume } from "@mortar/lvm2";
import { type BlockDevice, dumpXml } from "@mortar/thin";
import type { LiveNode } from "./live-node.ts";

const tmeta = "lvol1_tmeta";

/** Where the disk's file lies, and a shell there that fails the test when a command fails. */
export interface DiskPlace {
  readonly directory: string;
  ok(command: string): Promise<string>;
}

/** thin_check passes on the pool's metadata, and thin_dump prints what we print. */
export async function checkThinMetadata(node: DiskPlace, disk = "disk.img"): Promise<void> {
  const metadata = metadataOf(join(node.directory, disk));
  writeFileSync(join(node.directory, "tmeta"), metadata);
  await node.ok("thin_check tmeta");
  await node.ok("thin_dump tmeta > dump.theirs");
  const parts: string[] = [];
  dumpXml({ metadata: inMemory(metadata), write: (text) => parts.push(text) });
  writeFileSync(join(node.directory, "dump.ours"), parts.join(""));
  await node.ok("cmp dump.ours dump.theirs");
}

/** LVM itself reads the group, and finds the logical volumes `expected` in it. */
export async function checkWithLvm(node: LiveNode, expected: readonly string[]): Promise<void> {
  const device = node.scratch.loopOf("disk.img");
  const config =
    "activation{udev_sync=0 udev_rules=0 monitoring=0} " +
    "devices{obtain_device_list_from_udev=0 external_device_info_source=none use_devicesfile=0 " +
    `filter=["a|^${device}$|","r|.*|"]} global{activation=0} backup{backup=0 archive=0}`;
  const lvm = (tool: string) => `LVM_SUPPRESS_FD_WARNINGS=1 /usr/sbin/${tool} --config '${config}'`;
  const names = await node.ok(`${lvm("lvs")} -a --noheadings -o lv_name ${node.group}`);
  const visible = names.split("\n").map((it) => it.trim()).filter((it) => /^[^[]/.test(it));
  assert.deepEqual(visible.sort(), [...expected, "lvol1"].sort());
  await node.ok(`${lvm("vgck")} ${node.group}`);
  await node.ok(`${lvm("pvck")} --dump headers ${device}`);
}

function metadataOf(disk: string): Uint8Array {
  const descriptor = openSync(disk, "r");
  try {
    const contents = readPhysicalVolume(readOnly(disk, descriptor));
    const vg = contents?.metadata?.vg;
    assert.ok(vg !== undefined, "the disk holds a volume group");
    const segments = byteSegments(vg, tmeta);
    const sizeBytes = segments.reduce((sum, it) => sum + it.lengthBytes, 0);
    const metadata = new Uint8Array(sizeBytes);
    for (const { lvOffsetBytes, lengthBytes, pvOffsetBytes } of segments) {
      readSync(descriptor, metadata, lvOffsetBytes, lengthBytes, pvOffsetBytes);
    }
    return metadata;
  } finally {
    closeSync(descriptor);
  }
}

function readOnly(name: string, descriptor: number): PvDevice {
  return {
    name,
    sizeBytes: Number.MAX_SAFE_INTEGER,
    read: (offset, target) => {
      readSync(descriptor, target, 0, target.length, offset);
    },
    write: refuse,
    flush: refuse,
  };
}

function inMemory(bytes: Uint8Array): BlockDevice {
  return {
    sizeBytes: bytes.length,
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
    write: refuse,
    discard: refuse,
    flush: refuse,
  };
}

function refuse(): never {
  throw new Error("nothing is written here");
}
