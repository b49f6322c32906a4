/** What the simulation found: a commit fails, and then something else does. */
import assert from "node:assert/strict";
import test from "node:test";
import { Random, VirtualDisk } from "@mortar/sim";
import { MemoryJournal } from "./mapping-journal.ts";
import { ThinPool } from "./thin-pool.ts";

const CHUNK = 65_536;

interface Machine {
  readonly metadata: VirtualDisk;
  readonly data: VirtualDisk;
  readonly journal: MemoryJournal;
}

function newMachine(): Machine {
  const random = new Random(1);
  const metadata = new VirtualDisk({ sizeBytes: 64 * 4096, random });
  const data = new VirtualDisk({ sizeBytes: 16 * CHUNK, random });
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  return { metadata, data, journal: new MemoryJournal() };
}

function readByte(pool: ThinPool, deviceId: number): number {
  const device = pool.device(deviceId);
  const target = new Uint8Array(1);
  device.read(0, target);
  device.close();
  return target[0]!;
}

const READS_MAX = 20;

test("a pool that cannot replay its journal after a failed commit shows nothing, not less", () => {
  const modes = new Set<string>();
  for (let at = 1; at <= READS_MAX; at++) {
    const machine = newMachine();
    const { metadata } = machine;
    const pool = ThinPool.open(machine);
    pool.createThin(1);
    const device = pool.device(1);
    device.write(0, new Uint8Array(CHUNK).fill(7));
    let failed = false;
    let reads = 0;
    metadata.faults = (operation) => {
      if (operation === "write") failed = true;
      else if (operation === "read" && failed) reads += 1;
      return operation === "write" || (operation === "read" && reads === at) ? "EIO" : undefined;
    };
    assert.throws(() => pool.commit(), { code: "metadata-io" });
    metadata.faults = undefined;
    const { mode } = pool.status();
    modes.add(mode);
    if (mode === "read-only") assert.equal(readByte(pool, 1), 7, `read ${at}`);
    else assert.throws(() => device.read(0, new Uint8Array(1)), { code: "pool-failed" });
    assert.equal(readByte(ThinPool.open(machine), 1), 7);
  }
  assert.deepEqual([...modes], ["failed", "read-only"]);
});

test("an error of the disk while the journal is replayed is not held against it", () => {
  let opened = false;
  for (let at = 1; !opened; at++) {
    const machine = newMachine();
    const pool = ThinPool.open(machine);
    pool.createThin(1);
    pool.device(1).write(0, new Uint8Array(CHUNK).fill(7));
    let reads = 0;
    machine.metadata.faults = (operation) => {
      if (operation === "read") reads += 1;
      return operation === "read" && reads === at ? "EIO" : undefined;
    };
    try {
      ThinPool.open(machine);
      opened = true;
      assert.ok(at > 6, `${at}`);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "metadata-io", `read ${at}`);
    }
    machine.metadata.faults = undefined;
    assert.equal(readByte(ThinPool.open(machine), 1), 7);
  }
});

test("a superblock whose flush failed is written again by the next process", () => {
  for (let seed = 0; seed < 20; seed++) {
    const machine = newMachine();
    const { metadata } = machine;
    const pool = ThinPool.open(machine);
    let flushes = 0;
    metadata.faults = (operation) => {
      if (operation === "flush") flushes += 1;
      // The second flush is that of the superblock, and nothing works from there on.
      return flushes >= 2 && operation !== "read" ? "EIO" : undefined;
    };
    assert.throws(() => pool.createThin(1), { code: "metadata-io" });
    metadata.faults = undefined;
    const successor = ThinPool.open(machine);
    const seen = successor.deviceIds();
    successor.commit();
    metadata.crash("sectors");
    machine.data.crash("sectors");
    const { data } = machine;
    assert.deepEqual(ThinPool.open({ metadata, data }).deviceIds(), seen);
  }
});
