/**
 * A pool's thin volumes as they have to be, and changes of them chosen by a seed. A change is
 * plain data, so that either engine can carry it out: ours, or the kernel's in a guest.
 */
import { Content, usedChunks } from "./content-model.mjs";

/** @typedef {import("./random.mjs").Random} Random */

/**
 * Offsets and lengths in bytes; `pattern` is where in the pattern the bytes of a write begin.
 * @typedef {{ kind: "write", lv: string, offset: number, length: number, pattern: number }} Write
 * @typedef {{ kind: "discard" | "zero", lv: string, offset: number, length: number }} Clear
 * @typedef {{ kind: "snapshot", lv: string, origin: string }} Snapshot
 * @typedef {{ kind: "thin" | "extend-thin", lv: string, extentCount: number }} Sized
 * @typedef {{ kind: "remove", lv: string }} Remove
 * @typedef {{ kind: "extend-data" | "extend-metadata", extentCount: number }} Grow
 * @typedef {Write | Clear | Snapshot | Sized | Remove | Grow} Change
 */

export const EXTENT_BYTES = 4 << 20;
export const PATTERN_BYTES = 8 << 20;
const SECTOR = 512;
const WRITE_MAX = 192 << 10;
const DISCARD_MAX = 2 << 20;
/** Chunks that a plan leaves free in the pool. */
const MARGIN_CHUNKS = 40;

export class World {
  /** @type {Map<string, Content>} */
  contents = new Map();
  dataExtents;
  metadataExtents = 1;
  chunkBytes;
  #pattern;
  #random;
  #names = 0;

  /**
   * @param {Random} random @param {Uint8Array} pattern where writes take their bytes from
   * @param {number} chunkBytes @param {number} dataExtents
   */
  constructor(random, pattern, chunkBytes, dataExtents) {
    this.#random = random;
    this.#pattern = pattern;
    this.chunkBytes = chunkBytes;
    this.dataExtents = dataExtents;
  }

  get capacityChunks() {
    return Math.floor((this.dataExtents * EXTENT_BYTES) / this.chunkBytes);
  }

  get usedChunks() {
    return usedChunks(this.contents.values());
  }

  names() {
    return [...this.contents.keys()].sort();
  }

  /** @param {string} lv @returns {Content} */
  content(lv) {
    const content = this.contents.get(lv);
    if (!content) throw new Error(`the model has no volume ${lv}`);
    return content;
  }

  /** @param {Change} change */
  apply(change) {
    switch (change.kind) {
      case "write": {
        const source = this.#pattern.subarray(change.pattern, change.pattern + change.length);
        this.content(change.lv).write(change.offset, source);
        break;
      }
      case "discard":
        this.content(change.lv).discard(change.offset, change.length);
        break;
      case "zero":
        this.content(change.lv).zero(change.offset, change.length);
        break;
      case "snapshot":
        this.contents.set(change.lv, this.content(change.origin).snapshot());
        break;
      case "thin":
        this.contents.set(
          change.lv,
          new Content(this.chunkBytes, change.extentCount * EXTENT_BYTES),
        );
        break;
      case "extend-thin":
        this.content(change.lv).sizeBytes = change.extentCount * EXTENT_BYTES;
        break;
      case "remove":
        this.contents.delete(change.lv);
        break;
      case "extend-data":
        this.dataExtents = change.extentCount;
        break;
      case "extend-metadata":
        this.metadataExtents = change.extentCount;
        break;
      default:
        throw new Error(`unknown change ${JSON.stringify(change)}`);
    }
  }

  /**
   * Choose `count` writes and discards for these volumes, and apply them here.
   * @param {number} count @param {{ volumes?: readonly string[], discards?: boolean }} [options]
   * @returns {Change[]}
   */
  plan(count, { volumes = this.names(), discards = true } = {}) {
    /** @type {Change[]} */
    const changes = [];
    for (let index = 0; index < count; index++) {
      const lv = this.#random.pick(volumes);
      const full = this.usedChunks + MARGIN_CHUNKS > this.capacityChunks;
      if (full && !discards) break;
      const change =
        discards && this.#random.chance(full ? 0.9 : 0.08)
          ? this.#planClear(lv)
          : this.#planWrite(lv, full);
      this.apply(change);
      changes.push(change);
    }
    return changes;
  }

  /** @param {Change} change @returns {Change} */
  planned(change) {
    this.apply(change);
    return change;
  }

  /** @param {string} prefix */
  newName(prefix) {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  /** @param {string} lv @param {boolean} full @returns {Change} */
  #planWrite(lv, full) {
    const random = this.#random;
    const longest = random.chance(0.25) ? WRITE_MAX : 16 << 10;
    const { offset, length } = this.#range(lv, full ? SECTOR : longest);
    const pattern = random.below((PATTERN_BYTES - WRITE_MAX) / SECTOR) * SECTOR;
    return { kind: "write", lv, offset, length, pattern };
  }

  /** @param {string} lv @returns {Change} */
  #planClear(lv) {
    return { kind: "discard", lv, ...this.#range(lv, DISCARD_MAX) };
  }

  /** Whole sectors. @param {string} lv @param {number} longest */
  #range(lv, longest) {
    const length = (1 + this.#random.below(longest / SECTOR)) * SECTOR;
    const places = (this.content(lv).sizeBytes - length) / SECTOR + 1;
    return { offset: this.#random.below(places) * SECTOR, length };
  }
}
