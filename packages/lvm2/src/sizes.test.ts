import assert from "node:assert/strict";
import { test } from "node:test";
import { provenance } from "./fixtures.ts";
import { compactId, expandId, isLvmId, newLvmId } from "./lvm-id.ts";
import { checkNewLvName, checkTag, deviceMapperName, isValidName, splitLvPath } from "./names.ts";
import { choosePoolSizing } from "./pool-sizing.ts";
import { parseExtentsArgument, parseSizeArgument, percentOfExtents } from "./size-argument.ts";
import { formatPercent, formatSize } from "./size-print.ts";

const MIB = 2048;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

/** Measured on LVM 2.03.16: data size, chunk in KiB, metadata in MiB. */
const measured: readonly [string, number, number][] = [
  ["8m", 64, 4],
  ["4g", 64, 4],
  ["5g", 64, 8],
  ["10g", 64, 12],
  ["50g", 64, 52],
  ["64g", 64, 64],
  ["100g", 64, 100],
  ["255g", 128, 128],
  ["257g", 256, 68],
  ["500g", 256, 128],
  ["513g", 512, 68],
  ["1t", 512, 128],
  ["2t", 1024, 128],
  ["4t", 2048, 128],
  ["10t", 8192, 80],
  ["16t", 8192, 128],
];

test("pools get the chunk size and metadata that LVM gives them", () => {
  for (const [size, chunkKib, metadataMib] of measured) {
    const dataExtentCount = parseSizeArgument(size).sectors / 8192;
    const sizing = choosePoolSizing({ dataExtentCount, extentSectors: 8192 });
    assert.deepEqual(
      [sizing.chunkSectors / 2, sizing.metadataExtentCount * 4],
      [chunkKib, metadataMib],
      size,
    );
  }
});

test("a chunk size addresses what LVM says it does", () => {
  const notice = (chunkSectors: number): string =>
    choosePoolSizing({ dataExtentCount: 10, extentSectors: 8192, chunkSectors }).notice;
  for (const [chunkSectors, expected] of [
    [128, "<15.88"],
    [256, "31.75"],
    [384, "<47.63"],
  ] as const) {
    assert.match(
      notice(chunkSectors),
      new RegExp(`can address at most ${expected} TiB of data\\.$`),
    );
  }
  assert.throws(
    () => choosePoolSizing({ dataExtentCount: 5_000_000, extentSectors: 8192, chunkSectors: 128 }),
    { code: "chunk-too-small", exitCode: 5 },
  );
  const warned = choosePoolSizing({ dataExtentCount: 10, extentSectors: 8192, chunkSectors: 1024 });
  assert.equal(
    warned.warnings[0],
    "WARNING: Pool zeroing and 512.00 KiB large chunk size slows down thin provisioning.",
  );
});

test("given metadata decides the chunk size", () => {
  const request = { dataExtentCount: TIB / 8192, extentSectors: 8192, metadataExtentCount: 1 };
  assert.equal(choosePoolSizing(request).chunkSectors, 2 * 16 * 1024);
  assert.match(
    choosePoolSizing({ ...request, chunkSectors: 128 }).warnings[0]!,
    /suggested minimum size 16\.00 MiB\.$/,
  );
});

test("sizes print as LVM prints them", () => {
  const cases: readonly [number, Parameters<typeof formatSize>[1], string][] = [
    [1000 * MIB, {}, "1000.00m"],
    [4 * MIB, {}, "4.00m"],
    [2 * GIB - 8192, {}, "<2.00g"],
    [2 * GIB, {}, "2.00g"],
    [1.125 * GIB, {}, "1.12g"],
    [1.375 * GIB, {}, "<1.38g"],
    [0, {}, "0 "],
    [0, { long: true }, "0   "],
    [0, { unit: "m" }, "0m"],
    [1, {}, "512b"],
    [1, { long: true }, "512 B"],
    [128, { long: true }, "64.00 KiB"],
    [2 * GIB - 8192, { unit: "h" }, "2.00g"],
    [1000 * MIB, { unit: "b" }, "1048576000B"],
    [1000 * MIB, { unit: "b", suffix: false }, "1048576000"],
    [1000 * MIB, { unit: "s" }, "2048000S"],
    [1000 * MIB, { unit: "k" }, "1024000.00k"],
    [1000 * MIB, { unit: "g" }, "0.98g"],
    [1000 * MIB, { unit: "M" }, "1048.58M"],
    [1000 * MIB, { unit: "G", suffix: false }, "1.05"],
    [1000 * MIB, { unit: "R" }, "<1.05G"],
    [1000 * MIB, { unit: "t" }, "0.00t"],
    [3 * TIB, { long: true }, "3.00 TiB"],
    [3, { unit: "K", long: true }, "1.54 kB"],
  ];
  for (const [sectors, format, expected] of cases) {
    assert.equal(formatSize(sectors, format), expected, `${sectors} ${JSON.stringify(format)}`);
  }
});

test("percentages are 0.00 and 100.00 only when exact", () => {
  const cases: readonly [number, number, string][] = [
    [0, 100, "0.00"],
    [1, 1e9, "0.01"],
    [100, 100, "100.00"],
    [999_999_999, 1e9, "99.99"],
    [40, 16_384, "0.24"],
    [1, 0, "100.00"],
    [1, 3, "33.33"],
    [2, 3, "66.67"],
    [111, 1024, "10.84"],
  ];
  for (const [part, whole, expected] of cases) assert.equal(formatPercent(part, whole), expected);
});

test("size arguments are read as LVM reads them", () => {
  const cases: readonly [string, string, number][] = [
    ["1000M", "", 1000 * MIB],
    ["1g", "", GIB],
    ["100", "", 100 * MIB],
    ["+1.5G", "+", 1.5 * GIB],
    ["-2t", "-", 2 * TIB],
    ["2048s", "", 2048],
    ["1048576b", "", MIB],
    [".5k", "", 1],
    ["1K", "", 2],
    ["1mib", "", MIB],
  ];
  for (const [text, sign, sectors] of cases)
    assert.deepEqual(parseSizeArgument(text), { sign, sectors });
  for (const [text, message] of [
    ["abc", "Size requires number argument."],
    ["5q", "Can't parse size argument."],
    ["+-5", "Multiple sign symbols detected."],
    ["", "Size requires number argument."],
    ["1000b", "Size is not a multiple of 512. Try using 512 or 1024."],
    ["99999999e", "Size is too big (>=16EiB)."],
  ] as const) {
    assert.throws(() => parseSizeArgument(text), { message, exitCode: 3 }, text);
  }
});

test("extents arguments are read as LVM reads them", () => {
  assert.deepEqual(parseExtentsArgument("25"), { sign: "", count: 25, percentOf: undefined });
  assert.deepEqual(parseExtentsArgument("+10%FREE"), { sign: "+", count: 10, percentOf: "FREE" });
  assert.deepEqual(parseExtentsArgument("50%vg").percentOf, "VG");
  assert.deepEqual(parseExtentsArgument("50%PVS").percentOf, "PVS");
  assert.deepEqual(parseExtentsArgument("50%ORIGIN").percentOf, "ORIGIN");
  assert.throws(() => parseExtentsArgument("10%FOO"), { message: "Specified %FOO is unknown." });
  assert.throws(() => parseExtentsArgument("1.5"), {
    message: "Invalid argument for --extents: 1.5",
  });
  assert.equal(percentOfExtents(30, 38, "down"), 11);
  assert.equal(percentOfExtents(50, 9, "up"), 5);
});

test("names follow LVM's rules", () => {
  for (const good of [
    "a",
    "lv-1.x+y_z",
    "_x",
    ".hidden",
    "9",
    "452bfcf743504df4b6af536487d0924d_0",
    "a".repeat(127),
  ]) {
    assert.ok(isValidName(good), good);
    checkNewLvName(good);
  }
  for (const bad of ["", "-a", ".", "..", "a b", "a/b", "ä", "a\n", "a".repeat(128)]) {
    assert.ok(!isValidName(bad), bad);
  }
  for (const reserved of [
    "pvmove0",
    "snapshot1",
    "x_tmeta",
    "lvol0_pmspare",
    "a_rimage_0",
    "b_vorigin",
  ]) {
    assert.throws(() => checkNewLvName(reserved), { code: "bad-name", exitCode: 3 }, reserved);
  }
  assert.equal(checkTag("@a/b=c:d&e!f#g"), "a/b=c:d&e!f#g");
  assert.throws(() => checkTag("a b"), { exitCode: 3 });
});

test("paths come apart, and device-mapper names go together", () => {
  assert.equal(deviceMapperName("bd-vg", "lv-1", "tpool"), "bd--vg-lv--1-tpool");
  for (const path of ["bd-vg/lv-1", "/dev/bd-vg/lv-1", "/dev/mapper/bd--vg-lv--1"]) {
    assert.deepEqual(splitLvPath(path), { vgName: "bd-vg", lvName: "lv-1" }, path);
  }
  assert.deepEqual(splitLvPath(`/dev/mapper/${deviceMapperName("a-", "b-c-")}`), {
    vgName: "a-",
    lvName: "b-c-",
  });
  assert.deepEqual(splitLvPath("vg0"), { vgName: "vg0", lvName: undefined });
  assert.throws(() => splitLvPath("a/b/c"), { code: "bad-argument" });
});

test("ids are 32 letters and digits, with and without hyphens", () => {
  const { random } = provenance(3);
  const seen = new Set(Array.from({ length: 200 }, () => newLvmId(random)));
  assert.equal(seen.size, 200);
  for (const id of seen) {
    assert.ok(isLvmId(id));
    assert.equal(expandId(compactId(id)), id);
  }
});
