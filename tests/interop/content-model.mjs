/**
 * What a thin device has to hold, as plainly as can be: a map of the chunks that were written. A
 * snapshot is another map with the same chunks in it, and a chunk is copied before it is changed
 * while another map has it too. So the chunks that are different objects are the chunks a pool
 * has in use.
 */
export class Content {
  #chunkBytes;
  /** @type {Map<number, Uint8Array>} */
  #chunks;
  /** Chunks that no other content has. @type {Set<number>} */
  #own = new Set();
  /** Seen from outside: the size of the volume. */
  sizeBytes;

  /**
   * @param {number} chunkBytes
   * @param {number} sizeBytes
   * @param {Map<number, Uint8Array>} [chunks]
   */
  constructor(chunkBytes, sizeBytes, chunks = new Map()) {
    this.#chunkBytes = chunkBytes;
    this.#chunks = chunks;
    this.sizeBytes = sizeBytes;
  }

  snapshot() {
    this.#own.clear();
    return new Content(this.#chunkBytes, this.sizeBytes, new Map(this.#chunks));
  }

  get mappedChunks() {
    return this.#chunks.size;
  }

  chunks() {
    return this.#chunks.values();
  }

  /** @param {number} offset @param {Uint8Array} source */
  write(offset, source) {
    for (let at = 0; at < source.length;) {
      const chunk = Math.floor((offset + at) / this.#chunkBytes);
      const within = offset + at - chunk * this.#chunkBytes;
      const length = Math.min(source.length - at, this.#chunkBytes - within);
      this.#writable(chunk).set(source.subarray(at, at + length), within);
      at += length;
    }
  }

  /** Whole chunks only, as in the pool. @param {number} offset @param {number} length */
  discard(offset, length) {
    const end = Math.floor((offset + length) / this.#chunkBytes);
    for (let chunk = Math.ceil(offset / this.#chunkBytes); chunk < end; chunk++) {
      this.#chunks.delete(chunk);
      this.#own.delete(chunk);
    }
  }

  /**
   * Reads as zeros afterwards; whole chunks are given back.
   * @param {number} offset
   * @param {number} length
   */
  zero(offset, length) {
    this.discard(offset, length);
    for (let at = 0; at < length;) {
      const chunk = Math.floor((offset + at) / this.#chunkBytes);
      const within = offset + at - chunk * this.#chunkBytes;
      const part = Math.min(length - at, this.#chunkBytes - within);
      if (this.#chunks.has(chunk)) this.#writable(chunk).fill(0, within, within + part);
      at += part;
    }
  }

  /**
   * The first byte that `read` shows differently; -1 when it shows exactly this.
   * @param {(offset: number, target: Uint8Array) => void} read
   */
  firstDifference(read) {
    const shown = new Uint8Array(this.#chunkBytes);
    const zeros = new Uint8Array(this.#chunkBytes);
    for (let at = 0; at < this.sizeBytes; at += this.#chunkBytes) {
      const length = Math.min(this.#chunkBytes, this.sizeBytes - at);
      const target = shown.subarray(0, length);
      read(at, target);
      const expected = (this.#chunks.get(at / this.#chunkBytes) ?? zeros).subarray(0, length);
      if (Buffer.compare(target, expected) === 0) continue;
      return at + target.findIndex((byte, index) => byte !== expected[index]);
    }
    return -1;
  }

  /** @param {number} chunk @returns {Uint8Array} */
  #writable(chunk) {
    const found = this.#chunks.get(chunk);
    if (found && this.#own.has(chunk)) return found;
    const own = found ? Uint8Array.from(found) : new Uint8Array(this.#chunkBytes);
    this.#chunks.set(chunk, own);
    this.#own.add(chunk);
    return own;
  }
}

/** How many chunks of the pool these contents take together. @param {Iterable<Content>} contents */
export function usedChunks(contents) {
  const distinct = new Set();
  for (const content of contents) for (const chunk of content.chunks()) distinct.add(chunk);
  return distinct.size;
}
