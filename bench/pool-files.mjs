/** Devices for the engine alone: metadata in a file, data nowhere, a journal in memory. */
import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { BufferJournal } from "../packages/thin/dist/index.js";

/** The whole of a new file, or a range of one that is there. */
export function fileDevice(path, { offset = 0, sizeBytes }) {
  const fd = openSync(path, offset === 0 ? "w+" : "r+");
  if (offset === 0) ftruncateSync(fd, sizeBytes);
  return overDescriptor(fd, offset, sizeBytes);
}

/** A file that is there. */
export function openFile(path) {
  const fd = openSync(path, "r+");
  return overDescriptor(fd, 0, fstatSync(fd).size);
}

function overDescriptor(fd, base, sizeBytes) {
  return {
    sizeBytes,
    read: (offset, target) => void readSync(fd, target, 0, target.length, base + offset),
    write: (offset, source) => void writeSync(fd, source, 0, source.length, base + offset),
    discard() {},
    flush: () => fdatasyncSync(fd),
    close: () => closeSync(fd),
  };
}

/** A data device that keeps nothing. */
export function nowhere(sizeBytes) {
  return { sizeBytes, read: (_, target) => void target.fill(0), write() {}, discard() {}, flush() {} };
}

export function memoryJournal() {
  return new BufferJournal(new Uint8Array(4 * 2 ** 20));
}

/** For restoreXml: one device with all its blocks mapped, and 1024 free. */
export function mappedXml(blocks, { transaction = 0 } = {}) {
  let begin = -1;
  return () => {
    if (begin < 0) {
      begin = 0;
      return `<superblock time="0" transaction="${transaction}" data_block_size="128" nr_data_blocks="${blocks + 1024}">` +
        `<device dev_id="1" transaction="0" creation_time="0" snap_time="0">`;
    }
    if (begin >= blocks) {
      const end = begin === Infinity ? undefined : "</device></superblock>";
      begin = Infinity;
      return end;
    }
    let text = "";
    for (let count = 0; count < 100 && begin < blocks; count++) {
      const length = Math.min(1000, blocks - begin);
      text += `<range_mapping origin_begin="${begin}" data_begin="${begin}" length="${length}" time="0"/>`;
      begin += length;
    }
    return text;
  };
}

/** For restoreXml: one device, in runs of a thousand blocks, each somewhere else in the pool. */
export function scatteredXml({ mappings, dataBlocks }) {
  const count = mappings / 1000;
  let index = -1;
  return () => {
    index += 1;
    if (index > count) return undefined;
    if (index === count) return "</device></superblock>";
    const head = `<superblock time="1" transaction="1" data_block_size="128" nr_data_blocks="${dataBlocks}">` +
      `<device dev_id="1" transaction="0" creation_time="0" snap_time="0">`;
    const data = ((index * 7919) % count) * 1000;
    return (index === 0 ? head : "") +
      `<range_mapping origin_begin="${index * 1000}" data_begin="${data}" length="1000" time="0"/>`;
  };
}
