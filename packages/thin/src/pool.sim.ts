/** Random histories of a pool: everything users do to it, and everything that goes wrong. */
import type { DiskFault, FaultPlan, Random, Scenario } from "@mortar/sim";
import { PoolHistory } from "./pool-history.sim.ts";
import type { Layout } from "./pool-layout.sim.ts";
import { CHUNK_BYTES, CHUNK_SECTORS, SETTLING_PAIRS } from "./pool-machine.sim.ts";
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
  { weight: 1, step: growSome },
  { weight: 1, step: (history) => history.holdRoot() },
  { weight: 1, step: (history) => history.visitReadOnly() },
];

const exploration = { settlings: SETTLING_PAIRS, nestedShare: 0.3, usedShare: 0.1 };

export const scenario: Scenario = {
  name: "thin",
  run: (random) => live(random, () => undefined),
};

/** One history, on a machine laid out so. */
export function live(
  random: Random, layoutOf: (metadataBytes: number, dataBytes: number) => Layout | undefined,
): Readonly<Record<string, number>> {
  const metadataBlocks = random.pick([64, 100, 300]);
  const dataChunks = random.pick([12, 30, 60]);
  const layout = layoutOf(metadataBlocks * 4096, dataChunks * CHUNK_BYTES);
  const history = new PoolHistory({
    random, metadataBlocks, dataChunks,
    deviceChunks: random.pick([4, 12]),
    journalRecords: random.pick([3, 20, 500]),
    discards: random.pick(["passdown", "passdown", "nopassdown", "ignore"] as const),
    canZero: random.seed % 2 === 1,
    ...(layout && { layout }),
  });
  history.transact([{ kind: "create-thin", deviceId: 1 }]);
  // Not all that can go wrong goes wrong in every history.
  const rates = {
    cuts: random.pick([0, 0.1, 0.3]),
    kills: random.pick([0, 0.1, 0.3]),
    faults: random.pick([0, 0.1, 0.4]),
    explored: random.pick([0, 0.05, 0.2]),
  };
  for (let index = 0; index < OPERATIONS; index++) {
    if (history.devices.size === 0) history.transact([{ kind: "create-thin", deviceId: 1 }]);
    const change = (): void => {
      if (history.devices.size > 0) pickStep(random)(history, random);
    };
    const cutAt = (): number => random.below(random.pick(CUT_RANGES));
    switch (pickTrouble(random, rates)) {
      case "power cut":
        history.powerCut(cutAt(), change);
        break;
      case "kill":
        history.kill(cutAt(), change);
        break;
      case "faults":
        withFaults(history, random, change);
        // It may have become read-only, and people work on until somebody looks at it.
        while (history.isReadOnly && random.chance(0.7)) change();
        history.recover();
        break;
      case "faults to the end": {
        const end = random.pick(["powerCut", "kill"] as const);
        history[end](random.below(14), () => withFaults(history, random, change));
        break;
      }
      case "every end":
        history.explore(exploration, change);
        break;
      case "none":
        change();
    }
  }
  history.verify("at the end");
  history.commit();
  history.requireClean("at the end");
  return history.counts;
}

interface Rates {
  readonly cuts: number;
  readonly kills: number;
  readonly faults: number;
  readonly explored: number;
}

type Trouble = "power cut" | "kill" | "faults" | "faults to the end" | "every end" | "none";

function pickTrouble(random: Random, { cuts, kills, faults, explored }: Rates): Trouble {
  if (random.chance(cuts)) return "power cut";
  if (random.chance(kills)) return "kill";
  if (random.chance(faults)) return "faults";
  if (random.chance(faults)) return "faults to the end";
  return random.chance(explored) ? "every end" : "none";
}

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
  const chunks = history.deviceUnits / CHUNK_SECTORS;
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

function growSome(history: PoolHistory, random: Random): void {
  // Disks that both devices lie on in runs do not grow.
  if (!history.machine.options.layout) history.grow(random.below(12), random.below(30));
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
      random.chance(0.3)
        ? { kind: "create-thin", deviceId }
        : { kind: "create-snapshot", deviceId, originId },
    );
  }
  // Several at once, as LVM's text metadata can hold them: all are done, or none.
  if (random.chance(0.2)) addMessages(messages, new Set(ids), random);
  history.transact(messages);
}

function addMessages(messages: PoolMessage[], ids: Set<number>, random: Random): void {
  for (const message of messages) {
    if (message.kind === "delete") ids.delete(message.deviceId);
    else if (message.kind !== "set-transaction-id") ids.add(message.deviceId);
  }
  for (let index = 0; index < 3; index++) {
    const deviceId = random.between(1, DEVICES_MAX + 1);
    if (ids.has(deviceId)) {
      messages.push({ kind: "delete", deviceId });
      ids.delete(deviceId);
    } else {
      const origins = [...ids];
      messages.push(origins.length > 0 && random.chance(0.7)
        ? { kind: "create-snapshot", deviceId, originId: random.pick(origins) }
        : { kind: "create-thin", deviceId });
      ids.add(deviceId);
    }
  }
}

/** Let disk operations fail while one thing is done. */
function withFaults(history: PoolHistory, random: Random, change: () => void): void {
  const rate = random.pick([0.05, 0.3]);
  const kinds: readonly DiskFault[] =
    random.pick([["EIO", "ENOSPC"], ["ENOSPC", "short"], ["EIO", "short"]]);
  const reads = random.chance(0.3);
  const plan: FaultPlan = (operation) =>
    (reads || operation !== "read") && random.chance(rate) ? random.pick(kinds) : undefined;
  const { data, metadata } = history.machine;
  const disks = random.pick([[data], [metadata], [data, metadata]]);
  for (const disk of disks) disk.faults = plan;
  try {
    change();
  } finally {
    for (const disk of disks) disk.faults = undefined;
  }
}
