import { addressOf } from "@mortar/linux";

/** A buffer and the address that system calls know it by. It lives while this object is held. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;
  readonly length: number;
}

export function allocate(lengthBytes: number): Memory {
  const buffer = new ArrayBuffer(lengthBytes);
  return {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    address: addressOf(buffer),
    length: lengthBytes,
  };
}
