import assert from "node:assert/strict";
import { test } from "node:test";
import { Random, VirtualDisk } from "@mortar/sim";
import { listDevices } from "./list-devices.ts";
import { restoreXml } from "./restore-xml.ts";
import { SpaceBacklog } from "./space-backlog.ts";
import { DEVICE_CHUNKS, SpaceBench } from "./space-bench.sim.ts";
import { scanSpace } from "./space-scan.ts";
import { scenario } from "./space.sim.ts";
import { ThinError } from "./thin-error.ts";

const SEEDS = 25;

test("the books follow the engine through snapshots, discards, kills and failed commits", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      scenario.run(new Random(seed));
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

test("the books and the tool for pools at rest say the same", () => {
  const bench = new SpaceBench(new Random(7));
  bench.pool.createThin(1);
  bench.write(1, 0, 20);
  bench.pool.createSnapshot(2, 1);
  bench.write(1, 0, 5);
  bench.pool.createSnapshot(3, 2);
  bench.write(3, 10, 3);
  bench.discard(2, 18, 2);
  bench.pool.commit();
  const accounting = bench.compare("at the end");
  const offline = listDevices({ metadata: bench.metadata }).devices;
  assert.deepEqual(
    accounting.all(),
    offline.map(({ id: deviceId, mappedBlocks, exclusiveBlocks }) =>
      ({ deviceId, mappedBlocks, exclusiveBlocks })),
  );
  assert.equal(accounting.freedBy([1, 2, 3]), bench.pool.status().usedDataBlocks);
});

test("what the pool frees while a scan reads it is not used again before the end", () => {
  const bench = new SpaceBench(new Random(12), 400 * 4096);
  bench.pool.createThin(1);
  bench.pool.createThin(2);
  bench.write(2, 0, 10);
  const commits = (count: number): void => {
    for (let round = 0; round < count; round++) {
      bench.write(1, round % DEVICE_CHUNKS, 1);
      bench.discard(1, (round + 7) % DEVICE_CHUNKS, 1);
      bench.pool.commit();
    }
  };
  commits(30);
  bench.restart();
  const { metadata, base: superblock } = bench;
  const untouched = scanSpace({ metadata, superblock }).all();
  bench.write(2, 5, 10); // Frees a leaf of long ago, where the pool will soon be writing again.
  commits(30);
  assert.deepEqual(scanSpace({ metadata, superblock }).all(), untouched);
  bench.compare("after all");
});

test("a scan that is slow keeps nothing from the pool that it needs: it starts again", () => {
  const bench = new SpaceBench(new Random(8), 100 * 4096);
  bench.pool.createThin(1);
  bench.restart();
  for (let round = 0; round < 60; round++) {
    bench.write(1, round % DEVICE_CHUNKS, 2);
    bench.discard(1, round % DEVICE_CHUNKS, 1);
    bench.pool.commit();
  }
  assert.ok(bench.backlog.isLost);
  bench.restart();
  bench.compare("after a new start");
});

test("whoever follows is told when somebody else does, and when the pool is closed", () => {
  const bench = new SpaceBench(new Random(9));
  const first = bench.backlog;
  bench.restart();
  assert.ok(first.isLost);
  bench.pool.close();
  assert.ok(bench.backlog.isLost);
});

test("a block that one device maps twice is refused by name", () => {
  const metadata = new VirtualDisk({ sizeBytes: 2 ** 20, random: new Random(1) });
  const xml = `<superblock uuid="" time="0" transaction="1" version="2" data_block_size="128"
    nr_data_blocks="50">
    <device dev_id="1" mapped_blocks="4" transaction="0" creation_time="0" snap_time="0">
      <range_mapping origin_begin="0" data_begin="10" length="3" time="0"/>
      <single_mapping origin_block="9" data_block="11" time="0"/>
    </device></superblock>`;
  let texts: string[] = [xml];
  restoreXml({ metadata, read: () => texts.pop() });
  assert.throws(
    () => scanSpace({ metadata }),
    (error: ThinError) => error.code === "unsupported" && error.message.includes("data block 11"),
  );
  // Two devices may have it at different places, as tools can make it.
  texts = [xml.replace("<single_mapping", `</device><device dev_id="2" mapped_blocks="1"
    transaction="0" creation_time="0" snap_time="0"><single_mapping`)];
  restoreXml({ metadata, read: () => texts.pop() });
  assert.deepEqual(scanSpace({ metadata }).all(), [
    { deviceId: 1, mappedBlocks: 3, exclusiveBlocks: 2 },
    { deviceId: 2, mappedBlocks: 1, exclusiveBlocks: 0 },
  ]);
});

test("damage ends the scan with the block that is damaged", () => {
  const bench = new SpaceBench(new Random(11));
  bench.pool.createThin(1);
  bench.write(1, 0, 3);
  bench.pool.commit();
  const superblock = bench.pool.follow(new SpaceBacklog());
  const metadata = new VirtualDisk({ sizeBytes: bench.metadata.sizeBytes, random: bench.random });
  const bytes = new Uint8Array(4096);
  for (let block = 0; block < 256; block++) {
    bench.metadata.read(block * 4096, bytes);
    if (block > 0) bytes[100]! ^= 1;
    metadata.write(block * 4096, bytes);
  }
  assert.throws(
    () => scanSpace({ metadata, superblock }),
    (error: ThinError) => error.code === "corrupt" && /metadata block \d+/.test(error.message),
  );
});
