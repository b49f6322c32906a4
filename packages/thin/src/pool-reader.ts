/** Reads the devices of a pool and their mappings, as they were committed, without opening it. */
import { readU64le } from "@mortar/binary";
import { guardIo } from "./block-cache.ts";
import type { BlockDevice } from "./block-device.ts";
import { keyAt, valueAt } from "./btree-node.ts";
import { LeafCursor } from "./leaf-cursor.ts";
import { deviceDetails, MAPPING_BYTES } from "./mapping.ts";
import type { DeviceDetails } from "./mapping.ts";
import { MappingRuns } from "./mapping-runs.ts";
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import { NodeReader } from "./node-reader.ts";
import { decodeSuperblock, newBlock } from "./superblock.ts";
import type { Superblock } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";

export interface ReadOptions {
  readonly metadata: BlockDevice;
  /** Read the metadata snapshot, which stays as it is while the pool is in use. */
  readonly fromSnapshot?: boolean;
  /** Read the trees of this one, which somebody keeps from being overwritten. */
  readonly superblock?: Superblock;
}

export interface DeviceRoot {
  readonly id: number;
  /** Root of its mappings. */
  readonly root: number;
  readonly details: DeviceDetails;
}

export class PoolReader {
  /** Of the metadata snapshot when that is read; its space maps are empty then. */
  readonly superblock: Superblock;
  readonly nodes: NodeReader;

  /** Throws "snapshot-missing", "corrupt" and what `decodeSuperblock` throws. */
  constructor({ metadata, fromSnapshot = false, superblock }: ReadOptions) {
    const live = superblock ?? readSuperblock(metadata, 0);
    if (fromSnapshot && live.heldRoot === 0) {
      throw new ThinError("snapshot-missing", "the pool has no metadata snapshot");
    }
    this.superblock = fromSnapshot ? readSuperblock(metadata, live.heldRoot) : live;
    this.nodes = new NodeReader(metadata);
  }

  /** In ascending order of their ids. Throws "corrupt" at the first damage. */
  devices(): DeviceRoot[] {
    const roots = new Map<number, number>();
    const { mappingRoot, detailsRoot } = this.superblock;
    this.#each("devices", mappingRoot, MAPPING_BYTES, (id, view, at) => {
      roots.set(id, readU64le(view, at));
    });
    const devices: DeviceRoot[] = [];
    this.#each("device details", detailsRoot, deviceDetails.size, (id, view, at) => {
      const root = roots.get(id);
      if (root === undefined) {
        throw new ThinError("corrupt", `device ${id} has details but no mappings; check the pool`);
      }
      devices.push({ id, root, details: deviceDetails.decode(view, at) });
    });
    return devices;
  }

  /** Throws "device-missing". */
  device(id: number): DeviceRoot {
    const found = this.devices().find((device) => device.id === id);
    if (!found) throw new ThinError("device-missing", `the pool has no device ${id}`);
    return found;
  }

  leaves(device: DeviceRoot): LeafCursor {
    const name = `mappings of device ${device.id}`;
    return new LeafCursor(this.nodes, { name, root: device.root, valueSize: MAPPING_BYTES });
  }

  runs(device: DeviceRoot): MappingRuns {
    return new MappingRuns(this.leaves(device));
  }

  #each(
    name: string, root: number, valueSize: number,
    visit: (key: number, view: DataView, at: number) => void,
  ): void {
    const leaves = new LeafCursor(this.nodes, { name, root, valueSize });
    while (leaves.next()) {
      for (let index = 0; index < leaves.count; index++) {
        visit(keyAt(leaves.view, index), leaves.view, valueAt(leaves.view, index));
      }
    }
  }
}

export function readSuperblock(metadata: BlockDevice, block: number): Superblock {
  const bytes = newBlock();
  guardIo(`reading metadata block ${block}`, () => metadata.read(block * METADATA_BLOCK_BYTES, bytes));
  return decodeSuperblock(bytes, block);
}
