/** What a server tells about who owns the data blocks of its pool; see SpaceAccounting of thin. */

export interface DeviceSpace {
  readonly deviceId: number;
  readonly mappedBlocks: number;
  /** What deleting this device alone would free. */
  readonly exclusiveBlocks: number;
}

export type SpaceReport =
  | {
      readonly ready: true;
      readonly chunkBytes: number;
      /** By id: every thin device of the pool, active or not. */
      readonly devices: readonly DeviceSpace[];
      /**
       * For each set of devices asked about: what deleting exactly these would free; null when one
       * of them is not there.
       */
      readonly freedBlocks: readonly (number | null)[];
    }
  /** `retry`: it will be ready by itself, after a scan of the metadata. */
  | { readonly ready: false; readonly retry: boolean; readonly reason: string };
