/**
 * LVs of a server that mounts nothing: they have no block device, and are active while the server's
 * spec has them. For all who ask which device an LV has, its NBD address stands in for one.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LoopStatus } from "@mortar/linux";
import type { PoolSpec } from "@mortar/pool";
import { uriOf } from "./nbd-uri.ts";

/** No loop device has this number. */
const NO_DEVICE = -1;

/** Undefined for a server that mounts, and where none runs. */
export function readNbdOnlySpec(directory: string): PoolSpec | undefined {
  const spec = readSpec(join(directory, "spec.json"));
  return spec?.mount === false ? spec : undefined;
}

/** In the place of a loop device. Undefined for an LV that such a server does not serve. */
export function nbdOnlyVolume(
  spec: PoolSpec | undefined,
  directory: string,
  lvName: string,
): LoopStatus | undefined {
  const volume = spec?.volumes.find(({ name }) => name === lvName);
  if (volume === undefined) return undefined;
  return {
    path: uriOf(`unix:${join(directory, "nbd.sock")}`, false, lvName),
    number: NO_DEVICE,
    deviceNumber: "",
    backingPath: join(directory, "mnt", lvName),
    offsetBytes: 0,
    sizeLimitBytes: 0,
    sizeBytes: volume.sizeBytes,
    readOnly: volume.readOnly,
    directIo: false,
  };
}

export function isNbdOnly({ path }: { readonly path: string }): boolean {
  return !path.startsWith("/");
}

/** The server replaces the file in one step, and removes it with the rest when it stops. */
function readSpec(path: string): PoolSpec | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as PoolSpec;
  } catch {
    return undefined;
  }
}
