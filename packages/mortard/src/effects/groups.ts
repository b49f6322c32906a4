import type { VolumeGroups } from "@mortar/vg";
import type { StorageGroups } from "./brick-storage.ts";

/** What bricks need of the volume groups of this machine. */
export type Groups = Pick<
  VolumeGroups,
  | "lvOfDevice" | "lvStatus" | "poolStatus" | "createThinSnapshot" | "removeLv" | "activateLv"
  | "reclaimable"
>;

/** What the whole node needs of them. */
export type NodeGroups = Groups & StorageGroups;
