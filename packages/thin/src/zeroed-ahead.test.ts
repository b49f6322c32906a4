import assert from "node:assert/strict";
import test from "node:test";
import { Random, VirtualDisk } from "@mortar/sim";
import type { BlockDevice } from "./block-device.ts";
import { MemoryJournal } from "./mapping-journal.ts";
import { ThinPool } from "./thin-pool.ts";

const MiB = 2 ** 20;
const CHUNK = 65_536;
const CHUNKS = 40;

/** A disk full of somebody's old data, which can make ranges zero. */
class ZeroingDisk implements BlockDevice {
  readonly disk: VirtualDisk;
  written = 0;
  zeroed = 0;
  canZero = true;

  constructor(random: Random) {
    this.disk = new VirtualDisk({ sizeBytes: CHUNKS * CHUNK, random });
    this.disk.write(0, new Uint8Array(this.disk.sizeBytes).fill(0xee));
  }

  get sizeBytes(): number {
    return this.disk.sizeBytes;
  }

  read(offset: number, target: Uint8Array): void {
    this.disk.read(offset, target);
  }

  write(offset: number, source: Uint8Array): void {
    this.written += source.length;
    this.disk.write(offset, source);
  }

  discard(offset: number, lengthBytes: number): void {
    this.disk.discard(offset, lengthBytes);
  }

  zero(offset: number, lengthBytes: number): boolean {
    if (!this.canZero) return false;
    this.zeroed += lengthBytes;
    this.disk.write(offset, new Uint8Array(lengthBytes));
    return true;
  }

  flush(): void {
    this.disk.flush();
  }
}

function setUp(seed: number): { data: ZeroingDisk; pool: ThinPool; random: Random } {
  const random = new Random(seed);
  const metadata = new VirtualDisk({ sizeBytes: 4 * MiB, random });
  const data = new ZeroingDisk(random);
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  const pool = ThinPool.open({ metadata, data, journal: new MemoryJournal() });
  return { data, pool, random };
}

test("small writes to new chunks write themselves only, and the rest reads as zeros", () => {
  const { data, pool } = setUp(1);
  pool.createThin(1);
  const device = pool.device(1);
  for (let chunk = 0; chunk < 20; chunk++) {
    device.write(chunk * CHUNK + 8192, new Uint8Array(4096).fill(chunk + 1));
  }
  assert.equal(data.written, 20 * 4096);
  assert.equal(data.zeroed, CHUNKS * CHUNK, "all that was free, at once");
  for (let chunk = 0; chunk < 20; chunk++) {
    const expected = new Uint8Array(CHUNK);
    expected.fill(chunk + 1, 8192, 12_288);
    const found = new Uint8Array(CHUNK);
    device.read(chunk * CHUNK, found);
    assert.deepEqual(found, expected);
  }
});

test("a device that cannot zero is asked once, and chunks are written whole", () => {
  const { data, pool } = setUp(2);
  data.canZero = false;
  pool.createThin(1);
  const device = pool.device(1);
  device.write(4096, new Uint8Array(4096).fill(1));
  device.write(CHUNK, new Uint8Array(4096).fill(2));
  assert.equal(data.written, 2 * CHUNK);
  const found = new Uint8Array(CHUNK);
  device.read(0, found);
  assert.deepEqual(found.subarray(8192), new Uint8Array(CHUNK - 8192));
});

test("chunks that are freed and given out again never show what they held", () => {
  for (let seed = 10; seed < 40; seed++) {
    const { data, pool, random } = setUp(seed);
    pool.createThin(1);
    const device = pool.device(1);
    const model = new Uint8Array(24 * CHUNK);
    for (let step = 0; step < 120; step++) {
      const chunk = random.below(24);
      const kind = random.below(10);
      if (kind < 3) {
        device.discard(chunk * CHUNK, CHUNK);
        model.fill(0, chunk * CHUNK, (chunk + 1) * CHUNK);
      } else if (kind === 3) {
        pool.commit();
      } else if (kind === 4) {
        data.canZero = random.chance(0.9);
      } else {
        const whole = kind === 5;
        const at = chunk * CHUNK + (whole ? 0 : random.below(15) * 4096);
        const source = new Uint8Array(whole ? CHUNK : 4096).fill(1 + random.below(200));
        device.write(at, source);
        model.set(source, at);
      }
    }
    const found = new Uint8Array(model.length);
    device.read(0, found);
    assert.ok(Buffer.compare(found, model) === 0, `seed ${seed}`);
  }
});
