/** The text of a group as LVM's backup files have it. */
import { hostname, machine, release, type, version } from "node:os";
import { printMetadataText, type VolumeGroup } from "@mortar/lvm2";

/** What `vgcfgrestore` of LVM reads. `description` is the command that asked for it. */
export function backupText(vg: VolumeGroup, description: string): string {
  return printMetadataText(vg, {
    form: "backup",
    description,
    generator: "Mortar",
    now: Math.floor(Date.now() / 1000),
    host: hostname(),
    hostDescription: `${type()} ${hostname()} ${release()} ${version()} ${machine()}`,
  });
}
