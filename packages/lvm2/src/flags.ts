/**
 * Status flags that a volume group's text may hold. One that is not known could change what the
 * data means, so it is an error; the `flags` arrays are for what older versions may pass over.
 */

import { Lvm2Error } from "./errors.ts";

const KNOWN = {
  vg: new Set([
    "EXPORTED",
    "RESIZEABLE",
    "PVMOVE",
    "READ",
    "WRITE",
    "CLUSTERED",
    "SHARED",
    "PARTIAL",
  ]),
  pv: new Set(["ALLOCATABLE", "EXPORTED", "MISSING"]),
  lv: new Set([
    "READ",
    "WRITE",
    "FIXED_MINOR",
    "VISIBLE",
    "PVMOVE",
    "LOCKED",
    "NOTSYNCED",
    "REBUILD",
    "WRITEMOSTLY",
  ]),
} as const;

/** `what` names the object in the message. */
export function checkStatusFlags(
  kind: keyof typeof KNOWN,
  status: readonly string[],
  what: string,
): void {
  const unknown = status.find((flag) => !KNOWN[kind].has(flag));
  if (unknown === undefined) return;
  throw new Lvm2Error("unknown-flag", `Unknown status flag '${unknown}'. (${what})`);
}
