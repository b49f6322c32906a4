/**
 * The books of a pool as one committed state has them, read from its trees. What the engine changed
 * since is then told as events.
 *
 * The trees of that state have to stay on the device while they are read: `ThinPool.follow` sees to
 * it for a pool that is in use.
 */
import type { BlockDevice } from "./block-device.ts";
import { OwnerClasses } from "./owner-classes.ts";
import { OwnerSurvey } from "./owner-survey.ts";
import { PoolReader, readSuperblock } from "./pool-reader.ts";
import { SpaceAccounting } from "./space-accounting.ts";
import { decodeSuperblock } from "./superblock.ts";
import type { Superblock } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";
import { VersionForest } from "./version-forest.ts";

export interface ScanOptions {
  readonly metadata: BlockDevice;
  /** The superblock of the state to read; without it, the one on the device. */
  readonly superblock?: Uint8Array;
  /** Called every few hundred nodes. What it throws ends the scan. */
  readonly onPause?: () => void;
}

const DATA_BLOCKS_MAX = 2 ** 34;

/** Throws "corrupt" at the first damage, "unsupported" for what no engine makes. */
export function scanSpace({ metadata, superblock, onPause }: ScanOptions): SpaceAccounting {
  const base =
    superblock === undefined ? readSuperblock(metadata, 0) : decodeSuperblock(superblock, 0);
  const pool = new PoolReader({ metadata, superblock: base });
  const devices = pool.devices().toSorted((left, right) =>
    left.details.creationTime - right.details.creationTime || left.id - right.id);
  const forest = new VersionForest();
  const roots = devices.map(({ root }) => root);
  const nodes = devices.map(({ id }) => forest.create(id));
  const held = heldRoots(metadata, base);
  nodes.push(held.length === 0 ? 0 : forest.createHeld());
  const survey = new OwnerSurvey({
    nodes: pool.nodes,
    dataBlockCount: requireBlockCount(base),
    ownerCount: nodes.length,
    heldPosition: devices.length,
    onPause: onPause ?? (() => undefined),
  });
  for (const [position, root] of roots.entries()) survey.addRoot(root, position);
  for (const root of held) survey.addRoot(root, devices.length);
  survey.run();
  return new SpaceAccounting({
    forest, sets: survey.sets, nodes: Uint32Array.from(nodes), table: survey.table,
    classes: classesOf(survey, nodes),
  });
}

/** A metadata snapshot keeps its blocks as one more owner would. */
function heldRoots(metadata: BlockDevice, { heldRoot }: Superblock): number[] {
  if (heldRoot === 0) return [];
  const superblock = readSuperblock(metadata, heldRoot);
  return new PoolReader({ metadata, superblock }).devices().map(({ root }) => root);
}

function requireBlockCount({ dataSpaceMap: { blockCount } }: Superblock): number {
  if (blockCount <= DATA_BLOCKS_MAX) return blockCount;
  throw new ThinError(
    "unsupported", `the pool has ${blockCount} chunks; 2^34 can be accounted for`,
  );
}

/** From sets, by which the scan counted, to classes. */
function classesOf(survey: OwnerSurvey, nodes: readonly number[]): OwnerClasses {
  const { sets, table, blocks } = survey;
  const classes = new OwnerClasses();
  const map = new Uint32Array(sets.size);
  for (let set = 1; set < sets.size; set++) {
    const count = blocks[set] ?? 0;
    if (count === 0) continue;
    const one = sets.isSingle(set) ? classes.bornAt(nodes[set - 1]!) : classes.ofSet(set);
    classes.blocks[one] = count;
    map[set] = one;
  }
  table.remap(map);
  return classes;
}
