/** Which node a host name means: this one, or none that we know. */
import { lookup } from "node:dns/promises";
import { hostname, networkInterfaces } from "node:os";

export interface OwnNames {
  /** The only address that this node serves; absent: all of the machine. */
  readonly address: string | undefined;
  readonly hostNames: readonly string[];
}

/** Whether a name, or an address, is one of this node. Does not throw. */
export async function isThisNode(host: string, own: OwnNames): Promise<boolean> {
  if (host === own.address || own.hostNames.includes(host)) return true;
  if (own.address === undefined && host === hostname()) return true;
  const addresses = await addressesOf(host);
  const wanted = new Set(own.hostNames);
  if (own.address === undefined) for (const address of localAddresses()) wanted.add(address);
  else wanted.add(own.address);
  return addresses.some(
    (address) => wanted.has(address) || (own.address === undefined && isLoopback(address)),
  );
}

/** Addresses of this machine's interfaces. */
export function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map((entry) => entry.address),
  );
}

export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map((entry) => entry.address);
  } catch {
    return [];
  }
}
