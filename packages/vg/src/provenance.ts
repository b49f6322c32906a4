import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Provenance } from "@mortar/lvm2";

/** This machine's clock, name and randomness, for new ids and dates. */
export function provenance(): Provenance {
  return {
    random: (byteCount) => randomBytes(byteCount),
    now: Math.floor(Date.now() / 1000),
    host: hostname(),
  };
}
