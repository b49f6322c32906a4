/** Random histories of a pool: everything users do to it, and everything that goes wrong. */
import type { FaultPlan, Random, Scenario } from "@mortar/sim";
import { CHUNK_SECTORS, PoolHistory } from "./pool-history.sim.ts";
import type { PoolMessage } from "./pool-options.ts";

const OPERATIONS = 80;
const DEVICES_MAX = 6;
/** Disk operations that one operation of a pool may take: where a cut may fall. */
const CUT_RANGES = [2, 6, 14] as const;

type Step = (history: PoolHistory, random: Random) => void;

const steps: readonly { readonly weight: number; readonly step: Step }[] = [
  { weight: 30, step: writeSome },
  { weight: 8, step: writeLong },
  { weight: 8, step: discardSome },
  { weight: 4, step: zeroSome },
  { weight: 8, step: (history) => history.commit() },
  { weight: 6, step: changeDevices },
  { weight: 1, step: (history, random) => history.grow(random.below(12), random.below(30)) },
  { weight: 1, step: (history) => history.holdRoot() },
];

export const scenario: Scenario = {
  name: "thin",
  run(random) {
    const history = new PoolHistory({
      random,
      metadataBlocks: random.pick([64, 100, 300]),
      dataChunks: random.pick([12, 30, 60]),
      deviceChunks: random.pick([4, 12]),
      journalRecords: random.pick([3, 20, 500]),
      discards: random.pick(["passdown", "passdown", "nopassdown", "ignore"] as const),
    });
    history.transact([{ kind: "create-thin", deviceId: 1 }]);
    // Not all that can go wrong goes wrong in every history.
    const cuts = random.pick([0, 0.1, 0.3]);
    const kills = random.pick([0, 0.1, 0.3]);
    const faults = random.pick([0, 0, 0.1]);
    for (let index = 0; index < OPERATIONS; index++) {
      if (history.devices.size === 0) history.transact([{ kind: "create-thin", deviceId: 1 }]);
      const step = pickStep(random);
      const change = (): void => {
        if (history.devices.size > 0) step(history, random);
      };
      if (random.chance(cuts)) history.powerCut(random.below(random.pick(CUT_RANGES)), change);
      else if (random.chance(kills)) history.kill(random.below(random.pick(CUT_RANGES)), change);
      else if (random.chance(faults)) withFaults(history, random, change);
      else change();
    }
    history.verify("at the end");
    history.commit();
    history.requireClean("at the end");
    return history.counts;
  },
};

function pickStep(random: Random): Step {
  let left = random.below(steps.reduce((sum, { weight }) => sum + weight, 0));
  for (const { weight, step } of steps) {
    left -= weight;
    if (left < 0) return step;
  }
  throw new RangeError("weights do not add up");
}

/** Some sectors, often of one chunk, often aligned to it. */
function extent(history: PoolHistory, random: Random, chunksMax: number): [number, number] {
  const chunks = history.deviceSectors / CHUNK_SECTORS;
  const first = random.below(chunks);
  const end = Math.min(first + 1 + random.below(chunksMax), chunks);
  const begin = random.chance(0.4)
    ? first * CHUNK_SECTORS
    : random.between(first * CHUNK_SECTORS, (first + 1) * CHUNK_SECTORS);
  const last =
    random.chance(0.4) ? end * CHUNK_SECTORS : random.between(begin + 1, end * CHUNK_SECTORS + 1);
  return [begin, Math.max(last, begin + 1) - begin];
}

function pickDevice(history: PoolHistory, random: Random): number {
  return random.pick([...history.devices.keys()]);
}

function writeSome(history: PoolHistory, random: Random): void {
  history.write(pickDevice(history, random), ...extent(history, random, 1));
}

function writeLong(history: PoolHistory, random: Random): void {
  history.write(pickDevice(history, random), ...extent(history, random, 4));
}

function discardSome(history: PoolHistory, random: Random): void {
  history.discard(pickDevice(history, random), ...extent(history, random, random.pick([1, 3, 12])));
}

function zeroSome(history: PoolHistory, random: Random): void {
  history.zero(pickDevice(history, random), ...extent(history, random, 3));
}

function changeDevices(history: PoolHistory, random: Random): void {
  const ids = [...history.devices.keys()];
  const free = Array.from({ length: DEVICES_MAX }, (_, index) => index + 1)
    .filter((id) => !history.devices.has(id));
  const messages: PoolMessage[] = [];
  if (free.length === 0 || (ids.length > 1 && random.chance(0.35))) {
    messages.push({ kind: "delete", deviceId: random.pick(ids) });
  } else {
    const deviceId = random.pick(free);
    const originId = random.pick(ids);
    messages.push(
      random.chance(0.3) ? { kind: "create-thin", deviceId } : { kind: "create-snapshot", deviceId, originId },
    );
  }
  history.transact(messages);
}

/** Let disk operations fail while one thing is done, and see the pool recover. */
function withFaults(history: PoolHistory, random: Random, change: () => void): void {
  const rate = random.pick([0.05, 0.3]);
  const plan: FaultPlan = (operation) =>
    operation !== "read" && random.chance(rate) ? random.pick(["EIO", "ENOSPC"] as const) : undefined;
  const disks = random.pick([[history.data], [history.metadata], [history.data, history.metadata]]);
  for (const disk of disks) disk.faults = plan;
  try {
    change();
  } finally {
    for (const disk of disks) disk.faults = undefined;
  }
  history.recover();
}
