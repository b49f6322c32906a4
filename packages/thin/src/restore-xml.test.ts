/** The XML reader believes nothing, and needs no memory for what it refuses. */
import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import type { BlockDevice } from "./block-device.ts";
import { MemoryDevice } from "./memory-device.fixture.ts";
import { checkPool } from "./check-pool.ts";
import { dumpXml } from "./dump-xml.ts";
import { restoreXml } from "./restore-xml.ts";
import { ThinError } from "./thin-error.ts";

function restore(xml: string, pieceLength = 7, sizeBytes = 2 ** 20): MemoryDevice {
  const metadata = new MemoryDevice(new Uint8Array(sizeBytes));
  let at = 0;
  const read = (): string | undefined => {
    at += pieceLength;
    return at - pieceLength < xml.length ? xml.slice(at - pieceLength, at) : undefined;
  };
  restoreXml({ metadata, read });
  return metadata;
}

function dump(metadata: BlockDevice): string {
  const parts: string[] = [];
  dumpXml({ metadata, write: (text) => parts.push(text) });
  return parts.join("");
}

const pool = (inside: string): string =>
  `<superblock uuid="" time="3" transaction="5" flags="0" version="2" data_block_size="128" ` +
  `nr_data_blocks="16000">\n${inside}</superblock>\n`;
const device = (inside: string, id = 1): string =>
  `  <device dev_id="${id}" mapped_blocks="0" transaction="0" creation_time="0" snap_time="2">\n` +
  `${inside}  </device>\n`;
const range = (begin: number, data: number, length: number): string =>
  `    <range_mapping origin_begin="${begin}" data_begin="${data}" length="${length}" time="1"/>\n`;

test("pieces may be cut anywhere, and comments and declarations are skipped", () => {
  const xml = `<?xml version="1.0"?>\n<!-- a > b -->${pool(device(range(3, 9, 700)))}`;
  const whole = dump(restore(xml, 1e6));
  for (const pieceLength of [1, 2, 3, 11, 100]) assert.equal(dump(restore(xml, pieceLength)), whole);
  assert.match(whole, /mapped_blocks="700"/);
});

test("what several devices refer to is there once, and counted right", () => {
  const inside =
    `<def name="a">${range(10, 0, 1000)}</def><def name="b"></def>` +
    device(`${range(0, 2000, 5)}<ref name="a"/>${range(5000, 3000, 300)}`, 1) +
    device(`<ref name="a"></ref><ref name="b"/>`, 2) + device(`<ref name="a"/>`, 3) + device("", 4);
  const metadata = restore(pool(inside));
  assert.deepEqual(checkPool(metadata).defects.filter(({ severity }) => severity !== "note"), []);
  const xml = dump(metadata);
  assert.equal(xml.match(/origin_begin="10" data_begin="0" length="1000"/g)?.length, 3);
  assert.equal(dump(restore(xml, 4000)), xml);
});

test("what makes no sense is refused with its line", () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ["", /does not begin with <superblock>/],
    ["hello", /is not a tag/],
    ["<cache/>", /does not begin/],
    [pool("<thing/>"), /line 2 of the XML: <thing> has no place/],
    [pool(device(range(0, 15_999, 2))), /data block 16000 is beyond/],
    [pool(device(range(0, 0, 1e12))), /is beyond/],
    [pool(device(range(0, 0, 5) + range(4, 9, 1))), /line 4 of the XML: block 4 comes after 4/],
    [pool(device("") + device("")), /device 1 is there twice/],
    [pool(device("", 2 ** 24)), /dev_id="16777216" is not/],
    [pool(device(`<ref name="x"/>`)), /not defined before/],
    [pool(`<def name="x">${range(0, 0, 5)}</def>`), /nothing refers to/],
    [pool(device(`<single_mapping origin_block="1" data_block="-1" time="0"/>`)), /data_block="-1"/],
    [pool(device(`<single_mapping origin_block="1" time="0"/>`)), /has no data_block/],
    [pool(device(`<single_mapping ${`a="1" `.repeat(2000)}/>`)), /is not a tag/],
    [pool("<device>".repeat(10)), /has no|no place/],
    [pool("").replace("</superblock>", "</device>"), /closes <superblock>/],
    [pool("").replace("</superblock>", ""), /the text ends inside/],
    [`${pool("")}<superblock/>`, /something after/],
    [pool("").replace("16000", "1099511627776"), /need more metadata/],
    [pool("").replace(`"128"`, `"100"`), /a chunk has 64 KiB/],
    [pool("").replace(`time="3"`, `time="3" time="4"`), /twice/],
    [`<!-- ${"x".repeat(10_000)}`, /ends before -->/],
    [pool(device("&lt;")), /is not a tag/],
  ];
  for (const [xml, message] of refused) assert.throws(() => restore(xml, 64), message, xml.slice(0, 200));
});

test("a target that is too small is refused, and holds no pool", () => {
  const xml = pool(device(range(0, 0, 16_000)));
  assert.throws(() => restore(xml, 1000, 40 * 4096), { code: "metadata-full" });
});

test("noise in the XML is restored soundly or refused", () => {
  const random = new Random(2026);
  const tidy = pool(
    `<def name="a">${range(10, 0, 30)}</def>` + device(range(0, 50, 5) + `<ref name="a"/>`) +
      device(`<ref name="a"/>${range(90, 400, 3)}`, 2),
  );
  let restored = 0;
  for (let round = 0; round < 3000; round++) {
    let xml = tidy;
    for (let edits = random.between(1, 4); edits > 0; edits--) {
      const at = random.below(xml.length);
      const noise = random.pick(["", "9", "<", ">", "\"", "/", "a", " ", "<device>", xml.slice(at, at + 40)]);
      xml = xml.slice(0, at) + noise + xml.slice(at + random.below(4));
    }
    try {
      const metadata = restore(xml, random.between(1, 300), 64 * 4096);
      assert.deepEqual(checkPool(metadata).defects.filter(({ severity }) => severity === "leak"), []);
      assert.equal(dump(restore(dump(metadata), 1000)), dump(metadata), xml);
      restored += 1;
    } catch (error) {
      assert.ok(error instanceof ThinError, xml);
    }
  }
  assert.ok(restored > 10, `${restored} were accepted`);
});
