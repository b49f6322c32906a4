import type { ServedFiles } from "./served-files.ts";
import type { VolumeSpec } from "./spec.ts";
import type { VolumeBody } from "./volume.ts";

/**
 * What has to happen to the served LVs, checked before anything does: an open LV is not taken away.
 */
export function planVolumes(
  wanted: readonly VolumeSpec[],
  files: ServedFiles,
): { apply(body: (volume: VolumeSpec) => VolumeBody): void } {
  const names = new Set(wanted.map((volume) => volume.name));
  const gone = files.specs().filter((volume) => !names.has(volume.name));
  for (const volume of wanted) {
    const served = files.get(volume.name);
    if (served !== undefined && served.deviceId !== volume.deviceId) gone.push(served);
  }
  for (const volume of gone) files.requireClosed(volume.name);
  return {
    apply: (body) => {
      for (const volume of gone) files.remove(volume.name);
      for (const volume of wanted) {
        if (files.get(volume.name) === undefined) files.add(volume, body(volume));
        else files.update(volume.name, volume);
      }
    },
  };
}
