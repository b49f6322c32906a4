import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DeviceTable } from "./device-table.ts";
import { AddressBook } from "./memory-address.ts";
import type { PoolError } from "./pool-error.ts";
import { SegmentedDevice } from "./segmented-device.ts";

const directory = mkdtempSync(join(tmpdir(), `mortar-pool-segments-${process.pid}-`));
after(() => rmSync(directory, { recursive: true, force: true }));

const SIZE = 64 * 1024;
const specs = ["a", "b"].map((name) => ({ name, path: join(directory, name) }));
const segments = [
  { device: "a", deviceOffsetBytes: 8192, lengthBytes: 4096 },
  { device: "b", deviceOffsetBytes: 0, lengthBytes: 8192 },
  { device: "a", deviceOffsetBytes: 0, lengthBytes: 4096 },
];

function setUp(): { devices: DeviceTable; device: SegmentedDevice } {
  for (const { path } of specs) writeFileSync(path, Buffer.alloc(SIZE, 0xee));
  const devices = new DeviceTable();
  devices.open(specs);
  return { devices, device: new SegmentedDevice("lv", segments, devices, new AddressBook()) };
}

function isRefused(code: string, text: RegExp): (error: PoolError) => boolean {
  return (error) => error.code === code && text.test(error.message);
}

test("every range is where the segments say, whatever borders it crosses", () => {
  const { devices, device } = setUp();
  const model = Buffer.alloc(device.sizeBytes, 0xee);
  let seed = 1;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 200; round++) {
    const offset = random(model.length - 1);
    const length = 1 + random(model.length - offset);
    const source = Buffer.alloc(length, round);
    device.write(offset, source);
    model.set(source, offset);
    const target = Buffer.alloc(length);
    device.read(offset, target);
    assert.deepEqual(target, source);
  }
  const all = Buffer.alloc(model.length);
  device.read(0, all);
  assert.deepEqual(all, model);
  const disk = readFileSync(specs[0]!.path);
  assert.deepEqual(disk.subarray(8192, 12_288), model.subarray(0, 4096));
  assert.deepEqual(disk.subarray(0, 4096), model.subarray(12_288));
  assert.deepEqual(
    disk.subarray(4096, 8192),
    Buffer.alloc(4096, 0xee),
    "the gap between segments is not touched",
  );
  device.flush();
  devices.close();
});

test("nothing outside the device is reached", () => {
  const { devices, device } = setUp();
  assert.throws(() => device.read(device.sizeBytes, Buffer.alloc(1)), { code: "EIO" });
  assert.throws(() => device.write(device.sizeBytes - 1, Buffer.alloc(2)), { code: "EIO" });
  devices.close();
});

test("a discard reaches exactly the runs of its range", () => {
  const { devices, device } = setUp();
  device.discard(0, 8192);
  const all = Buffer.alloc(device.sizeBytes);
  device.read(0, all);
  assert.deepEqual(all.subarray(0, 8192), Buffer.alloc(8192));
  assert.deepEqual(all.subarray(8192), Buffer.alloc(8192, 0xee));
  devices.close();
});

test("it grows at its end and does nothing else", () => {
  const { devices, device } = setUp();
  const more = { device: "b", deviceOffsetBytes: 32_768, lengthBytes: 4096 };
  device.grow([...segments, more], devices);
  assert.equal(device.sizeBytes, 20_480);
  // One longer segment where there was one is growth too.
  device.grow([...segments, { ...more, lengthBytes: 8192 }], devices);
  assert.equal(device.sizeBytes, 24_576);
  assert.throws(() => device.grow(segments, devices), isRefused("bad-request", /cannot shrink/));
  const moved = [
    { ...segments[0]!, deviceOffsetBytes: 12_288 },
    ...segments.slice(1),
    { ...more, lengthBytes: 8192 },
  ];
  assert.throws(() => device.grow(moved, devices), isRefused("bad-request", /moved/));
  assert.equal(device.sizeBytes, 24_576);
  devices.close();
});

test("a segment beyond the end of its device, or a missing device, is named", () => {
  const { devices } = setUp();
  const make = (segment: (typeof segments)[0]): SegmentedDevice =>
    new SegmentedDevice("lv", [segment], devices, new AddressBook());
  assert.throws(
    () => make({ device: "a", deviceOffsetBytes: 0, lengthBytes: SIZE + 512 }),
    isRefused("device-error", /\/a has 65536 bytes.*ends at 66048/),
  );
  assert.throws(
    () => devices.open([{ name: "c", path: join(directory, "missing") }]),
    isRefused("device-error", /physical volume c: ENOENT/),
  );
  assert.throws(
    () => devices.open([{ name: "a", path: join(directory, "b") }]),
    isRefused("bad-request", /is open as/),
  );
  devices.close();
});

test("after one failed flush none succeeds any more, on any volume of these devices", () => {
  const { devices, device } = setUp();
  const other = new SegmentedDevice("other", segments, devices, new AddressBook());
  device.flush();
  const { fd } = devices.deviceOf(segments[0]!);
  closeSync(fd); // What fdatasync says of it then stands for a disk that failed.
  assert.throws(() => device.flush(), /EBADF/);
  assert.equal(openSync(specs[0]!.path, "r+"), fd, "the descriptor is good again");
  assert.throws(() => other.flush(), /an earlier flush failed/);
  assert.throws(() => device.flush(), /an earlier flush failed/);
  devices.close();
});
