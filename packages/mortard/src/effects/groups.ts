import type { VolumeGroups } from "@mortar/vg";

/** What bricks need of the volume groups of this machine. */
export type Groups = Pick<
  VolumeGroups,
  "lvOfDevice" | "lvStatus" | "poolStatus" | "createThinSnapshot" | "removeLv" | "activateLv"
>;

/** What the whole node needs of them. */
export type NodeGroups = Groups & Pick<VolumeGroups, "reclaimable">;
