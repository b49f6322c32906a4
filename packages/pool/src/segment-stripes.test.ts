import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DeviceTable } from "./device-table.ts";
import { AddressBook } from "./memory-address.ts";
import { flattened } from "./segment-stripes.ts";
import { SegmentedDevice } from "./segmented-device.ts";
import { SegmentedReader } from "./segmented-reader.ts";
import type { SegmentSpec } from "./spec.ts";

const directory = mkdtempSync(join(tmpdir(), `mortar-pool-stripes-${process.pid}-`));
after(() => rmSync(directory, { recursive: true, force: true }));

const SIZE = 128 * 1024;
const UNIT = 4096;
const specs = ["a", "b", "c"].map((name) => ({ name, path: join(directory, name) }));
const striped: SegmentSpec = {
  device: "b",
  deviceOffsetBytes: 8192,
  lengthBytes: 6 * UNIT,
  striped: { stripeBytes: UNIT, more: [{ device: "a", deviceOffsetBytes: 0 }] },
};
const linear: SegmentSpec = { device: "c", deviceOffsetBytes: 512, lengthBytes: 8192 };
const segments = [linear, striped];

function setUp(): { devices: DeviceTable; device: SegmentedDevice } {
  for (const { path } of specs) writeFileSync(path, Buffer.alloc(SIZE, 0xee));
  const devices = new DeviceTable();
  devices.open(specs);
  return { devices, device: new SegmentedDevice("lv", segments, devices, new AddressBook()) };
}

test("unit u is in row u / n of stripe u mod n, whatever borders a transfer crosses", () => {
  const { devices, device } = setUp();
  assert.equal(device.sizeBytes, 8192 + 6 * UNIT);
  const model = Buffer.alloc(device.sizeBytes, 0xee);
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 300; round++) {
    const offset = random(model.length - 1);
    const source = Buffer.alloc(1 + random(model.length - offset), round);
    device.write(offset, source);
    model.set(source, offset);
    const target = Buffer.alloc(source.length);
    device.read(offset, target);
    assert.deepEqual(target, source);
  }
  const [a, b] = specs.map(({ path }) => readFileSync(path));
  for (let unit = 0; unit < 6; unit++) {
    const at = 8192 + unit * UNIT;
    const row = Math.floor(unit / 2) * UNIT;
    const place = unit % 2 === 0 ? b!.subarray(8192 + row) : a!.subarray(row);
    assert.deepEqual(place.subarray(0, UNIT), model.subarray(at, at + UNIT), `unit ${unit}`);
  }
  assert.deepEqual(a!.subarray(3 * UNIT), Buffer.alloc(SIZE - 3 * UNIT, 0xee));
  const reader = new SegmentedReader(segments, specs);
  const all = Buffer.alloc(model.length);
  reader.read(0, all);
  assert.deepEqual(all, model, "a reader of its own sees the same");
  reader.close();
  devices.close();
});

test("a range has one place only within a unit; flushes and discards reach every stripe", () => {
  const { devices, device } = setUp();
  assert.equal(device.place(8192 + UNIT, UNIT), true);
  assert.equal(device.placeFd, devices.deviceOf({ ...linear, device: "a" }).fd);
  assert.equal(device.placeOffset, 0);
  assert.equal(device.place(8192 + UNIT, UNIT + 1), false);
  assert.equal(device.descriptors().length, 3);
  device.discard(8192, 2 * UNIT);
  const all = Buffer.alloc(3 * UNIT);
  device.read(8192, all);
  assert.deepEqual(all.subarray(0, 2 * UNIT), Buffer.alloc(2 * UNIT));
  assert.deepEqual(all.subarray(2 * UNIT), Buffer.alloc(UNIT, 0xee));
  device.flush();
  devices.close();
});

test("it grows by rows and by segments, and no stripe may move", () => {
  const { devices, device } = setUp();
  device.write(8192, Buffer.alloc(6 * UNIT, 5));
  device.grow([linear, { ...striped, lengthBytes: 8 * UNIT }, linear], devices);
  assert.equal(device.sizeBytes, 2 * 8192 + 8 * UNIT);
  const kept = Buffer.alloc(6 * UNIT);
  device.read(8192, kept);
  assert.deepEqual(kept, Buffer.alloc(6 * UNIT, 5));
  const moved = [
    { ...striped, striped: { stripeBytes: UNIT, more: [{ device: "a", deviceOffsetBytes: 4096 }] } },
    { ...striped, striped: { ...striped.striped!, stripeBytes: UNIT / 2 } },
    { ...striped, striped: undefined },
  ];
  for (const wrong of moved) {
    const table = [linear, { ...wrong, lengthBytes: 8 * UNIT }, linear, linear];
    assert.throws(() => device.grow(table, devices), { code: "bad-request" });
  }
  devices.close();
});

test("a stripe that ends beyond its device is refused", () => {
  const { devices } = setUp();
  const long = { ...striped, lengthBytes: 2 * SIZE };
  const make = (): unknown => new SegmentedDevice("lv", [long], devices, new AddressBook());
  assert.throws(make, { code: "device-error" });
  devices.close();
});

test("flattened, it is the same bytes", () => {
  const flat = flattened(segments);
  assert.equal(flat.length, 7);
  assert.deepEqual(flat.slice(0, 4), [
    linear,
    { device: "b", deviceOffsetBytes: 8192, lengthBytes: UNIT },
    { device: "a", deviceOffsetBytes: 0, lengthBytes: UNIT },
    { device: "b", deviceOffsetBytes: 8192 + UNIT, lengthBytes: UNIT },
  ]);
});
