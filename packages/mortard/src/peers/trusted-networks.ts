/** Networks whose addresses nobody can take who is not to be trusted. */
import { BlockList, isIP } from "node:net";

export class TrustedNetworks {
  readonly #list = new BlockList();

  /** `ADDRESS/BITS`, or one address. Throws RangeError. */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = "", bits] = network.split("/");
      const family = isIP(address);
      if (family === 0) throw new RangeError(`trustedNetworks: ${network} is no network`);
      const prefix = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
      this.#list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
    }
  }

  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 4 ? "ipv4" : "ipv6");
  }
}
