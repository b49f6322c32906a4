/** The volume groups of this machine, for tools that read a pool which may be active. */
import { VolumeGroups, readDeviceFilter, readPlainFiles } from "@mortar/vg";
import { join } from "node:path";

export interface LiveGroups extends Pick<VolumeGroups, "withHeldMetadata"> {
  /** The paths of the physical volumes of a group; undefined when there is no such group. */
  disksOf(vgName: string): Promise<readonly string[] | undefined>;
}

export async function openGroups(root: string): Promise<LiveGroups> {
  const settings = join(root, "etc/mortar/mortar.json");
  const groups = await VolumeGroups.open({
    runDirectory: join(root, "run/mortar"),
    deviceFilter: readDeviceFilter(settings),
    files: readPlainFiles(settings),
  });
  return {
    withHeldMetadata: async (name, read) => await groups.withHeldMetadata(name, read),
    disksOf: async (vgName) => {
      const view = (await groups.view()).groups.find(({ vg }) => vg.name === vgName);
      return view && [...view.found.values()].map(({ path }) => path);
    },
  };
}
