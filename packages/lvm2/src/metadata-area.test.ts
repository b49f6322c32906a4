import assert from "node:assert/strict";
import { test } from "node:test";
import { Lvm2Error } from "./errors.ts";
import { MemoryDevice, MIB, provenance } from "./fixtures.ts";
import { createVolumeGroup, newPhysicalVolume } from "./group.ts";
import { initialisePhysicalVolume, writeLabel } from "./label-write.ts";
import type { Label } from "./label.ts";
import type { MetadataArea } from "./metadata-area.ts";
import { nextTextOffset, textSizeMax } from "./metadata-area.ts";
import { readMetadataArea, readText } from "./metadata-area-read.ts";
import {
  clearText,
  commitStagedText,
  commitText,
  precommitText,
  revertText,
  stageText,
  writeEmptyArea,
} from "./metadata-area-write.ts";
import { readPhysicalVolume } from "./physical-volume.ts";
import { withNextSeqno } from "./vg-edit.ts";
import { printMetadataText } from "./vg-print.ts";

const id = "T5YKkH-oO0L-77OQ-CScj-JbAj-NisG-u7YJYE";
const place = { offset: 4096, sizeBytes: 1_044_480 };

function fresh(): { device: MemoryDevice; label: Label; area: MetadataArea } {
  const device = new MemoryDevice(8 * MIB);
  const label = initialisePhysicalVolume(device, { id });
  return { device, label, area: readMetadataArea(device, place) };
}

function textOf(length: number, letter: string): string {
  return letter.repeat(length - 1);
}

function committedText(device: MemoryDevice): string | undefined {
  const area = readMetadataArea(device, place);
  return area.committed && readText(device, area, area.committed);
}

function groupText(label: Label, seqno: number): string {
  const vg = createVolumeGroup(
    { name: "vg0", physicalVolumes: [newPhysicalVolume(label, "/dev/loop0")] },
    provenance(),
  );
  return printMetadataText(
    { ...withNextSeqno(vg), seqno },
    { form: "disk", description: "test", generator: "Mortar", now: 1, host: "vm" },
  );
}

test("a text comes back, and the next goes to the sector after it", () => {
  const { device, area } = fresh();
  const [first] = commitText([{ device, area }], textOf(1000, "a"));
  assert.deepEqual(first!.committed, { ...first!.committed, offset: 512, sizeBytes: 1000 });
  const [second] = commitText([{ device, area: first! }], textOf(5, "b"));
  assert.equal(second!.committed!.offset, 512 + 1024);
  assert.equal(committedText(device), "bbbb");
  assert.deepEqual(readMetadataArea(device, place), second);
});

test("a text that reaches the end of the area goes on behind its header", () => {
  // As measured on LVM: 101122 bytes at 1018368 leave 75010 behind the header; the next starts at
  // 75776.
  const wrapped = { offset: 1_018_368, sizeBytes: 101_122, checksum: 0 };
  assert.equal(nextTextOffset(place.sizeBytes, wrapped), 75_776);
  const { device } = fresh();
  const area: MetadataArea = {
    ...place,
    ignored: false,
    precommitted: undefined,
    committed: { offset: 1_018_368 - 512, sizeBytes: 512, checksum: 0 },
  };
  const staged = stageText({ device, area }, textOf(101_122, "w"));
  assert.equal(staged.location.offset, 1_018_368);
  assert.equal(readText(device, area, staged.location), textOf(101_122, "w"));
  const tail = device.bytes.subarray(4096 + 512 + 75_010 - 1, 4096 + 75_776);
  assert.ok(tail.every((byte) => byte === 0));
  assert.equal(device.bytes[4096 + 75_776], 0);
  assert.equal(device.bytes[MIB], 0, "nothing is written past the area");
});

test("a text near the end starts over, and never in the last bytes", () => {
  const end = place.sizeBytes;
  for (const [offset, sizeBytes, expected] of [
    [end - 1024, 512, end - 512],
    [end - 1024, 513, 512],
    [end - 512, 512, 512],
    [end - 512, 100, 512],
  ] as const) {
    assert.equal(nextTextOffset(end, { offset, sizeBytes, checksum: 0 }), expected);
  }
});

test("the largest text fits twice, one byte more is refused", () => {
  const { device, area } = fresh();
  const most = textSizeMax(place.sizeBytes);
  assert.equal(most, 521_472);
  let now = area;
  for (const letter of "abcd")
    [now] = commitText([{ device, area: now }], textOf(most, letter)) as [MetadataArea];
  assert.equal(committedText(device), textOf(most, "d"));
  assert.throws(() => stageText({ device, area: now }, textOf(most + 1, "e")), {
    code: "metadata-too-large",
    device: "/dev/memory",
  });
});

test("commits go round and round the buffer, and the last text is never touched", () => {
  const { device, area } = fresh();
  let now = area;
  let before = "";
  let wraps = 0;
  for (let round = 1; round <= 60; round++) {
    const text = textOf(2000 + round * 4321, String.fromCharCode(97 + (round % 26)));
    const staged = stageText({ device, area: now }, text);
    if (staged.location.offset + staged.location.sizeBytes > place.sizeBytes) wraps++;
    if (now.committed) assert.equal(readText(device, now, now.committed), before);
    precommitText(staged);
    now = commitStagedText(staged);
    assert.equal(committedText(device), text);
    before = text;
  }
  assert.ok(wraps >= 3, `${wraps} wraps`);
});

test("a crash at any write of a commit leaves the old text or the new", () => {
  for (let crashAt = 0; crashAt < 4; crashAt++) {
    const { device, area } = fresh();
    const [now] = commitText([{ device, area }], "old") as [MetadataArea];
    let writes = 0;
    device.onWrite = () => {
      if (writes++ >= crashAt) throw new Error("power cut");
    };
    const commit = (): unknown => commitText([{ device, area: now }], "new");
    if (crashAt < 3) assert.throws(commit, /power cut/);
    else commit();
    device.onWrite = () => undefined;
    assert.equal(committedText(device), crashAt < 3 ? "old" : "new");
  }
});

test("a precommit that fails on one device is taken back on the others", () => {
  const [a, b] = [fresh(), fresh()];
  b.device.onWrite = (offset) => {
    if (offset === place.offset) throw new Error("EIO");
  };
  assert.throws(() => commitText([a, b], "new"), /EIO/);
  assert.deepEqual(readMetadataArea(a.device, place), a.area);
});

test("a precommitted text is seen, and reverting or clearing forgets it", () => {
  const { device, area } = fresh();
  const [now] = commitText([{ device, area }], "old") as [MetadataArea];
  const staged = stageText({ device, area: now }, "new");
  precommitText(staged);
  assert.deepEqual(readMetadataArea(device, place).precommitted, staged.location);
  assert.equal(committedText(device), "old");
  assert.deepEqual(revertText({ device, area: now }), now);
  assert.deepEqual(readMetadataArea(device, place), now);
  clearText({ device, area: now });
  assert.deepEqual(readMetadataArea(device, place), area);
});

test("an ignored area is neither read nor written", () => {
  const { device, label, area } = fresh();
  const [now] = commitText([{ device, area }], groupText(label, 1)) as [MetadataArea];
  revertText({ device, area: { ...now, ignored: true } });
  const pv = readPhysicalVolume(device)!;
  assert.equal(pv.areas[0]!.ignored, true);
  assert.equal(pv.metadata, undefined);
  assert.throws(() => commitText([{ device, area: pv.areas[0]! }], "x"), {
    code: "bad-metadata-area",
  });
});

test("any flipped bit of the header, and of the text, is noticed", () => {
  const { device, label, area } = fresh();
  const text = groupText(label, 1);
  commitText([{ device, area }], text);
  const flip = (at: number, bit: number, code: string): void => {
    device.bytes[at]! ^= 1 << bit;
    const pv = readPhysicalVolume(device)!;
    assert.deepEqual(
      pv.defects.map((defect) => defect.code),
      [code],
      `byte ${at} bit ${bit}`,
    );
    assert.equal(pv.metadata, undefined);
    device.bytes[at]! ^= 1 << bit;
  };
  for (let bit = 0; bit < 512 * 8; bit++) flip(4096 + (bit >> 3), bit & 7, "bad-metadata-area");
  for (let at = 0; at < text.length; at += 7) flip(4096 + 512 + at, at % 8, "bad-text");
  assert.equal(readPhysicalVolume(device)!.metadata?.vg.seqno, 1);
});

test("a volume with two areas is read by the newer, and by the other when that is damaged", () => {
  const device = new MemoryDevice(8 * MIB);
  const first = initialisePhysicalVolume(device, { id });
  const second = { offset: 7 * MIB, sizeBytes: MIB };
  const label = { ...first, metadataAreas: [...first.metadataAreas, second] };
  writeLabel(device, label);
  writeEmptyArea(device, second);
  const targets = readPhysicalVolume(device)!.areas.map((area) => ({ device, area }));
  assert.equal(targets.length, 2);
  const areas = commitText(targets, groupText(label, 1));
  commitText([{ device, area: areas[1]! }], groupText(label, 2));
  assert.equal(readPhysicalVolume(device)!.metadata?.vg.seqno, 2);
  device.bytes[7 * MIB + 100]! ^= 1;
  const damaged = readPhysicalVolume(device)!;
  assert.equal(damaged.metadata?.vg.seqno, 1);
  assert.equal(damaged.defects.length, 1);
  // The extents end where the second area begins.
  assert.equal(newPhysicalVolume(label, "x").extentAreaSectors, (6 * MIB) / 512);
});

test("a volume without areas is read, and has no metadata", () => {
  const device = new MemoryDevice(8 * MIB);
  const label = { ...initialisePhysicalVolume(device, { id }), metadataAreas: [] };
  writeLabel(device, label);
  assert.deepEqual(readPhysicalVolume(device), {
    label,
    areas: [],
    metadata: undefined,
    defects: [],
  });
});

test("an area that the label places beyond the device is refused", () => {
  const { device } = fresh();
  assert.throws(
    () => readMetadataArea(device, { offset: 8 * MIB - 512, sizeBytes: MIB }),
    (error) => error instanceof Lvm2Error && error.code === "bad-metadata-area",
  );
});
