/**
 * What a physical volume needs of the thing it lies on. All calls are synchronous and either do the
 * whole job or throw. Offsets and lengths given by this package are multiples of 512 bytes.
 */
export interface PvDevice {
  /** As the operator knows it, such as /dev/loop0; appears in messages. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Fills `target`. */
  read(offset: number, target: Uint8Array): void;
  write(offset: number, source: Uint8Array): void;
  /** Everything written before is on the medium when this returns. */
  flush(): void;
}
