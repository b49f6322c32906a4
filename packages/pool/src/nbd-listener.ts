/** Where NBD clients connect, beside the pool's own socket: kept as RUN/pools/VG-POOL/nbd.json. */
import { isIP } from "node:net";
import { PoolError } from "./pool-error.ts";
import type { NbdUsage } from "./nbd-host.ts";

/** `unix:PATH`, or `tcp:HOST:PORT` with an IP address, an IPv6 one in brackets. */
export type NbdAddress = string;

export interface NbdListener {
  readonly address: NbdAddress;
  /** The LVs that are exported there. */
  readonly volumes: readonly string[];
  /**
   * A directory with ca-cert.pem, server-cert.pem and server-key.pem: clients must use TLS, with a
   * certificate of that authority. Null: no TLS.
   */
  readonly tlsDirectory: string | null;
}

export interface NbdStatus {
  /** The pool's own socket: all LVs, for the owner of the run directory. */
  readonly socket: string;
  readonly listeners: readonly NbdListener[];
  readonly connections: NbdUsage;
}

export type ParsedAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Throws PoolError `bad-request`. */
export function parseAddress(address: NbdAddress): ParsedAddress {
  const unix = /^unix:(\/[^\0]+)$/.exec(address);
  if (unix) return { kind: "unix", path: unix[1]! };
  const tcp = /^tcp:(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const host = tcp?.[1] ?? tcp?.[2];
  const port = Number(tcp?.[3]);
  if (host === undefined || isIP(host) === 0 || !(port >= 1 && port <= 65_535)) {
    const expected = "unix:/PATH or tcp:IP-ADDRESS:PORT, an IPv6 address in brackets";
    throw new PoolError("bad-request", `${address}: expected ${expected}`);
  }
  return { kind: "tcp", host, port };
}
