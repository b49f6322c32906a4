export { backupText } from "./backup.ts";
export { deadServers } from "./dead-servers.ts";
export { VolumeGroups } from "./volume-groups.ts";
export type {
  ActivationCount,
  LeftOver,
  LvName,
  ThinSnapshotRequest,
  VolumeGroupsForBricks,
  VolumeGroupsOptions,
} from "./volume-groups.ts";
export type { ActivatedLv } from "./activation.ts";
export type { Step } from "./host.ts";
export type { Extension } from "./lv-change.ts";
export type { MadeLv, NewLinear, NewThin } from "./lv-create.ts";
export type { LvOfDevice } from "./lv-of-device.ts";
export type { LvStatus, PoolStatusOfVg } from "./lv-status.ts";
export { overprovisioningWarnings } from "./overprovisioning.ts";
export type { FoundPv } from "./pv-scan.ts";
export type { Dialogue, NewPvOptions } from "./pv-verbs.ts";
export { findSignatures, wipeSignature, zeroStart, type Signature } from "./signatures.ts";
export { VgError } from "./vg-error.ts";
export type { VgErrorCode } from "./vg-error.ts";
export type { LvState, MachineView, VgView } from "./vg-view.ts";
export type { NewVgOptions } from "./vg-verbs.ts";
export { frozen } from "@mortar/linux";
export type { FreezeOptions, FrozenResult } from "@mortar/linux";
export * from "./lvm-model.ts";
