/**
 * What changes who owns which data block: told by the engine in the order in which it happens, each
 * change before it is acknowledged. `SpaceAccounting` keeps its books from it; `SpaceLogWriter`
 * carries it to another thread.
 */
export interface SpaceEvents {
  /** `count` data blocks from `dataBlock` on, free before, are now mapped by this device alone. */
  provisioned(deviceId: number, dataBlock: number, count: number): void;
  /** The device does not map them any more: discarded, or overwritten while they were shared. */
  unmapped(deviceId: number, dataBlock: number, count: number): void;
  created(deviceId: number): void;
  /** The new device maps what the origin maps. */
  snapshotted(deviceId: number, originId: number): void;
  deleted(deviceId: number): void;
  /** A metadata snapshot was taken: it keeps what every device maps, until it is released. */
  held(): void;
  released(): void;
  /** The pool went back to an earlier state: nothing that was told counts any more. */
  lost(): void;
}
