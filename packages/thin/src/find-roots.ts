/**
 * Finds roots of a pool's trees without a superblock that says where they are: reads every block,
 * tells nodes by their checksums, and pairs each tree of devices with one of details that has the
 * same ids. Older states of the pool are found too, as far as nothing was written over them.
 */
import { DEPTH_MAX } from "./btree.ts";
import { childAt, entryCount, isLeaf, keyAt, valueAt, valueBytes } from "./btree-node.ts";
import { DEVICE_ID_MAX, deviceDetails, MAPPING_BYTES, mappingTime } from "./mapping.ts";
import type { DeviceDetails } from "./mapping.ts";
import { newNode } from "./node-reader.ts";
import type { NodeReader } from "./node-reader.ts";

export interface RootCandidate {
  readonly mappingRoot: number;
  readonly detailsRoot: number;
  readonly deviceCount: number;
  /** Blocks that the details say are mapped, and how many of them cannot be found. */
  readonly mappedBlocks: number;
  readonly missingBlocks: number;
  /** The latest of any device and mapping. */
  readonly transactionId: number;
  readonly time: number;
}

const UNKNOWN = 0;
const SOUND = 1;
const BROKEN = 2;
const PAIRS_MAX = 1000;

/** Best first: the newest, then the most complete. */
export function findRoots(nodes: NodeReader): RootCandidate[] {
  const scan = new Scan(nodes);
  return scan.candidates().sort((a, b) =>
    b.transactionId - a.transactionId || b.time - a.time || a.missingBlocks - b.missingBlocks ||
    b.deviceCount - a.deviceCount || b.mappingRoot - a.mappingRoot || b.detailsRoot - a.detailsRoot);
}

class Scan {
  readonly #nodes: NodeReader;
  readonly #states: Uint8Array;
  /** Mappings below a node, and the latest time among them. */
  readonly #counts: Float64Array;
  readonly #times: Uint32Array;

  constructor(nodes: NodeReader) {
    this.#nodes = nodes;
    this.#states = new Uint8Array(nodes.blockCount);
    this.#counts = new Float64Array(nodes.blockCount);
    this.#times = new Uint32Array(nodes.blockCount);
  }

  candidates(): RootCandidate[] {
    const detailsByIds = new Map<string, [number, Map<number, DeviceDetails>][]>();
    const devicesFound: [number, Map<number, number>][] = [];
    const node = newNode();
    for (let block = 1; block < this.#nodes.blockCount; block++) {
      const isDetails = this.#nodes.read(block, node, deviceDetails.size) === undefined;
      if (!isDetails && this.#nodes.read(block, node, MAPPING_BYTES) !== undefined) continue;
      if (!isLeaf(node.view) || valueBytes(node.view) === deviceDetails.size) {
        const details = new Map<number, DeviceDetails>();
        const sound = this.#collect(block, deviceDetails.size, 0, (id, view, at) => {
          details.set(id, deviceDetails.decode(view, at));
          return true;
        });
        if (sound) {
          const ids = keysOf(details);
          detailsByIds.set(ids, [...(detailsByIds.get(ids) ?? []), [block, details]]);
        }
        if (isLeaf(node.view)) continue;
      }
      const roots = new Map<number, number>();
      const sound = this.#collect(block, MAPPING_BYTES, 0, (id, view, at) => {
        const root = blockNumberAt(view, at);
        roots.set(id, root);
        return root > 0 && root < this.#nodes.blockCount;
      });
      if (sound) devicesFound.push([block, roots]);
    }
    return this.#pairs(devicesFound, detailsByIds);
  }

  #pairs(
    devicesFound: readonly [number, Map<number, number>][],
    detailsByIds: ReadonlyMap<string, [number, Map<number, DeviceDetails>][]>,
  ): RootCandidate[] {
    const candidates: RootCandidate[] = [];
    // Later blocks are mostly newer.
    for (const [mappingRoot, roots] of devicesFound.toReversed()) {
      for (const [detailsRoot, details] of detailsByIds.get(keysOf(roots)) ?? []) {
        if (candidates.length === PAIRS_MAX) return candidates;
        candidates.push(this.#judge(mappingRoot, roots, detailsRoot, details));
      }
    }
    return candidates;
  }

  #judge(
    mappingRoot: number, roots: ReadonlyMap<number, number>, detailsRoot: number,
    details: ReadonlyMap<number, DeviceDetails>,
  ): RootCandidate {
    let mappedBlocks = 0;
    let missingBlocks = 0;
    let transactionId = 0;
    let time = 0;
    for (const [id, root] of roots) {
      const device = details.get(id)!;
      this.#count(root, 0);
      mappedBlocks += device.mappedBlocks;
      missingBlocks += Math.abs(device.mappedBlocks - this.#counts[root]!);
      transactionId = Math.max(transactionId, device.transactionId);
      time = Math.max(time, device.creationTime, device.snapshottedTime, this.#times[root]!);
    }
    return {
      mappingRoot, detailsRoot, deviceCount: roots.size, mappedBlocks, missingBlocks, transactionId, time,
    };
  }

  /** Each node once, whatever refers to it. What is broken counts nothing. */
  #count(block: number, depth: number): void {
    if (block >= this.#nodes.blockCount || this.#states[block] !== UNKNOWN) return;
    this.#states[block] = BROKEN;
    const node = newNode();
    if (depth > DEPTH_MAX || this.#nodes.read(block, node, MAPPING_BYTES) !== undefined) return;
    this.#states[block] = SOUND;
    const { view } = node;
    const count = entryCount(view);
    if (isLeaf(view)) this.#counts[block] = count;
    for (let index = 0; index < count; index++) {
      let time = 0;
      if (isLeaf(view)) {
        time = mappingTime(view, valueAt(view, index));
      } else {
        const child = childAt(view, index);
        this.#count(child, depth + 1);
        this.#counts[block]! += this.#counts[child] ?? 0;
        time = this.#times[child] ?? 0;
      }
      if (time > this.#times[block]!) this.#times[block] = time;
    }
  }

  /** False when something is not sound or `visit` says so, or a key is no device id. */
  #collect(
    block: number, valueSize: number, depth: number,
    visit: (id: number, view: DataView, at: number) => boolean,
  ): boolean {
    const node = newNode();
    if (depth > DEPTH_MAX || this.#nodes.read(block, node, valueSize) !== undefined) return false;
    const { view } = node;
    const count = entryCount(view);
    for (let index = 0; index < count; index++) {
      const key = keyAt(view, index);
      if (key > DEVICE_ID_MAX) return false;
      const sound = isLeaf(view)
        ? visit(key, view, valueAt(view, index))
        : this.#collect(childAt(view, index), valueSize, depth + 1, visit);
      if (!sound) return false;
    }
    return true;
  }
}

function blockNumberAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) === 0 ? view.getUint32(at, true) : 0;
}

function keysOf(map: ReadonlyMap<number, unknown>): string {
  return [...map.keys()].join(",");
}
