// What two snapshots differ in is known from the metadata, also while the volume is at work, and
// is right: every block that has other bytes lies in a range that is listed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LiveNode } from "./live-node.ts";
import { createTwoBrickVolume, volume } from "./two-brick-volume.ts";

interface Range {
  readonly kind: "written" | "discarded";
  readonly offset: number;
  readonly length: number;
}

interface Diff {
  readonly result: {
    readonly bricks: readonly { readonly rangeCount: number; readonly ranges: readonly Range[] }[];
    readonly writtenBytes: number;
    readonly complete: boolean;
  };
}

const node = new LiveNode();
const MIB = 1024 * 1024;
const BLOCK = 4096;

before(
  async () => {
    await createTwoBrickVolume(node);
    const random = "dd if=/dev/urandom bs=1M status=none";
    await node.ok(`cd volume && for n in 1 2 3 4; do ${random} of=f$n count=4; done; sync -f .`);
    await node.ok(`gluster snapshot create s1 ${volume} no-timestamp`);
    await node.ok(`cd volume && ${random} of=f1 count=2 conv=notrunc && rm f2 && sync -f .`);
    await node.ok(`gluster snapshot create s2 ${volume} no-timestamp`);
  },
  { timeout: 120_000 },
);
after(() => node.close());

async function diff(from: string, to: string): Promise<Diff["result"]> {
  const text = await node.ok(`mortar snapshot diff ${from} ${to} --ranges --json`);
  return (JSON.parse(text) as Diff).result;
}

test("two snapshots: both bricks, no more than a little over what was written", async (context) => {
  const { bricks, writtenBytes, complete } = await diff("s1", "s2");
  assert.equal(complete, true);
  assert.equal(bricks.length, 2);
  assert.ok(writtenBytes >= 2 * MIB && writtenBytes < 12 * MIB, `${writtenBytes} bytes`);
  for (const { ranges, rangeCount } of bricks) assert.equal(ranges.length, rangeCount);
  context.diagnostic(await node.ok("mortar snapshot diff s1 s2"));
  assert.equal((await diff("s1", "s1")).writtenBytes, 0);
});

test("the present counts what was only just written, and needs no sync by who asks", async () => {
  const base = (await diff("s2", "live")).writtenBytes;
  await node.ok("dd if=/dev/urandom of=volume/f5 bs=1M count=3 status=none");
  const now = (await diff("s2", volume)).writtenBytes;
  assert.ok(now - base >= 3 * MIB, `${base} then ${now}`);
});

test("a snapshot that is not there is refused by name", async () => {
  assert.match(await node.refused("mortar snapshot diff s1 nothing"), /nothing/);
  assert.match(await node.refused("mortar snapshot diff s1"), /snapshot diff <snapname>/);
});

// Activation mounts a snapshot, whose journal is replayed into it: it is asked about after that. A
// chunk that was written once never counts as equal again, so what was seen before is in it.
test("every block that differs lies in a listed range", async () => {
  for (const name of ["s1", "s2"]) await node.ok(`gluster snapshot activate ${name}`);
  const [earlier, later] = [await devicesOf("s1"), await devicesOf("s2")];
  assert.deepEqual([earlier.length, later.length], [2, 2]);
  const changed: number[][] = [];
  for (const [index, a] of earlier.entries()) {
    changed.push(await changedBlocks(a, later[index] ?? ""));
  }
  const { bricks } = await diff("s1", "s2");
  assert.ok(changed.flat().length >= (2 * MIB) / BLOCK, "what was written is among it");
  for (const [index, { ranges }] of bricks.entries()) {
    const missed = changed[index]?.filter((at) =>
      !ranges.some(({ offset, length }) => at >= offset && at < offset + length));
    assert.deepEqual(missed, [], `brick ${index}`);
  }
});

/** Where they begin, in bytes. `cmp` exits with 1 for files that differ, which awk hides. */
async function changedBlocks(a: string, b: string): Promise<number[]> {
  const count = `n = int(($1 - 1) / ${BLOCK}); if (NR == 1 || n != last) print n; last = n`;
  const text = await node.ok(`cmp -l ${a} ${b} | awk '{ ${count} }'`);
  return text.split("\n").filter((it) => it !== "").map((it) => Number(it) * BLOCK);
}

/** In the order of the bricks. */
async function devicesOf(name: string): Promise<string[]> {
  const mounts = await node.ok("cat /proc/self/mounts");
  const info = await node.ok(`gluster snapshot info ${name}`);
  const [, snapVolume = "?"] = /Snap Volume Name +: +(\w+)/.exec(info) ?? [];
  return mounts.split("\n").map((line) => line.split(" ")).flatMap(([source = "", point = ""]) =>
    point.includes(`/${snapVolume}/brick`) ? [{ source, point }] : [])
    .toSorted((x, y) => (x.point < y.point ? -1 : 1))
    .map(({ source }) => source);
}
