import { addressOf } from "@mortar/linux";

/**
 * Addresses of buffers, for system calls that take numbers. Asking for one costs about 1 us, so the
 * few big buffers that carry all transfers are asked once; the last one is found without a lookup.
 */
export class AddressBook {
  readonly #addresses = new WeakMap<ArrayBufferLike, number>();
  #lastBuffer: ArrayBufferLike | undefined;
  #lastAddress = 0;

  of(bytes: Uint8Array): number {
    if (bytes.buffer !== this.#lastBuffer) this.#find(bytes.buffer);
    return this.#lastAddress + bytes.byteOffset;
  }

  #find(buffer: ArrayBufferLike): void {
    let address = this.#addresses.get(buffer);
    if (address === undefined) {
      address = addressOf(buffer as ArrayBuffer);
      this.#addresses.set(buffer, address);
    }
    this.#lastBuffer = buffer;
    this.#lastAddress = address;
  }
}
