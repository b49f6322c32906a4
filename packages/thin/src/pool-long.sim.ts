/**
 * Long lives of larger pools: thousands of mappings, so that trees split and merge; a hundred
 * snapshots and more; a journal that gets full, a pool that gets full and grows, metadata that
 * grows; visits without the right to write, metadata snapshots, needs_check, repairs of damaged
 * space maps; and power cuts and kills all along.
 */
import type { Random, Scenario } from "@mortar/sim";
import { VirtualDisk } from "@mortar/sim";
import { checkPool } from "./check-pool.ts";
import { PoolHistory } from "./pool-history.sim.ts";
import { holdsMappings, pickUsed } from "./pool-rot.sim.ts";
import { repairPool } from "./repair-pool.ts";

const DEVICE_CHUNKS = 2000;
const STEPS = 250;

export const scenario: Scenario = {
  name: "thin-long",
  run(random) {
    const history = new PoolHistory({
      random, metadataBlocks: 350, dataChunks: 1700, deviceChunks: DEVICE_CHUNKS,
      journalRecords: random.pick([50, 400]),
      discards: random.pick(["passdown", "nopassdown"] as const),
      chunksOnly: true, zeroNewBlocks: random.chance(0.5),
    });
    const extra = { grown: 0, repairs: 0 };
    history.transact([{ kind: "create-thin", deviceId: 1 }]);
    fill(history, random);
    // Enough of them that the trees of devices split too.
    const snapshots = random.pick([110, 110, 140, 260]);
    for (let index = 0; index < snapshots; index++) {
      addSnapshot(history, random);
      if (random.chance(0.3)) writeSome(history, random);
      makeRoom(history, random, extra);
    }
    for (let index = 0; index < STEPS; index++) {
      liveOn(history, random, extra);
      makeRoom(history, random, extra);
    }
    history.verify("at the end");
    history.commit();
    history.requireClean("at the end");
    removeAll(history);
    return { ...history.counts, ...extra };
  },
};

interface Extra {
  grown: number;
  repairs: number;
}

/** Every place of the device, in no order: leaves split wherever they can. */
function fill(history: PoolHistory, random: Random): void {
  const places = Array.from({ length: DEVICE_CHUNKS / 5 }, (_, index) => index * 5);
  while (places.length > 0) {
    const at = random.below(places.length);
    const unit = places[at]!;
    places[at] = places.at(-1)!;
    places.pop();
    history.write(1, unit, 1 + random.below(5));
  }
  history.commit();
}

function liveOn(history: PoolHistory, random: Random, extra: Extra): void {
  const kind = random.below(100);
  const change = (): void => changeSome(history, random);
  if (kind < 3) history.powerCut(random.below(12), change);
  else if (kind < 6) history.kill(random.below(12), change);
  else if (kind === 6) history.visitReadOnly();
  else if (kind === 7) history.holdRoot();
  else if (kind === 8) failMetadata(history, random);
  else if (kind === 9) repairSpaceMaps(history, random, extra);
  else if (kind < 13) history.commit();
  else change();
}

function changeSome(history: PoolHistory, random: Random): void {
  const kind = random.below(10);
  if (kind === 0 && history.devices.size < 280) addSnapshot(history, random);
  else if (kind === 1 && history.devices.size > 100) {
    history.transact([{ kind: "delete", deviceId: random.pick([...history.devices.keys()]) }]);
  } else if (kind < 4) {
    // Long enough that whole leaves go, and neighbours merge.
    const unit = random.below(DEVICE_CHUNKS);
    const count = Math.min(1 + random.below(random.pick([5, 800])), DEVICE_CHUNKS - unit);
    history.discard(random.pick([...history.devices.keys()]), unit, count);
  } else writeSome(history, random);
}

function writeSome(history: PoolHistory, random: Random): void {
  const unit = random.below(DEVICE_CHUNKS);
  const count = Math.min(1 + random.below(8), DEVICE_CHUNKS - unit);
  history.write(random.pick([...history.devices.keys()]), unit, count);
}

function addSnapshot(history: PoolHistory, random: Random): void {
  const ids = [...history.devices.keys()];
  const deviceId = Math.max(...ids) + 1;
  history.transact([{ kind: "create-snapshot", deviceId, originId: random.pick(ids) }]);
}

/** What a pool that is nearly full gets from whoever looks after it. */
function makeRoom(history: PoolHistory, random: Random, extra: Extra): void {
  const status = history.pool.status();
  const chunks = status.mode === "out-of-data-space" ? 300 : 0;
  // Sometimes only when it is too late: changes were refused then, and all is well.
  const short = status.usedMetadataBlocks > status.totalMetadataBlocks * 0.8;
  const blocks = short && random.chance(0.05) ? 200 : 0;
  if (chunks + blocks === 0) return;
  history.grow(chunks, blocks);
  extra.grown += 1;
}

function failMetadata(history: PoolHistory, random: Random): void {
  const { metadata } = history.machine;
  metadata.faults = (operation) => (operation !== "read" && random.chance(0.5) ? "EIO" : undefined);
  try {
    changeSome(history, random);
    history.commit();
  } finally {
    metadata.faults = undefined;
  }
  history.recover();
}

/** A block that holds no mappings rots; the repair has to bring back all there was. */
function repairSpaceMaps(history: PoolHistory, random: Random, extra: Extra): void {
  history.replaceMetadata((metadata) => {
    let block = pickUsed(metadata, random);
    for (let tries = 0; holdsMappings(metadata, block); tries++) {
      if (tries === 100) return undefined;
      block = pickUsed(metadata, random);
    }
    metadata.flipBit(block * 4096 + random.below(4096), random.below(8));
    const target = new VirtualDisk({ sizeBytes: metadata.sizeBytes, random });
    const { lost } = repairPool({ source: metadata, target });
    if (lost.length > 0) throw new Error(`repair lost what was there: ${lost[0]!.reason}`);
    const { defects } = checkPool(target);
    if (defects.length > 0) throw new Error(`repaired: ${defects[0]!.message}`);
    extra.repairs += 1;
    return target;
  });
}

/** Deleting everything gives everything back. */
function removeAll(history: PoolHistory): void {
  if (history.pool.status().heldRoot !== undefined) history.holdRoot();
  for (const deviceId of history.devices.keys()) history.transact([{ kind: "delete", deviceId }]);
  history.commit();
  history.requireClean("with all devices deleted");
  const { usedDataBlocks } = history.pool.status();
  if (usedDataBlocks === 0) return;
  throw new Error(`${usedDataBlocks} chunks are in use by no device`);
}
