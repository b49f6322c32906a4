/**
 * A mapping journal in a piece of memory that outlives the process: a file on tmpfs that the host
 * maps shared. docs/formats/mapping-journal.md. Little-endian.
 *
 * | at | bytes | header | guards against |
 * |---|---|---|---|
 * | 0 | 8 | magic "MORTMAP1" | some other file |
 * | 8 | 4 | generation, raised by each restart | records of an earlier commit |
 * | 12 | 4 | zero | |
 * | 16 | 512 | base: the start of the superblock | replay over another state |
 * | 528 | 4 | seal: CRC-32C of bytes 0..527 | death within a restart |
 *
 * | at 1024 + 32 n | bytes | record n | |
 * |---|---|---|---|
 * | 0 | 4 | device id | |
 * | 4 | 4 | count of blocks | |
 * | 8 | 8 | first virtual block | |
 * | 16 | 8 | first data block, all ones: unmapped | |
 * | 24 | 4 | generation | an older record in this place |
 * | 28 | 4 | seal: CRC-32C of bytes 0..27 | death within an append |
 *
 * A seal is stored last, and atomically, so a process that is killed leaves a record whole or not
 * there. The records end before the first that is not valid. The memory need not survive a power
 * cut: a journal torn by one fails its seals, or its base is not what is on the disk.
 */
import { crc32c, struct, bytes, readU64le, u32le, u64le, writeU64le } from "@mortar/binary";
import { JOURNAL_BASE_BYTES, UNMAPPED } from "./mapping-journal.ts";
import type { MappingJournal, MappingRecord } from "./mapping-journal.ts";
import { ThinError } from "./thin-error.ts";

const MAGIC = new TextEncoder().encode("MORTMAP1");
const RECORDS_AT = 1024;
const RECORD_BYTES = 32;
const HIGHEST_WORD = 0xffff_ffff;

const header = struct("mapping journal header", 532, {
  magic: bytes(8), generation: u32le, reserved: u32le, base: bytes(JOURNAL_BASE_BYTES), seal: u32le,
});
const record = struct("mapping journal record", RECORD_BYTES, {
  deviceId: u32le, count: u32le, virtualBlock: u64le, dataBlockLow: u32le, dataBlockHigh: u32le,
  generation: u32le, seal: u32le,
});

export class BufferJournal implements MappingJournal {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #words: Int32Array;
  readonly #recordMax: number;
  #generation: number;
  #recordCount = 0;

  /** `memory` starts at a multiple of 4 bytes. 1024 bytes for the header, then 32 a mapping. */
  constructor(memory: Uint8Array) {
    if (memory.byteOffset % 4 !== 0 || memory.length < RECORDS_AT + RECORD_BYTES) {
      throw new ThinError(
        "invalid-argument",
        `a mapping journal needs ${RECORDS_AT + RECORD_BYTES} bytes at a multiple of 4, ` +
          `not ${memory.length} at ${memory.byteOffset}`,
      );
    }
    this.#bytes = memory;
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.length);
    this.#words = new Int32Array(memory.buffer, memory.byteOffset, memory.length >>> 2);
    this.#recordMax = Math.floor((memory.length - RECORDS_AT) / RECORD_BYTES);
    this.#generation = header.field.generation.get(this.#view, 0);
  }

  open(): { base: Uint8Array; records: MappingRecord[] } | undefined {
    const magic = header.field.magic.get(this.#view, 0);
    if (!MAGIC.every((byte, index) => magic[index] === byte)) return undefined;
    const sealed = crc32c(this.#bytes, 0, header.field.seal.offset);
    if (header.field.seal.get(this.#view, 0) !== sealed) return undefined;
    const records: MappingRecord[] = [];
    for (let index = 0; index < this.#recordMax; index++) {
      const found = this.#decode(RECORDS_AT + index * RECORD_BYTES);
      if (!found) break;
      records.push(found);
    }
    this.#recordCount = records.length;
    return { base: Uint8Array.from(header.field.base.get(this.#view, 0)), records };
  }

  restart(base: Uint8Array): void {
    this.#seal(header.field.seal.offset, 0);
    this.#generation = (this.#generation + 1) >>> 0;
    this.#recordCount = 0;
    this.#bytes.fill(0, RECORDS_AT, RECORDS_AT + RECORD_BYTES);
    header.field.magic.set(this.#view, 0, MAGIC);
    header.field.generation.set(this.#view, 0, this.#generation);
    header.field.reserved.set(this.#view, 0, 0);
    header.field.base.set(this.#view, 0, base);
    const seal = header.field.seal.offset;
    this.#seal(seal, crc32c(this.#bytes, 0, seal));
  }

  append(deviceId: number, virtualBlock: number, count: number, dataBlock: number): boolean {
    if (this.#recordCount >= this.#recordMax) return false;
    const base = RECORDS_AT + this.#recordCount * RECORD_BYTES;
    const view = this.#view;
    this.#seal(base + record.field.seal.offset, 0);
    view.setUint32(base, deviceId, true);
    view.setUint32(base + 4, count, true);
    writeU64le(view, base + 8, virtualBlock);
    if (dataBlock === UNMAPPED) {
      view.setUint32(base + 16, HIGHEST_WORD, true);
      view.setUint32(base + 20, HIGHEST_WORD, true);
    } else {
      writeU64le(view, base + 16, dataBlock);
    }
    view.setUint32(base + 24, this.#generation, true);
    const seal = base + record.field.seal.offset;
    this.#seal(seal, crc32c(this.#bytes, base, seal));
    this.#recordCount += 1;
    return true;
  }

  #decode(base: number): MappingRecord | undefined {
    const view = this.#view;
    const { field } = record;
    const sealAt = base + field.seal.offset;
    if (field.generation.get(view, base) !== this.#generation) return undefined;
    if (field.seal.get(view, base) !== crc32c(this.#bytes, base, sealAt)) return undefined;
    const unmapped =
      field.dataBlockLow.get(view, base) === HIGHEST_WORD &&
      field.dataBlockHigh.get(view, base) === HIGHEST_WORD;
    return {
      deviceId: field.deviceId.get(view, base),
      count: field.count.get(view, base),
      virtualBlock: field.virtualBlock.get(view, base),
      dataBlock: unmapped ? UNMAPPED : readU64le(view, base + field.dataBlockLow.offset),
    };
  }

  #seal(position: number, value: number): void {
    Atomics.store(this.#words, position >>> 2, value | 0);
  }
}
