import assert from "node:assert/strict";
import { test } from "node:test";
import { Lvm2Error } from "./errors.ts";
import { MemoryDevice, MIB } from "./fixtures.ts";
import { isInUse } from "./label.ts";
import { readLabel } from "./label-read.ts";
import {
  encodeLabel,
  initialisePhysicalVolume,
  markInUse,
  wipeLabel,
  writeLabel,
} from "./label-write.ts";

const id = "T5YKkH-oO0L-77OQ-CScj-JbAj-NisG-u7YJYE";

test("a fresh physical volume has LVM's layout", () => {
  const device = new MemoryDevice(8 * MIB);
  const label = initialisePhysicalVolume(device, { id });
  const view = new DataView(device.bytes.buffer, 512, 512);
  const words = [
    [8, 1],
    [64, 8 * MIB],
    [72, MIB],
    [80, 0],
    [88, 0],
    [96, 0],
    [104, 4096],
    [112, 1_044_480],
    [120, 0],
    [128, 0],
    [144, 0],
    [152, 0],
  ] as const;
  for (const [offset, value] of words) {
    assert.equal(Number(view.getBigUint64(offset, true)), value, `offset ${offset}`);
  }
  assert.equal(view.getUint32(20, true), 32);
  assert.equal(view.getUint32(136, true), 2);
  assert.equal(view.getUint32(140, true), 0);
  const text = new TextDecoder().decode(device.bytes.subarray(512, 512 + 64));
  assert.equal(text.slice(0, 8), "LABELONE");
  assert.equal(text.slice(24), "LVM2 001T5YKkHoO0L77OQCScjJbAjNisGu7YJYE");
  assert.deepEqual(readLabel(device), label);
});

test("joining a group sets one flag and nothing else", () => {
  const device = new MemoryDevice(8 * MIB);
  const label = initialisePhysicalVolume(device, { id });
  writeLabel(device, markInUse(label, true));
  const read = readLabel(device)!;
  assert.ok(isInUse(read));
  assert.deepEqual(markInUse(read, false), label);
});

test("a larger metadata area moves the extents to the next MiB", () => {
  const label = initialisePhysicalVolume(new MemoryDevice(8 * MIB), {
    id,
    metadataAreaBytes: MIB + 1,
  });
  assert.deepEqual(label.metadataAreas, [{ offset: 4096, sizeBytes: 2 * MIB - 4096 }]);
  assert.deepEqual(label.dataAreas, [{ offset: 2 * MIB, sizeBytes: 0 }]);
});

test("a label is found in any of the first four sectors, and not in the fifth", () => {
  for (const sector of [0, 1, 2, 3]) {
    const device = new MemoryDevice(8 * MIB);
    const label = { ...initialisePhysicalVolume(new MemoryDevice(8 * MIB), { id }), sector };
    writeLabel(device, label);
    assert.deepEqual(readLabel(device), label);
  }
  const device = new MemoryDevice(8 * MIB);
  device.write(2048, encodeLabel({ ...initialisePhysicalVolume(device, { id }), sector: 4 }, "x"));
  wipeLabel(device);
  assert.equal(readLabel(device), undefined);
});

test("any flipped bit of the label sector is noticed", () => {
  const device = new MemoryDevice(8 * MIB);
  initialisePhysicalVolume(device, { id });
  for (let bit = 0; bit < 512 * 8; bit++) {
    const at = 512 + (bit >> 3);
    device.bytes[at]! ^= 1 << (bit & 7);
    if (bit < 64) assert.equal(readLabel(device), undefined);
    else {
      assert.throws(
        () => readLabel(device),
        (error) =>
          error instanceof Lvm2Error &&
          error.code === "bad-label" &&
          error.device === "/dev/memory",
        `bit ${bit}`,
      );
    }
    device.bytes[at]! ^= 1 << (bit & 7);
  }
});

test("a damaged label beside a good one does no harm", () => {
  const device = new MemoryDevice(8 * MIB);
  const label = initialisePhysicalVolume(device, { id });
  device.bytes.set(device.bytes.subarray(512, 1024), 0);
  assert.deepEqual(readLabel(device), label);
  wipeLabel(device);
  assert.ok(device.bytes.subarray(0, 2048).every((byte) => byte === 0));
});

test("a device too small for a physical volume is refused", () => {
  assert.throws(() => initialisePhysicalVolume(new MemoryDevice(MIB), { id }), {
    code: "device-too-small",
    message: "Cannot use /dev/memory: device is too small (pv_min_size)",
  });
  assert.equal(readLabel(new MemoryDevice(1024)), undefined);
});
