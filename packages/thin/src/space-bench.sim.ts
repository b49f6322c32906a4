/** A pool on virtual disks with its books beside it, which any step can be compared with. */
import assert from "node:assert/strict";
import { VirtualDisk } from "@mortar/sim";
import type { Random } from "@mortar/sim";
import { MemoryJournal } from "./mapping-journal.ts";
import type { SpaceAccounting } from "./space-accounting.ts";
import { SpaceBacklog } from "./space-backlog.ts";
import { SpaceModel } from "./space-model.sim.ts";
import { scanSpace } from "./space-scan.ts";
import { ThinPool } from "./thin-pool.ts";

export const CHUNK = 65_536;
export const DEVICE_CHUNKS = 40;
const DATA_CHUNKS = 400;
const PAGE = new Uint8Array(4096).fill(7);

export class SpaceBench {
  readonly random: Random;
  readonly metadata: VirtualDisk;
  readonly data: VirtualDisk;
  readonly journal = new MemoryJournal();
  pool: ThinPool;
  backlog = new SpaceBacklog();
  accounting: SpaceAccounting | undefined;
  base: Uint8Array;
  heldBlocks: number[] = [];
  #isHeld = false;

  constructor(random: Random, metadataBytes = 2 ** 20) {
    this.random = random;
    this.metadata = new VirtualDisk({ sizeBytes: metadataBytes, random });
    this.data = new VirtualDisk({ sizeBytes: DATA_CHUNKS * CHUNK, random });
    ThinPool.format({ metadata: this.metadata, data: this.data, dataBlockSectors: 128 });
    this.pool = this.#open();
    this.base = this.pool.follow(this.backlog);
  }

  /** The books of the state that was current when following began. The pool may have gone on. */
  scan(): void {
    if (this.accounting !== undefined) return;
    this.accounting = scanSpace({ metadata: this.metadata, superblock: this.base });
    this.pool.scanned();
  }

  /** Follow anew, as after an open. */
  restart(): void {
    this.accounting = undefined;
    this.backlog = new SpaceBacklog();
    this.base = this.pool.follow(this.backlog);
  }

  reopen(): void {
    this.pool = this.#open();
    this.restart();
  }

  /** Fails unless the books say what the mappings say. */
  compare(where: string): SpaceAccounting {
    this.scan();
    const { backlog, random } = this;
    assert.ok(!backlog.isLost, `${where}: lost`);
    const accounting = this.accounting!;
    backlog.replay(accounting);
    const model = this.#model();
    assert.deepEqual(accounting.all(), model.all(), where);
    assert.equal(accounting.usedBlocks(), model.usedBlocks(), where);
    assert.equal(accounting.usedBlocks(), this.pool.status().usedDataBlocks, where);
    const some = model.deviceIds().filter(() => random.chance(0.5));
    assert.equal(accounting.freedBy(some), model.freedBy(some), `${where}: ${some.join(" ")}`);
    return accounting;
  }

  blocksOf(deviceId: number): number[] {
    const device = this.pool.device(deviceId);
    const blocks: number[] = [];
    for (let chunk = 0; chunk < DEVICE_CHUNKS; chunk++) {
      const block = device.lookup(chunk);
      if (block >= 0) blocks.push(block);
    }
    device.close();
    return blocks;
  }

  write(deviceId: number, chunk: number, count: number): void {
    const device = this.pool.device(deviceId);
    try {
      for (let at = chunk; at < Math.min(chunk + count, DEVICE_CHUNKS); at++) {
        device.write(at * CHUNK, PAGE);
      }
    } finally {
      device.close();
    }
  }

  discard(deviceId: number, chunk: number, count: number): void {
    const device = this.pool.device(deviceId);
    device.discard(chunk * CHUNK, count * CHUNK);
    device.close();
  }

  hold(): void {
    if (this.#isHeld) {
      this.pool.releaseMetadataSnapshot();
      this.heldBlocks = [];
    } else {
      this.heldBlocks = this.pool.deviceIds().flatMap((id) => this.blocksOf(id));
      this.pool.reserveMetadataSnapshot();
    }
    this.#isHeld = !this.#isHeld;
  }

  #model(): SpaceModel {
    const ids = this.pool.deviceIds();
    return SpaceModel.of(new Map(ids.map((id) => [id, this.blocksOf(id)])), this.heldBlocks);
  }

  #open(): ThinPool {
    const { metadata, data, journal } = this;
    return ThinPool.open({ metadata, data, journal, cacheBytes: 1 });
  }
}

