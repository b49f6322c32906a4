export { backupText } from "./backup.ts";
export { archivesOf, fileRecorder } from "./commit-recorder.ts";
export type { ArchiveFile, CommitRecorder } from "./commit-recorder.ts";
export { activateBootGroups, attachFiles, isFirstUp, markUp } from "./boot.ts";
export type { BootOptions, BroughtBack } from "./boot.ts";
export { bootRecorder } from "./boot-groups.ts";
export type { AttachedFiles, BootRecorder } from "./boot-groups.ts";
export { deadServers, replaceServers } from "./pool-servers.ts";
export type { ReplacedServer } from "./pool-servers.ts";
export { VolumeGroups } from "./volume-groups.ts";
export type { ActivationCount, LeftOver } from "./group-activation.ts";
export type { MergedLv } from "./lv-merge.ts";
export type {
  LvName,
  ThinSnapshotRequest,
  VolumeGroupsOptions,
} from "./volume-groups.ts";
export type { ActivatedLv } from "./activation.ts";
export { readDeviceFilter, readPlainFiles } from "./device-settings.ts";
export { ENGINE_CHOICES, engineChoiceOf } from "./engine-choice.ts";
export type { EngineChoice, EngineName } from "./engine-choice.ts";
export { kernelObstacle } from "./engine.ts";
export type { Step } from "./host.ts";
export type { Extension } from "./lv-change.ts";
export type { MadeLv, NewLinear, NewThin } from "./lv-create.ts";
export type { LvOfDevice } from "./lv-of-device.ts";
export type { LvStatus, PoolStatusOfVg } from "./lv-status.ts";
export type { NbdExportOfLv, NbdPlace } from "./nbd-exports.ts";
export { parseAddress as parseNbdAddress } from "@mortar/pool";
export { overprovisioningWarnings } from "./overprovisioning.ts";
export type { FoundPv } from "./pv-scan.ts";
export type { Dialogue, NewPvOptions } from "./pv-verbs.ts";
export { findSignatures, wipeSignature, zeroStart, type Signature } from "./signatures.ts";
export { VgError } from "./vg-error.ts";
export type { VgErrorCode } from "./vg-error.ts";
export type { Growth } from "./pool-growth.ts";
export type {
  MetadataAccess, MetadataDevice, MetadataReplacement,
} from "./metadata-replacement.ts";
export { ailmentOf } from "./pool-ailment.ts";
export { readPoolEvents } from "@mortar/pool";
export type { PoolEvent } from "@mortar/pool";
export { poolJudgement } from "./pool-growth.ts";
export { snapshotCapacity } from "./snapshot-capacity.ts";
export type { SnapshotCapacity } from "./snapshot-capacity.ts";
export { DEFAULT_POLICY, poolBackupDirectory, readPoolSettings } from "./pool-policy.ts";
export type { PoolPolicy, PoolSettings } from "./pool-policy.ts";
export type { PoolReclaim } from "./pool-space.ts";
export type { LvSpace, LvState, MachineView, VgView } from "./vg-view.ts";
export type { NewVgOptions } from "./vg-verbs.ts";
export { frozen } from "@mortar/linux";
export type { FreezeOptions, FrozenResult } from "@mortar/linux";
export * from "./lvm-model.ts";
