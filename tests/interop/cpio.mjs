/**
 * The "newc" archive that Linux takes as an initramfs: for each entry 13 fields of 8 hexadecimal
 * digits behind the magic 070701, the name, the content, both padded to 4 bytes; then the entry
 * TRAILER!!!. Archives may be put one after the other, at multiples of 4 bytes; later entries
 * win.
 */
import { Buffer } from "node:buffer";

const DIRECTORY = 0o040755;
const REGULAR = 0o100755;
const SYMBOLIC_LINK = 0o120777;

/** Collects files by path; directories above them are added as needed. */
export class CpioArchive {
  /** @type {Map<string, { mode: number, content: Uint8Array }>} */
  #entries = new Map();

  /** @param {string} path @param {Uint8Array | string} content */
  file(path, content) {
    this.#add(path, REGULAR, typeof content === "string" ? Buffer.from(content) : content);
  }

  /** @param {string} path @param {string} target */
  link(path, target) {
    this.#add(path, SYMBOLIC_LINK, Buffer.from(target));
  }

  /** @param {string} path */
  directory(path) {
    this.#add(path, DIRECTORY, Buffer.alloc(0));
  }

  /** @param {string} path */
  has(path) {
    return this.#entries.has(relative(path));
  }

  /** @returns {Buffer} */
  toBuffer() {
    const parts = [...this.#entries].flatMap(([path, { mode, content }], index) =>
      encodeEntry(path, mode, content, index + 1),
    );
    return Buffer.concat([...parts, ...encodeEntry("TRAILER!!!", 0, Buffer.alloc(0), 0)]);
  }

  /** @param {string} path @param {number} mode @param {Uint8Array} content */
  #add(path, mode, content) {
    const name = relative(path);
    const parent = name.slice(0, Math.max(name.lastIndexOf("/"), 0));
    if (parent !== "" && !this.#entries.has(parent)) this.directory(parent);
    this.#entries.set(name, { mode, content });
  }
}

/** @param {string} path */
function relative(path) {
  return path.replace(/^\/+/, "");
}

/** @param {string} name @param {number} mode @param {Uint8Array} content @param {number} inode */
function encodeEntry(name, mode, content, inode) {
  const nameBytes = Buffer.from(`${name}\0`);
  const links = mode === DIRECTORY ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, nameBytes.length, 0];
  const digits = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  const header = Buffer.from(`070701${digits}`);
  return [
    header,
    nameBytes,
    padding(header.length + nameBytes.length),
    content,
    padding(content.length),
  ];
}

/** @param {number} length */
function padding(length) {
  return Buffer.alloc(-length & 3);
}
