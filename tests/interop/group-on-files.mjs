/**
 * A volume group with one thin pool on plain files, changed by Mortar's own packages:
 * `@mortar/lvm2` for the text, `@mortar/thin` for the pool. Every change goes through LVM's
 * protocol: the text with the message, the pool, the text without it.
 */
import {
  byteSegments,
  commitText,
  createThin,
  createThinPool,
  createThinSnapshot,
  createVolumeGroup,
  extendLogicalVolume,
  extendPoolMetadata,
  findLv,
  initialisePhysicalVolume,
  lvExtentCount,
  markInUse,
  newLvmId,
  newPhysicalVolume,
  printMetadataText,
  readPhysicalVolume,
  removeLogicalVolume,
  requireThinPool,
  requireThinVolume,
  stripMessages,
  thinPools,
  thinVolumesOf,
  validateVolumeGroup,
  withNextSeqno,
  writeLabel,
} from "@mortar/lvm2";
import { checkPool, dumpXml, ThinPool } from "@mortar/thin";
import { DiskFile, PiecedDevice } from "./disk-file.mjs";

/** @typedef {import("@mortar/lvm2").VolumeGroup} VolumeGroup */
/** @typedef {import("./random.mjs").Random} Random */

const NOW = 1_795_361_541;

export class FileGroup {
  vg;
  #disks;
  #provenance;
  /** @type {ThinPool | undefined} */
  #pool;
  /** @type {PiecedDevice | undefined} */
  #data;
  /** @type {PiecedDevice | undefined} */
  #metadata;

  /** @param {VolumeGroup} vg @param {readonly DiskFile[]} disks @param {Random} random */
  constructor(vg, disks, random) {
    this.vg = vg;
    this.#disks = disks;
    this.#provenance = provenanceOf(random);
  }

  /** @param {string} name @param {readonly string[]} paths of files @param {Random} random */
  static create(name, paths, random) {
    const disks = paths.map((path) => new DiskFile(path));
    const physicalVolumes = disks.map((disk) => {
      const label = initialisePhysicalVolume(disk, {
        id: newLvmId((count) => random.bytes(count)),
      });
      writeLabel(disk, markInUse(label, true));
      return newPhysicalVolume(label, disk.name);
    });
    const empty = createVolumeGroup({ name, physicalVolumes }, provenanceOf(random));
    const group = new FileGroup(empty, disks, random);
    group.commit(empty);
    return group;
  }

  /** @param {readonly string[]} paths @param {Random} random */
  static open(paths, random) {
    const disks = paths.map((path) => new DiskFile(path));
    const found = disks.map((disk) => readPhysicalVolume(disk)?.metadata?.vg);
    const texts = found.filter((vg) => vg !== undefined);
    texts.sort((left, right) => right.seqno - left.seqno);
    const [vg] = texts;
    if (!vg) throw new Error(`no volume group on ${paths.join(", ")}`);
    validateVolumeGroup(vg);
    return new FileGroup(vg, disks, random);
  }

  /** Defects of labels and metadata areas, and texts that differ. @returns {string[]} */
  defects() {
    return this.#disks.flatMap((disk) => {
      const pv = readPhysicalVolume(disk);
      if (!pv) return [`${disk.name} has no label`];
      const messages = pv.defects.map(({ message }) => message);
      const seqno = pv.metadata?.vg.seqno;
      if (seqno !== this.vg.seqno)
        messages.push(`${disk.name} has text ${seqno}, not ${this.vg.seqno}`);
      return messages;
    });
  }

  /** Write a text to all disks. @param {VolumeGroup} vg */
  commit(vg) {
    const next = withNextSeqno(vg);
    validateVolumeGroup(next);
    const targets = this.#disks.flatMap((disk) => {
      const areas = readPhysicalVolume(disk)?.areas ?? [];
      return areas.map((area) => ({ device: disk, area }));
    });
    const text = printMetadataText(next, {
      form: "disk",
      description: "interop",
      generator: "Mortar",
      now: NOW,
      host: "interop",
    });
    commitText(targets, text);
    this.vg = next;
  }

  /** @param {string} name @returns {import("./disk-file.mjs").Piece[]} */
  pieces(name) {
    return byteSegments(this.vg, name).map((segment) => {
      const disk = this.#disks.find((candidate) => {
        const id = readPhysicalVolume(candidate)?.label.id;
        return id === segment.pvId || id === segment.pvId.replaceAll("-", "");
      });
      if (!disk) throw new Error(`no disk with id ${segment.pvId}`);
      return {
        disk,
        diskOffset: segment.pvOffsetBytes,
        offset: segment.lvOffsetBytes,
        length: segment.lengthBytes,
      };
    });
  }

  /** The one pool of the group. */
  get poolLv() {
    const [pool] = thinPools(this.vg);
    if (!pool) throw new Error(`${this.vg.name} has no thin pool`);
    return pool;
  }

  get chunkBytes() {
    return this.poolLv.segment.chunkSectors * 512;
  }

  /** @param {string} name */
  sizeBytes(name) {
    const lv = findLv(this.vg, name);
    if (!lv) throw new Error(`no volume ${name}`);
    return lvExtentCount(lv) * this.vg.extentSectors * 512;
  }

  thinNames() {
    return thinVolumesOf(this.vg, this.poolLv.lv.name).map(({ lv }) => lv.name);
  }

  /** @param {{ name: string, extentCount: number, chunkSectors: number }} options */
  createPool(options) {
    this.commit(createThinPool(this.vg, options, this.#provenance).vg);
    const { segment } = this.poolLv;
    const metadata = new PiecedDevice(this.pieces(segment.metadataLv));
    metadata.clear();
    ThinPool.format({
      metadata,
      data: new PiecedDevice(this.pieces(segment.dataLv)),
      dataBlockSectors: segment.chunkSectors,
    });
  }

  /** The engine, opened when first asked for. */
  get pool() {
    if (this.#pool) return this.#pool;
    const { segment } = this.poolLv;
    this.#metadata = new PiecedDevice(this.pieces(segment.metadataLv));
    this.#data = new PiecedDevice(this.pieces(segment.dataLv));
    this.#pool = ThinPool.open({
      metadata: this.#metadata,
      data: this.#data,
      dataBlockSectors: segment.chunkSectors,
      zeroNewBlocks: segment.zeroNewBlocks,
      discards: segment.discards,
    });
    return this.#pool;
  }

  /** The device of a thin volume. @param {string} name */
  device(name) {
    return this.pool.device(requireThinVolume(this.vg, name).segment.deviceId);
  }

  /**
   * @param {string} name
   * @param {number} extentCount
   * @param {{ leavePending?: boolean }} [options]
   */
  createThin(name, extentCount, options = {}) {
    const pool = this.poolLv.lv.name;
    this.#transact(createThin(this.vg, { pool, extentCount, name }, this.#provenance).vg, options);
  }

  /** @param {string} name @param {string} origin */
  createSnapshot(name, origin) {
    this.#transact(createThinSnapshot(this.vg, { name, origin }, this.#provenance).vg);
  }

  /** @param {string} name @param {{ leavePending?: boolean }} [options] */
  remove(name, options = {}) {
    this.#transact(removeLogicalVolume(this.vg, name).vg, options);
  }

  /** @param {string} name @param {number} extentCount */
  extendThin(name, extentCount) {
    this.commit(extendLogicalVolume(this.vg, name, extentCount));
  }

  /** @param {number} extentCount */
  extendData(extentCount) {
    const { pool } = this;
    this.commit(extendLogicalVolume(this.vg, this.poolLv.lv.name, extentCount));
    this.#data?.replace(this.pieces(this.poolLv.segment.dataLv));
    pool.growData();
  }

  /** @param {number} extentCount */
  extendMetadata(extentCount) {
    const { pool } = this;
    this.commit(extendPoolMetadata(this.vg, this.poolLv.lv.name, extentCount, this.#provenance));
    this.#metadata?.replace(this.pieces(this.poolLv.segment.metadataLv));
    pool.growMetadata();
  }

  /**
   * What an activation does about a pool whose text and metadata are at different transactions.
   * @returns {number} how many messages were sent
   */
  deliverMessages() {
    const { segment, lv } = this.poolLv;
    const { transactionId } = this.pool.status();
    if (segment.messages.length === 0 && transactionId === segment.transactionId) return 0;
    if (transactionId === segment.transactionId) {
      this.commit(stripMessages(this.vg, lv.name));
      return 0;
    }
    this.#send();
    return segment.messages.length;
  }

  /** Commit the pool and let go of it; the group and its disks stay open. */
  closePool() {
    this.#pool?.close();
    this.#pool = undefined;
  }

  close() {
    this.closePool();
    for (const disk of this.#disks) disk.close();
  }

  /** The metadata volume as it is on the disks. */
  get metadataDevice() {
    return new PiecedDevice(this.pieces(this.poolLv.segment.metadataLv));
  }

  /** Our strict check of what is on the disks. */
  check() {
    return checkPool(this.metadataDevice);
  }

  /** Our dump of what is on the disks. */
  dump() {
    let text = "";
    dumpXml({ metadata: this.metadataDevice, write: (piece) => (text += piece) });
    return text;
  }

  /**
   * @param {VolumeGroup} vg with one message queued
   * @param {{ leavePending?: boolean }} [options]
   */
  #transact(vg, { leavePending = false } = {}) {
    this.commit(vg);
    if (!leavePending) this.#send();
  }

  #send() {
    const { segment, lv } = this.poolLv;
    const { pool, vg } = this;
    /** @type {import("@mortar/thin").PoolMessage[]} */
    const messages = segment.messages.map((message) => {
      if (message.kind === "delete") return message;
      const thin = requireThinVolume(vg, message.lv).segment;
      if (thin.origin === undefined) return { kind: "create-thin", deviceId: thin.deviceId };
      const originId = requireThinVolume(vg, thin.origin).segment.deviceId;
      return { kind: "create-snapshot", deviceId: thin.deviceId, originId };
    });
    const to = requireThinPool(vg, lv.name).segment.transactionId;
    pool.transact([...messages, { kind: "set-transaction-id", from: to - 1, to }]);
    this.commit(stripMessages(vg, lv.name));
  }
}

/** @param {Random} random */
function provenanceOf(random) {
  return {
    random: (/** @type {number} */ count) => random.bytes(count),
    now: NOW,
    host: "interop",
  };
}
