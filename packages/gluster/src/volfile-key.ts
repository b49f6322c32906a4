/**
 * What a GETSPEC request asks for.
 *
 * | key | volfile |
 * |---|---|
 * | V, /V | client of volume V |
 * | V.HOST.PATH-WITH-DASHES | brick |
 * | /snaps/SNAP/V | client of the snapshot of V in SNAP |
 * | snaps/SNAP/SNAPVOL/SNAPVOL.HOST.PATH-WITH-DASHES | brick of a snapshot |
 * | snapd/V, shd/V, rebalance/V, gluster/NAME | a service |
 *
 * A name of a volume has no dot and no slash, so the first of each decides.
 */

import { dashedPath } from "./volume-description.ts";

export type VolfileKey =
  | { readonly kind: "client"; readonly volume: string }
  | { readonly kind: "brick"; readonly volume: string; readonly key: string }
  | { readonly kind: "snapshot-client"; readonly snapshot: string; readonly volume: string }
  | {
      readonly kind: "snapshot-brick";
      readonly snapshot: string;
      readonly volume: string;
      readonly key: string;
    }
  | { readonly kind: "service"; readonly service: string; readonly volume: string };

/** Undefined: no volfile has such a key. Which volumes exist is the caller's knowledge. */
export function parseVolfileKey(text: string): VolfileKey | undefined {
  const parts = text.replace(/^\//, "").split("/");
  const [first = "", second = "", third = "", fourth = ""] = parts;
  if (parts.includes("")) return undefined;
  if (parts.length === 1) return parseVolumeKey(first);
  if (first === "snaps" && parts.length === 3) {
    return { kind: "snapshot-client", snapshot: second, volume: third };
  }
  if (first === "snaps" && parts.length === 4) {
    const brick = fourth.startsWith(`${third}.`);
    if (!brick) return undefined;
    return { kind: "snapshot-brick", snapshot: second, volume: third, key: fourth };
  }
  if (parts.length !== 2) return undefined;
  return { kind: "service", service: first, volume: second };
}

function parseVolumeKey(key: string): VolfileKey {
  const dot = key.indexOf(".");
  if (dot < 0) return { kind: "client", volume: key };
  return { kind: "brick", volume: key.slice(0, dot), key };
}

/** The key of a brick's volfile, as it is given to the brick process. */
export function brickVolfileKey(
  volumeName: string,
  brick: { readonly host: string; readonly path: string },
  snapshotName?: string,
): string {
  const key = `${volumeName}.${brick.host}.${dashedPath(brick.path)}`;
  return snapshotName === undefined ? key : `snaps/${snapshotName}/${volumeName}/${key}`;
}
