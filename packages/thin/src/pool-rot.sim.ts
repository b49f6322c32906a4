/**
 * Disks that lie: bits that rot, blocks torn or lost or written to another place, all of them with
 * a disk that says fine. A block that is not what it was written as says so by its checksum or its
 * number, and then nothing wrong may be read from it: the pool refuses. An older version of a block
 * in its own place is sound by itself; what its age does to the counts is for the checker to find.
 *
 * What no check can find here is in `unseen`: a superblock of which the last write is missing is
 * the pool as it was, and so is a tree whose blocks refer to the same blocks as before in another
 * order.
 */
import { VirtualDisk } from "@mortar/sim";
import type { Random, Scenario, ToldLie } from "@mortar/sim";
import { checkPool } from "./check-pool.ts";
import { blockDefect, blockKind, METADATA_BLOCK_BYTES, viewOf } from "./metadata-block.ts";
import { isLeaf, valueBytes } from "./btree-node.ts";
import { PoolHistory } from "./pool-history.sim.ts";
import type { Machine } from "./pool-machine.sim.ts";
import { CHUNK_BYTES } from "./pool-machine.sim.ts";
import { decodeTags, encodeTag, SECTOR_BYTES } from "./pool-model.sim.ts";
import { repairPool } from "./repair-pool.ts";
import type { Repair } from "./repair-pool.ts";
import { ThinError } from "./thin-error.ts";
import { ThinPool } from "./thin-pool.ts";

const METADATA_BLOCKS = 400;
const DEVICE_CHUNKS = 700;
const PATIENTS = 6;
const LIVE_STEPS = 30;

const counts = {
  patients: 0, refused: 0, seenByCheck: 0, right: 0, repaired: 0, unrepairable: 0, unseen: 0,
  olderSuperblocks: 0, dataLies: 0,
};
type Counts = Record<keyof typeof counts, number>;

export const scenario: Scenario = {
  name: "thin-rot",
  run(random) {
    const sum: Counts = { ...counts };
    const history = newHistory(random);
    for (let index = 0; index < 40; index++) step(history, random);
    history.commit();
    const older = history.machine.metadata.clone(random.fork());
    for (let index = 0; index < 10; index++) step(history, random);
    history.commit();
    history.requireClean("before any damage");
    for (let index = 0; index < PATIENTS; index++) {
      const patient = history.machine.copy();
      const damage = random.pick([rotBits, tearBlock, misplaceBlock])(patient, older, random);
      judge(history, patient, damage, sum);
    }
    lieInData(history, random, sum);
    lieInMetadata(history, random, sum);
    return sum;
  },
};

interface Damage {
  readonly what: string;
  /** Metadata blocks that are not what they should be. */
  readonly blocks: readonly number[];
  /** It was done at rest, so that the history's own disk has what should be there. */
  readonly atRest: boolean;
  /** Some of them may be older, and sound by themselves. */
  readonly mayBeOlder: boolean;
}

function newHistory(random: Random): PoolHistory {
  const history = new PoolHistory({
    random, metadataBlocks: METADATA_BLOCKS, dataChunks: 4000, deviceChunks: DEVICE_CHUNKS,
    journalRecords: 4000, discards: "nopassdown", chunksOnly: true,
  });
  history.transact([{ kind: "create-thin", deviceId: 1 }]);
  for (let unit = 0; unit < DEVICE_CHUNKS; unit += 35) history.write(1, unit, 35);
  return history;
}

function step(history: PoolHistory, random: Random): void {
  const ids = [...history.devices.keys()];
  const id = random.pick(ids);
  const unit = random.below(DEVICE_CHUNKS);
  const count = 1 + random.below(Math.min(6, DEVICE_CHUNKS - unit));
  const kind = random.below(12);
  if (kind === 0 && ids.length < 8) {
    const deviceId = Math.max(...ids) + 1;
    history.transact([{ kind: "create-snapshot", deviceId, originId: id }]);
  } else if (kind === 1 && ids.length > 3) history.transact([{ kind: "delete", deviceId: id }]);
  else if (kind === 2) history.commit();
  else if (kind === 3) history.discard(id, unit, count);
  else history.write(id, unit, count);
}

/** A few bits of blocks in use. */
function rotBits(patient: Machine, _older: VirtualDisk, random: Random): Damage {
  const blocks: number[] = [];
  for (let index = 1 + random.below(3); index > 0; index--) {
    const block = pickUsed(patient.metadata, random);
    blocks.push(block);
    const at = block * METADATA_BLOCK_BYTES + random.below(METADATA_BLOCK_BYTES);
    patient.metadata.flipBit(at, random.below(8));
  }
  return { what: "rotten bits", blocks, atRest: true, mayBeOlder: false };
}

/** A block of which some sectors were never written. */
function tearBlock(patient: Machine, older: VirtualDisk, random: Random): Damage {
  const block = pickUsed(patient.metadata, random);
  const before = readBlock(older, block);
  const bytes = readBlock(patient.metadata, block);
  const sectors = random.between(1, METADATA_BLOCK_BYTES / SECTOR_BYTES) * SECTOR_BYTES;
  bytes.set(before.subarray(0, sectors));
  writeBlock(patient.metadata, block, bytes);
  // What differs in the sectors that were written only is whole.
  return { what: "a torn block", blocks: [block], atRest: true, mayBeOlder: true };
}

/** A block that was written over another one. */
function misplaceBlock(patient: Machine, _older: VirtualDisk, random: Random): Damage {
  const from = pickUsed(patient.metadata, random);
  const to = pickUsed(patient.metadata, random);
  writeBlock(patient.metadata, to, readBlock(patient.metadata, from));
  const blocks = from === to ? [] : [to];
  return { what: "a misplaced block", blocks, atRest: true, mayBeOlder: false };
}

function readBlock(disk: VirtualDisk, block: number): Uint8Array {
  const bytes = new Uint8Array(METADATA_BLOCK_BYTES);
  disk.read(block * METADATA_BLOCK_BYTES, bytes);
  return bytes;
}

function writeBlock(disk: VirtualDisk, block: number, bytes: Uint8Array): void {
  disk.write(block * METADATA_BLOCK_BYTES, bytes);
  disk.flush();
}

/** A block that was written. */
export function pickUsed(disk: VirtualDisk, random: Random): number {
  for (;;) {
    const block = random.below(disk.sizeBytes / METADATA_BLOCK_BYTES);
    if (readBlock(disk, block).some((byte) => byte !== 0)) return block;
  }
}

/** Look at it with the checker, with the engine, and with the repair. */
function judge(history: PoolHistory, patient: Machine, damage: Damage, sum: Counts): void {
  sum.patients += 1;
  const errors = checkPool(patient.metadata).defects.filter(({ severity }) => severity === "error");
  const reading = readPool(history, patient.copy(), false);
  const using = readPool(history, patient.copy(), true);
  const wrong = reading.wrong ?? using.wrong;
  if (wrong !== undefined) {
    const where = `${damage.what} in ${damage.blocks.join(" ")}`;
    if (!damage.mayBeOlder) throw new Error(`${where}: ${wrong}`);
    if (damage.blocks.includes(0)) sum.olderSuperblocks += 1;
    else if (errors.length === 0) sum.unseen += 1;
  }
  if (reading.refused && errors.length === 0) {
    throw new Error(`${damage.what}: the pool refuses, and the checker finds nothing`);
  }
  if (errors.length > 0) sum.seenByCheck += 1;
  if (reading.refused) sum.refused += 1;
  else if (wrong === undefined) sum.right += 1;
  if (wrong === undefined || !damage.mayBeOlder) repairAndCompare(history, patient, damage, sum);
}

interface Reading {
  readonly refused: boolean;
  /** The first thing that was read and is wrong. */
  readonly wrong: string | undefined;
}

/** Read all of it through the engine, after some changes or none. */
function readPool(history: PoolHistory, machine: Machine, change: boolean): Reading {
  let refused = false;
  let wrong: string | undefined;
  const allowed = (look: () => void): void => {
    try {
      look();
    } catch (error) {
      if (!(error instanceof ThinError)) throw error;
      if (error.code === "device-missing") wrong ??= error.message;
      else refused = true;
    }
  };
  allowed(() => {
    const pool = machine.open(!change);
    if (change) changeSome(pool, allowed);
    for (const [id, { current }] of history.devices) {
      allowed(() => {
        const device = pool.device(id);
        const sector = new Uint8Array(SECTOR_BYTES);
        for (let unit = 0; unit < DEVICE_CHUNKS; unit++) {
          allowed(() => {
            device.read(unit * CHUNK_BYTES, sector);
            const tag = decodeTags(sector, `device ${id}`)[0]!;
            if (tag === current[unit] || tag === CHANGED) return;
            wrong ??= `device ${id}: chunk ${unit} has ${tag}, not ${current[unit]}`;
          });
        }
      });
    }
    if (history.devices.size !== pool.deviceIds().length) wrong ??= "devices are missing";
  });
  return { refused, wrong };
}

const CHANGED = -1;

function changeSome(pool: ThinPool, allowed: (look: () => void) => void): void {
  const bytes = encodeTag(CHANGED, 128);
  for (const id of pool.deviceIds().slice(0, 3)) {
    allowed(() => {
      const device = pool.device(id);
      for (const unit of [3, 400]) allowed(() => device.write(unit * CHUNK_BYTES, bytes));
      device.close();
    });
    allowed(() => pool.commit());
  }
}

/** The repair must give sound metadata, and in it everything that it does not say is lost. */
function repairAndCompare(
  history: PoolHistory, patient: Machine, damage: Damage, sum: Counts,
): void {
  const target = new VirtualDisk({
    sizeBytes: METADATA_BLOCKS * METADATA_BLOCK_BYTES, random: patient.random,
  });
  let repair: Repair;
  try {
    repair = repairPool({ source: patient.metadata, target, fallback: { dataBlockSectors: 128 } });
  } catch (error) {
    if (!(error instanceof ThinError) || error.code !== "corrupt") throw error;
    sum.unrepairable += 1;
    return;
  }
  target.settle();
  const { defects } = checkPool(target);
  if (defects.length > 0) {
    throw new Error(`repair of ${damage.what}: ${defects[0]!.message}`);
  }
  sum.repaired += 1;
  // Roots that were looked for may be those of an older state; it is sound, and that is all.
  if (repair.roots.from !== "superblock") return;
  const pool = ThinPool.open({ metadata: target, data: patient.data.clone(patient.random) });
  const { metadata } = history.machine;
  const harmless = damage.atRest &&
    damage.blocks.every((block) => !holdsMappings(metadata, block));
  if (harmless && repair.lost.length > 0) {
    const { reason } = repair.lost[0]!;
    throw new Error(`repair of ${damage.what} that hit no mapping lost some: ${reason}`);
  }
  for (const [id, { current }] of history.devices) compareRepaired(pool, repair, id, current);
}

function compareRepaired(
  pool: ThinPool, repair: Repair, id: number, current: Int32Array,
): void {
  const isLost = (unit: number): boolean =>
    repair.lost.some(({ deviceId, begin, end }) =>
      (deviceId === id || deviceId === undefined) && unit >= begin &&
      (end === undefined || unit < end));
  if (!pool.deviceIds().includes(id)) {
    if (isLost(0) || repair.notes.some((note) => note.startsWith("devices from"))) return;
    throw new Error(`repair: device ${id} is gone without a word`);
  }
  const device = pool.device(id);
  const sector = new Uint8Array(SECTOR_BYTES);
  for (let unit = 0; unit < DEVICE_CHUNKS; unit++) {
    device.read(unit * CHUNK_BYTES, sector);
    const tag = decodeTags(sector, "repaired")[0]!;
    if (tag === current[unit] || (tag === 0 && isLost(unit))) continue;
    throw new Error(`repair: device ${id}: chunk ${unit} has ${tag}, not ${current[unit]}`);
  }
}

/** Whether the block, as it was, is of the trees of devices, details or mappings. */
export function holdsMappings(metadata: VirtualDisk, block: number): boolean {
  if (block === 0) return true;
  const bytes = readBlock(metadata, block);
  const view = viewOf(bytes);
  if (blockDefect(bytes, view, blockKind.node, block) !== undefined) return false;
  return !isLeaf(view) || valueBytes(view) === 8 || valueBytes(view) === 24;
}

/** One write of data is lost or goes elsewhere: that, and nothing else, is wrong afterwards. */
function lieInData(history: PoolHistory, random: Random, sum: Counts): void {
  const machine = history.machine.copy();
  const pool = machine.open();
  const id = random.pick([...history.devices.keys()]);
  const unit = random.below(DEVICE_CHUNKS);
  const fault = random.pick(["lost", "misdirected"] as const);
  machine.data.faults = (operation) => (operation === "write" ? fault : undefined);
  const device = pool.device(id);
  device.write(unit * CHUNK_BYTES, encodeTag(CHANGED, 128));
  device.close();
  machine.data.faults = undefined;
  pool.commit();
  const { defects } = checkPool(machine.metadata);
  if (defects.length > 0) throw new Error(`a lie of the data disk: ${defects[0]!.message}`);
  const hit = new Set(machine.data.lies.flatMap(chunksOf));
  sum.dataLies += machine.data.lies.length;
  const sector = new Uint8Array(SECTOR_BYTES);
  for (const [other, { current }] of history.devices) {
    const reader = pool.device(other);
    for (let at = 0; at < DEVICE_CHUNKS; at++) {
      if (hit.has(reader.lookup(at))) continue;
      reader.read(at * CHUNK_BYTES, sector);
      const expected = other === id && at === unit ? CHANGED : current[at];
      const tag = decodeTags(sector, "beside a lie")[0];
      if (tag !== expected) throw new Error(`beside a lie: device ${other}: ${at} has ${tag}`);
    }
  }
}

/** Data blocks that a write was meant for, or hit. */
function chunksOf({ offset, landed, lengthBytes }: ToldLie): number[] {
  const chunks: number[] = [];
  for (const begin of landed === undefined ? [offset] : [offset, landed]) {
    const last = Math.floor((begin + lengthBytes - 1) / CHUNK_BYTES);
    for (let chunk = Math.floor(begin / CHUNK_BYTES); chunk <= last; chunk++) chunks.push(chunk);
  }
  return chunks;
}

/** One write of metadata is lost or goes elsewhere, or one read is out of date, at work. */
function lieInMetadata(history: PoolHistory, random: Random, sum: Counts): void {
  const { metadata } = history.machine;
  const fault = random.pick(["lost", "misdirected", "stale"] as const);
  let left = random.below(12);
  metadata.faults = (operation) => {
    if (operation !== (fault === "stale" ? "read" : "write")) return undefined;
    left -= 1;
    return left === -1 ? fault : undefined;
  };
  try {
    for (let index = 0; index < LIVE_STEPS && metadata.lies.length === 0; index++) {
      step(history, random);
    }
    history.commit();
  } catch (error) {
    // It may have read back what was not written: that is how it should be noticed.
    if (!(error instanceof ThinError) || error.code !== "corrupt") throw error;
    sum.refused += 1;
    return;
  }
  metadata.faults = undefined;
  const [lie] = metadata.lies;
  if (!lie) return;
  const blocks: number[] = [];
  for (let at = 0; at < lie.lengthBytes; at += METADATA_BLOCK_BYTES) {
    blocks.push((lie.offset + at) / METADATA_BLOCK_BYTES);
    if (lie.landed !== undefined) blocks.push((lie.landed + at) / METADATA_BLOCK_BYTES);
  }
  const damage = { what: `a ${fault} transfer`, blocks, atRest: false, mayBeOlder: true };
  judge(history, history.machine.copy(), damage, sum);
}
