/**
 * What a pool has to be after everything stopped and was started again: sound by the checker, in
 * the state before or after the message that was under way, and each device as the model allows.
 */
import { checkPool } from "./check-pool.ts";
import type { BlockDevice } from "./block-device.ts";
import { decodeTags, SECTOR_BYTES } from "./pool-model.sim.ts";
import type { DeviceModel } from "./pool-model.sim.ts";
import type { ThinDevice } from "./thin-device.ts";
import type { ThinPool } from "./thin-pool.ts";

export interface PoolState {
  readonly devices: ReadonlyMap<number, DeviceModel>;
  readonly transactionId: number;
}

interface SectorRange {
  readonly deviceId: number;
  readonly begin: number;
  readonly end: number;
}

/** What was being done when it all stopped. */
export type InFlight =
  | { readonly kind: "nothing" }
  | ({ readonly kind: "sectors" } & SectorRange)
  | { readonly kind: "messages"; readonly before: PoolState };

export interface Expectation {
  readonly now: PoolState;
  /** What may be there instead, because the message after it failed. */
  readonly doubted: PoolState | undefined;
  readonly inFlight: InFlight;
  readonly deviceUnits: number;
  /** Sectors from one sector of the model to the next: 1, or those of a chunk. */
  readonly unitSectors: number;
}

/** What was found, which is as good as what was there. */
export interface Found {
  readonly state: PoolState;
  readonly contents: ReadonlyMap<number, Int32Array>;
}

/** Compare the whole pool. With `processOnly` nothing that was acknowledged may be gone. */
export function requireExpected(
  pool: ThinPool, expectation: Expectation, where: string, processOnly: boolean,
): Found {
  const state = matchState(pool, expectation, where);
  const { inFlight } = expectation;
  const messageDone = inFlight.kind === "messages" && state === expectation.now;
  const contents = new Map<number, Int32Array>();
  for (const [id, model] of state.devices) {
    const device = pool.device(id);
    const found = readUnits(device, expectation, `${where}: device ${id}`);
    device.close();
    contents.set(id, found);
    model.requirePossible(found, `${where}: device ${id}`);
    if (!processOnly) {
      if (messageDone) model.requireDurable(found, `${where}: device ${id}`);
      continue;
    }
    const hit = inFlight.kind === "sectors" && inFlight.deviceId === id ? inFlight : undefined;
    model.requireCurrent(found, `${where}: device ${id}`, hit?.begin, hit?.end);
  }
  return { state, contents };
}

function matchState(
  pool: ThinPool, { now, doubted, inFlight }: Expectation, where: string,
): PoolState {
  const ids = pool.deviceIds().join(" ");
  const { transactionId } = pool.status();
  const candidates = [now];
  if (doubted) candidates.push(doubted);
  if (inFlight.kind === "messages") candidates.push(inFlight.before);
  for (const state of candidates) {
    if (state.transactionId === transactionId && idsOf(state) === ids) return state;
  }
  throw new Error(
    `${where}: devices are ${ids} at transaction ${transactionId}, not ` +
      candidates.map((state) => `${idsOf(state)} at ${state.transactionId}`).join(" or "),
  );
}

function idsOf({ devices }: PoolState): string {
  return [...devices.keys()].toSorted((left, right) => left - right).join(" ");
}

type Shape = Pick<Expectation, "deviceUnits" | "unitSectors">;

export function readUnits(
  device: ThinDevice, { deviceUnits, unitSectors }: Shape, where: string,
): Int32Array {
  const bytes = new Uint8Array(deviceUnits * SECTOR_BYTES);
  if (unitSectors === 1) {
    device.read(0, bytes);
  } else {
    for (let unit = 0; unit < deviceUnits; unit++) {
      if (device.lookup(unit) < 0) continue;
      const at = unit * SECTOR_BYTES;
      device.read(unit * unitSectors * SECTOR_BYTES, bytes.subarray(at, at + SECTOR_BYTES));
    }
  }
  return decodeTags(bytes, where);
}

/** No defect but a set needs_check, and if `leaks` space that is held and not used. */
export function requireClean(metadata: BlockDevice, where: string, leaks = false): void {
  const { defects } = checkPool(metadata);
  const bad = defects.filter(({ severity, message }) =>
    !(severity === "note" && message.includes("needs_check")) && !(leaks && severity === "leak"));
  if (bad.length === 0) return;
  throw new Error(`${where}: ${bad.map(({ message }) => message).join("; ")}`);
}
