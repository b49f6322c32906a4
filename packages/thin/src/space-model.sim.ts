/** The naive books: for each data block, the set of who owns it. */
import type { DeviceSpace } from "./space-accounting.ts";
import type { SpaceEvents } from "./space-events.ts";

interface Run {
  readonly begin: number;
  readonly count: number;
}

/** In the place of a device: the metadata snapshot. */
const HELD = -1;

export class SpaceModel implements SpaceEvents {
  isHeld = false;
  readonly #devices = new Set<number>();
  readonly #owners = new Map<number, Set<number>>();

  /** From the mappings of each device; `held` has those of a metadata snapshot. */
  static of(
    devices: ReadonlyMap<number, readonly number[]>, held: readonly number[] = [],
  ): SpaceModel {
    const model = new SpaceModel();
    for (const [deviceId, blocks] of devices) {
      model.#devices.add(deviceId);
      for (const block of blocks) model.#add(block, deviceId);
    }
    for (const block of held) model.#add(block, HELD);
    return model;
  }

  provisioned(deviceId: number, dataBlock: number, count: number): void {
    for (let block = dataBlock; block < dataBlock + count; block++) this.#add(block, deviceId);
  }

  unmapped(deviceId: number, dataBlock: number, count: number): void {
    for (let block = dataBlock; block < dataBlock + count; block++) this.#remove(block, deviceId);
  }

  created(deviceId: number): void {
    this.#devices.add(deviceId);
  }

  snapshotted(deviceId: number, originId: number): void {
    this.#devices.add(deviceId);
    for (const owners of this.#owners.values()) if (owners.has(originId)) owners.add(deviceId);
  }

  deleted(deviceId: number): void {
    this.#devices.delete(deviceId);
    for (const block of this.#owners.keys()) this.#remove(block, deviceId);
  }

  held(): void {
    this.isHeld = true;
    for (const owners of this.#owners.values()) owners.add(HELD);
  }

  released(): void {
    this.isHeld = false;
    for (const block of this.#owners.keys()) this.#remove(block, HELD);
  }

  lost(): void {
    throw new Error("a model goes back to nothing");
  }

  deviceIds(): number[] {
    return [...this.#devices].toSorted((left, right) => left - right);
  }

  all(): DeviceSpace[] {
    return this.deviceIds().map((deviceId) => {
      let mappedBlocks = 0;
      for (const owners of this.#owners.values()) if (owners.has(deviceId)) mappedBlocks += 1;
      return { deviceId, mappedBlocks, exclusiveBlocks: this.freedBy([deviceId]) };
    });
  }

  freedBy(deviceIds: readonly number[]): number {
    let freed = 0;
    for (const owners of this.#owners.values()) {
      if ([...owners].every((owner) => deviceIds.includes(owner))) freed += 1;
    }
    return freed;
  }

  usedBlocks(): number {
    return this.#owners.size;
  }

  /** Blocks of nobody from `begin` on, `countMax` at most. */
  freeRun(begin: number, countMax: number): Run | undefined {
    return runWhile(begin, countMax, (block) => !this.#owners.has(block));
  }

  ownedRun(deviceId: number, begin: number, countMax: number): Run | undefined {
    return runWhile(begin, countMax, (block) => this.#owners.get(block)?.has(deviceId) === true);
  }

  #add(block: number, owner: number): void {
    const owners = this.#owners.get(block);
    if (owners) owners.add(owner);
    else this.#owners.set(block, new Set([owner]));
  }

  #remove(block: number, owner: number): void {
    const owners = this.#owners.get(block)!;
    owners.delete(owner);
    if (owners.size === 0) this.#owners.delete(block);
  }
}

function runWhile(
  begin: number, countMax: number, fits: (block: number) => boolean,
): Run | undefined {
  let count = 0;
  while (count < countMax && fits(begin + count)) count += 1;
  return count === 0 ? undefined : { begin, count };
}
