/**
 * Metadata from thin_dump's XML, read once from front to back. Mappings have to ascend within a
 * device, as they do in every dump; then nothing but reference counts is kept in memory.
 *
 *     superblock: device*                       device: (single_mapping | range_mapping | ref)*
 *                 def*, before the devices      def:    (single_mapping | range_mapping)*
 *
 * A `def` is a part of a tree that several devices share, under a name that each `ref` says. Later
 * versions of thin_dump write them; they keep the restored pool as small as the dumped one was.
 */
import type { BlockDevice } from "./block-device.ts";
import { requireOverrides } from "./geometry-overrides.ts";
import type { GeometryOverrides } from "./geometry-overrides.ts";
import { DEVICE_ID_MAX, deviceDetails, MAPPING_BYTES, writeMapping } from "./mapping.ts";
import type { DeviceDetails } from "./mapping.ts";
import { MetadataBuilder } from "./metadata-builder.ts";
import type { PoolGeometry } from "./metadata-builder.ts";
import { requireDataBlockSectors } from "./superblock.ts";
import { TreeBuilder } from "./tree-builder.ts";
import { writeU64le } from "@mortar/binary";
import { XmlTags } from "./xml-tags.ts";
import type { ReadText, XmlTag } from "./xml-tags.ts";

export interface RestoreOptions {
  /** Is overwritten from its first block on. */
  readonly metadata: BlockDevice;
  readonly read: ReadText;
  readonly overrides?: GeometryOverrides | undefined;
}

export interface Restored {
  readonly deviceCount: number;
  readonly mappingCount: number;
  readonly usedMetadataBlocks: number;
}

const U32_MAX = 0xffff_ffff;
const DATA_BLOCKS_MAX = 2 ** 40;
const DEFINITIONS_MAX = 2 ** 22;

/**
 * Throws "invalid-argument" with the line that is wrong, and "metadata-full"; the target then holds
 * no pool. What a device says of its own size is not believed: mappings are counted.
 */
export function restoreXml(options: RestoreOptions): Restored {
  requireOverrides(options.overrides ?? {});
  return new Restore(options).run();
}

interface RestoredDevice {
  readonly id: number;
  readonly root: number;
  readonly details: DeviceDetails;
}

interface Definition {
  readonly leaves: readonly { readonly firstKey: number; readonly block: number }[];
  /** The first one who refers to it has the reference that every new block has. */
  used: boolean;
  readonly firstKey: number;
  /** Behind the last. */
  readonly endKey: number;
  readonly count: number;
}

class Restore {
  readonly #tags: XmlTags;
  readonly #options: RestoreOptions;
  readonly #definitions = new Map<string, Definition>();
  readonly #devices = new Map<number, RestoredDevice>();
  #builder!: MetadataBuilder;
  #geometry!: PoolGeometry;
  #endKey = 0;
  #count = 0;
  #mappingCount = 0;

  constructor(options: RestoreOptions) {
    this.#options = options;
    this.#tags = new XmlTags(options.read);
  }

  run(): Restored {
    const first = this.#tags.next();
    if (first?.name !== "superblock" || first.kind === "close") {
      this.#tags.reject("this is no dump of a thin pool: it does not begin with <superblock>");
    }
    this.#geometry = this.#readGeometry(first);
    this.#builder = new MetadataBuilder(this.#options.metadata);
    this.#builder.requireDataBlockCount(this.#geometry.dataBlockCount);
    if (first.kind === "open") this.#readPool();
    if (this.#tags.next()) this.#tags.reject("there is something after </superblock>");
    this.#finish();
    return {
      deviceCount: this.#devices.size,
      mappingCount: this.#mappingCount,
      usedMetadataBlocks: this.#builder.usedCount,
    };
  }

  #readGeometry(tag: XmlTag): PoolGeometry {
    const { overrides = {} } = this.#options;
    const transactionId = this.#number(tag, "transaction", Number.MAX_SAFE_INTEGER);
    const sectors = this.#number(tag, "data_block_size", U32_MAX);
    const dataBlockCount = this.#number(tag, "nr_data_blocks", DATA_BLOCKS_MAX);
    const dataBlockSectors = overrides.dataBlockSectors ?? sectors;
    requireDataBlockSectors(dataBlockSectors, "invalid-argument");
    return {
      time: this.#number(tag, "time", U32_MAX),
      flags: tag.attributes.has("flags") ? this.#number(tag, "flags", U32_MAX) : 0,
      transactionId: overrides.transactionId ?? transactionId,
      dataBlockSectors,
      dataBlockCount: overrides.dataBlockCount ?? dataBlockCount,
    };
  }

  #readPool(): void {
    for (;;) {
      const tag = this.#inside("superblock");
      if (!tag) return;
      if (tag.name === "device") this.#readDevice(tag);
      else if (tag.name === "def") this.#readDefinition(tag);
      else this.#tags.reject(`<${tag.name}> has no place in <superblock>`);
    }
  }

  #readDevice(tag: XmlTag): void {
    const id = this.#number(tag, "dev_id", DEVICE_ID_MAX);
    if (this.#devices.has(id)) this.#tags.reject(`device ${id} is there twice`);
    const tree = new TreeBuilder(this.#builder, MAPPING_BYTES);
    const mappedBlocks = this.#readMappings(tag, tree, (inner) => this.#refer(inner, tree));
    const details = {
      mappedBlocks,
      transactionId: this.#number(tag, "transaction", Number.MAX_SAFE_INTEGER),
      creationTime: this.#number(tag, "creation_time", U32_MAX),
      snapshottedTime: this.#number(tag, "snap_time", U32_MAX),
    };
    this.#devices.set(id, { id, root: tree.finish(), details });
    this.#mappingCount += mappedBlocks;
  }

  #readDefinition(tag: XmlTag): void {
    const name = tag.attributes.get("name");
    if (name === undefined || this.#definitions.has(name)) {
      this.#tags.reject("a <def> needs a name of its own");
    }
    if (this.#definitions.size === DEFINITIONS_MAX) this.#tags.reject("too many definitions");
    const leaves: { firstKey: number; block: number }[] = [];
    const tree = new TreeBuilder(this.#builder, MAPPING_BYTES, (firstKey, block) => {
      leaves.push({ firstKey, block });
    });
    const refuse = (): never => this.#tags.reject("a <ref> has no place in a <def>");
    const count = this.#readMappings(tag, tree, refuse);
    tree.finishLeaves();
    const firstKey = leaves[0]?.firstKey ?? 0;
    this.#definitions.set(name, { leaves, used: false, firstKey, endKey: this.#endKey, count });
  }

  /** How many blocks were mapped until the element ends. */
  #readMappings(element: XmlTag, tree: TreeBuilder, refer: (tag: XmlTag) => void): number {
    this.#endKey = 0;
    this.#count = 0;
    if (element.kind === "empty") return 0;
    for (;;) {
      const tag = this.#inside(element.name);
      if (!tag) return this.#count;
      if (tag.name === "single_mapping") {
        this.#map(tree, tag, this.#block(tag, "origin_block"), this.#data(tag, "data_block"), 1);
      } else if (tag.name === "range_mapping") {
        const length = this.#number(tag, "length", DATA_BLOCKS_MAX);
        const begin = this.#block(tag, "origin_begin");
        this.#map(tree, tag, begin, this.#data(tag, "data_begin"), length);
      } else if (tag.name === "ref") {
        refer(tag);
      } else {
        this.#tags.reject(`<${tag.name}> has no place in <${element.name}>`);
      }
      if (tag.kind === "open" && this.#inside(tag.name)) {
        this.#tags.reject(`nothing has a place in <${tag.name}>`);
      }
    }
  }

  #map(tree: TreeBuilder, tag: XmlTag, begin: number, dataBegin: number, length: number): void {
    const time = this.#number(tag, "time", U32_MAX);
    const { dataBlockCount } = this.#geometry;
    if (dataBegin + length > dataBlockCount) {
      this.#tags.reject(
        `data block ${dataBegin + length - 1} is beyond the end of the pool's ${dataBlockCount}`,
      );
    }
    this.#requireAscending(begin, begin + length);
    this.#count += length;
    for (let index = 0; index < length; index++) {
      writeMapping(tree.values, tree.add(begin + index), dataBegin + index, time);
    }
    this.#builder.dataCounts.addRun(dataBegin, length);
  }

  #refer(tag: XmlTag, tree: TreeBuilder): void {
    const definition = this.#definitions.get(tag.attributes.get("name") ?? "");
    if (!definition) return this.#tags.reject("a <ref> to something that was not defined before");
    if (definition.count === 0) return;
    this.#requireAscending(definition.firstKey, definition.endKey);
    this.#count += definition.count;
    for (const { firstKey, block } of definition.leaves) {
      if (definition.used) this.#builder.refer(block);
      tree.addLeaf(firstKey, block);
    }
    definition.used = true;
  }

  #requireAscending(begin: number, end: number): void {
    if (begin < this.#endKey) this.#tags.reject(`block ${begin} comes after ${this.#endKey - 1}`);
    if (end > Number.MAX_SAFE_INTEGER) this.#tags.reject(`there is no block ${end}`);
    this.#endKey = end;
  }

  #finish(): void {
    for (const [name, { used, count }] of this.#definitions) {
      if (!used && count > 0) this.#tags.reject(`nothing refers to <def name="${name}">`);
    }
    const devices = new TreeBuilder(this.#builder, MAPPING_BYTES);
    const details = new TreeBuilder(this.#builder, deviceDetails.size);
    for (const device of [...this.#devices.values()].sort((a, b) => a.id - b.id)) {
      writeU64le(devices.values, devices.add(device.id), device.root);
      deviceDetails.encode(details.values, details.add(device.id), device.details);
    }
    this.#builder.finish(this.#geometry, devices.finish(), details.finish());
  }

  /** The next tag inside an element; undefined when that closes. */
  #inside(name: string): XmlTag | undefined {
    const tag = this.#tags.next();
    if (!tag) return this.#tags.reject(`the text ends inside <${name}>`);
    if (tag.kind !== "close") return tag;
    if (tag.name !== name) this.#tags.reject(`</${tag.name}> closes <${name}>`);
    return undefined;
  }

  #block(tag: XmlTag, name: string): number {
    return this.#number(tag, name, Number.MAX_SAFE_INTEGER);
  }

  #data(tag: XmlTag, name: string): number {
    return this.#number(tag, name, DATA_BLOCKS_MAX);
  }

  #number(tag: XmlTag, name: string, max: number): number {
    const text = tag.attributes.get(name);
    if (text === undefined) this.#tags.reject(`<${tag.name}> has no ${name}`);
    const value = /^\d{1,16}$/.test(text) ? Number(text) : -1;
    if (value < 0 || value > max) this.#tags.reject(`${name}="${text.slice(0, 40)}" is not 0 to ${max}`);
    return value;
  }
}
