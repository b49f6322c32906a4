/** The books of a pool that is served, against what the pool and the tools for rest say. */
import assert from "node:assert/strict";
import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { listDevices } from "@mortar/thin";
import type { PoolClient } from "./client.ts";
import { cannotServe, LivePool, MiB, runBeside } from "./live.fixture.ts";
import type { DeviceSpace } from "./space.ts";
import type { PoolMessage } from "./spec.ts";

const CHUNK = 64 * 1024;
const WAIT_MS = 20_000;
const METADATA_AT = MiB;
const METADATA_BYTES = 4 * MiB;
const LIVE = { skip: cannotServe, timeout: 60_000 };
const lv1 = { name: "lv1", deviceId: 1, sizeBytes: 256 * MiB, readOnly: false };
const lv2 = { name: "lv2", deviceId: 2, sizeBytes: 256 * MiB, readOnly: false };

const pools: LivePool[] = [];
after(async () => {
  for (const pool of pools) await pool.close();
});

function newPool(): LivePool {
  const pool = new LivePool(400 * MiB);
  pools.push(pool);
  return pool;
}

function write(live: LivePool, volume: string, chunk: number, count: number): void {
  const fd = openSync(live.path(volume), "r+");
  for (let at = chunk; at < chunk + count; at++) {
    writeSync(fd, Buffer.alloc(CHUNK, at), 0, CHUNK, at * CHUNK);
  }
  fsyncSync(fd);
  closeSync(fd);
}

interface Books {
  readonly devices: readonly DeviceSpace[];
  readonly freed: readonly (number | null)[];
}

async function ask(client: PoolClient, ...sets: number[][]): Promise<Books> {
  const report = await client.space(sets, WAIT_MS);
  assert.ok(report.ready, JSON.stringify(report));
  assert.equal(report.chunkBytes, CHUNK);
  return { devices: report.devices, freed: report.freedBlocks };
}

function device(deviceId: number, mappedBlocks: number, exclusiveBlocks: number): DeviceSpace {
  return { deviceId, mappedBlocks, exclusiveBlocks };
}

async function usedBlocks(client: PoolClient): Promise<number> {
  return (await client.status()).pool!.dataUsedBlocks;
}

/** What a tool finds in the metadata of the pool at rest. */
function atRest(live: LivePool): DeviceSpace[] {
  const fd = openSync(live.device, "r");
  const metadata = {
    sizeBytes: METADATA_BYTES,
    read: (offset: number, target: Uint8Array) =>
      void readSync(fd, target, 0, target.length, METADATA_AT + offset),
    write: () => undefined,
    discard: () => undefined,
    flush: () => undefined,
  };
  const { devices } = listDevices({ metadata });
  closeSync(fd);
  return devices.map((one) => device(one.id, one.mappedBlocks, one.exclusiveBlocks));
}

test("a deletion frees what was promised, after overwrites, a kill, a new setting", LIVE, async () => {
  const live = newPool();
  const spec = live.spec(320 * MiB, [lv1]);
  const client = await live.start(spec);
  write(live, "lv1", 0, 100);
  assert.deepEqual(await ask(client, [1], [2]), {
    devices: [device(1, 100, 100)],
    freed: [100, null],
  });

  const messages = [{ kind: "snapshot", deviceId: 2, originId: 1 }] as const;
  await client.message({ messages, transactionId: 2 });
  assert.deepEqual(await ask(client, [1], [2], [1, 2]), {
    devices: [device(1, 100, 0), device(2, 100, 0)],
    freed: [0, 0, 100],
  });

  write(live, "lv1", 20, 30);
  write(live, "lv1", 200, 5);
  const overwritten = {
    devices: [device(1, 105, 35), device(2, 100, 30)],
    freed: [35, 30, 135],
  };
  assert.deepEqual(await ask(client, [1], [2], [1, 2]), overwritten);
  await live.killServer();
  assert.deepEqual(await ask(client, [1], [2], [1, 2]), overwritten, "after a kill");
  const changed = { ...spec, transactionId: 2, messages: [], volumes: [lv1, lv2] };
  await client.reload({ ...changed, discards: "nopassdown" });
  assert.deepEqual(await ask(client, [1], [2], [1, 2]), overwritten, "with the engine opened anew");

  write(live, "lv2", 20, 10);
  const used = await usedBlocks(client);
  const { devices, freed } = await ask(client, [2]);
  assert.deepEqual(devices, [device(1, 105, 35), device(2, 100, 30)]);
  await client.deactivate("lv2");
  await client.message({ messages: [{ kind: "delete", deviceId: 2 }], transactionId: 3 });
  assert.equal(used - (await usedBlocks(client)), freed[0]);
  const last = await ask(client);
  assert.deepEqual(last.devices, [device(1, 105, 105)]);
  await client.stop();
  assert.deepEqual(atRest(live), last.devices);
});

test("many snapshots under a changing volume: live and at rest say the same", LIVE, async () => {
  const live = newPool();
  const client = await live.start(live.spec(320 * MiB, [lv1]));
  write(live, "lv1", 0, 200);
  for (let id = 2; id <= 12; id++) {
    const originId = id % 3 === 0 ? id - 1 : 1;
    const message = { kind: "snapshot", deviceId: id, originId } as const;
    await client.message({ messages: [message], transactionId: id });
    write(live, "lv1", (id * 37) % 180, 20);
  }
  await client.message({ messages: [{ kind: "delete", deviceId: 5 }], transactionId: 13 });
  const { devices, freed } = await ask(client, [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12], [2, 3, 4]);
  assert.equal(freed[0], await usedBlocks(client));
  const used = await usedBlocks(client);
  await client.message({
    messages: [2, 3, 4].map((deviceId) => ({ kind: "delete", deviceId }) as const),
    transactionId: 14,
  });
  assert.equal(used - (await usedBlocks(client)), freed[1]);
  assert.equal(devices.length, 11);
  const left = (await ask(client)).devices;
  await client.stop();
  assert.deepEqual(atRest(live), left);
});

/** Overwrites and discards for three seconds. */
function runFio(path: string): ReturnType<typeof runBeside> {
  const place = [`--filename=${path}`, "--size=192M", "--ioengine=libaio", "--direct=1"];
  const shape = ["--rw=randtrimwrite", "--bs=64k", "--iodepth=16", "--norandommap", "--rate_iops=900"];
  return runBeside("fio", "--name=load", ...place, ...shape, "--time_based", "--runtime=3");
}

test("under load, with snapshots and a kill in the midst, the books stay right", LIVE, async () => {
  const live = newPool();
  const client = await live.start(live.spec(368 * MiB, [lv1]));
  const loop = live.attach("lv1");
  const job = runFio(loop);
  let transactionId = 1;
  const send = async (message: PoolMessage): Promise<void> => {
    transactionId += 1;
    await client.message({ messages: [message], transactionId });
  };
  for (let id = 2; id <= 9; id++) {
    await send({ kind: "snapshot", deviceId: id, originId: 1 });
    if (id === 5) await live.killServer();
    if (id > 3) await send({ kind: "delete", deviceId: id - 2 });
    const { devices } = await ask(client);
    assert.ok(devices.every((one) => one.exclusiveBlocks <= one.mappedBlocks));
    await sleep(250);
  }
  const { code, output } = await job;
  assert.equal(code, 0, output);
  await live.detach(loop, client, "lv1");
  write(live, "lv1", 0, 10); // So that some are exclusive even if fio was done early.
  const { devices, freed } = await ask(client, [1], [8], [9], [1, 8], [8, 9], [1, 8, 9]);
  const [one = 0, eight = 0, nine = 0, oneAndEight, eightAndNine] = freed.map(Number);
  assert.ok(one >= 10 && oneAndEight! >= one + eight && eightAndNine! >= eight + nine);
  assert.equal(freed.at(-1), await usedBlocks(client));
  await client.stop();
  assert.deepEqual(atRest(live), devices);
});
