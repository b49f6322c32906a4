import type { NbdAddress } from "@mortar/pool";

/** As libnbd and QEMU write it: nbd+unix:///LV?socket=PATH, nbd://HOST:PORT/LV; nbds with TLS. */
export function uriOf(address: NbdAddress, tls: boolean, lv: string): string {
  const scheme = tls ? "nbds" : "nbd";
  if (address.startsWith("unix:")) {
    return `${scheme}+unix:///${lv}?socket=${address.slice("unix:".length)}`;
  }
  return `${scheme}://${address.slice("tcp:".length)}/${lv}`;
}
