/**
 * What the engine needs of a disk. A host implements it over a file, a partition or a set of
 * segments; the simulator implements it over memory, with faults.
 *
 * Everything is synchronous, and every method throws what its host throws (`EIO`, `ENOSPC`). After
 * a `write` that threw, the range holds the old bytes, the new ones, or a mix by sector of 512
 * bytes.
 */
export interface BlockDevice {
  /**
   * Size in bytes. It may grow while the device is open; the engine looks again when told to grow.
   */
  readonly sizeBytes: number;
  /** Fill `target` with the bytes at `offset`. A short read is an error. */
  read(offset: number, target: Uint8Array): void;
  /**
   * Write the whole of `source` at `offset`. It is visible to `read` at once, durable after
   * `flush`.
   */
  write(offset: number, source: Uint8Array): void;
  /** The contents of the range become undefined, and their space may be given back. Only a hint. */
  discard(offset: number, lengthBytes: number): void;
  /** Return when everything written before is on the medium. */
  flush(): void;
  /**
   * Make the range read as zeros without writing it. False when the device cannot; the contents are
   * undefined then. Without this method, it cannot.
   */
  zero?(offset: number, lengthBytes: number): boolean;
}
