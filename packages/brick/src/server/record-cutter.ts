/**
 * Cuts a stream of records where they end: no piece has bytes of two. Stock clients need it of TLS:
 * they take one record of RPC at a wake-up, and what OpenSSL has already decrypted behind it (the
 * rest of a TLS record) wakes nobody, so of two replies in one
 * TLS record the second would stay unread.
 */
const MARK_BYTES = 4;
const LENGTH_MASK = 0x7fff_ffff;

export class RecordCutter {
  #mark = 0;
  #markBytes = 0;
  /** Of the record that has begun, behind its mark. */
  #left = 0;

  /** Views of the chunk, in order. */
  cut(chunk: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let from = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#markBytes < MARK_BYTES) {
        this.#mark = ((this.#mark << 8) | chunk[at]!) >>> 0;
        at++;
        if (++this.#markBytes < MARK_BYTES) continue;
        this.#left = this.#mark & LENGTH_MASK;
      }
      const step = Math.min(this.#left, chunk.length - at);
      at += step;
      this.#left -= step;
      if (this.#left > 0) break;
      pieces.push(chunk.subarray(from, at));
      from = at;
      this.#markBytes = 0;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
    return pieces;
  }
}
