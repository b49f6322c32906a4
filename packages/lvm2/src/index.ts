export { Lvm2Error } from "./errors.ts";
export type { Lvm2ErrorCode } from "./errors.ts";
export type { PvDevice } from "./device.ts";
export type {
  AllocationPolicy,
  Discards,
  LogicalVolume,
  OpaqueSegment,
  PhysicalVolume,
  PoolMessage,
  Provenance,
  Segment,
  Stripe,
  StripedSegment,
  ThinPool,
  ThinPoolSegment,
  ThinSegment,
  ThinVolume,
  VolumeGroup,
} from "./model.ts";
export type { ConfigEntry, ConfigSection, ConfigValue } from "./config-tree.ts";
export { isSection } from "./config-tree.ts";
export { parseConfig } from "./config-parse.ts";

export { compactId, expandId, isLvmId, newLvmId } from "./lvm-id.ts";
export {
  autoLvName,
  checkLvName,
  checkNewLvName,
  checkTag,
  checkVgName,
  deviceMapperName,
  isValidName,
  splitLvPath,
} from "./names.ts";
export {
  extentsFromSectors,
  parseExtentsArgument,
  parseSizeArgument,
  percentOfExtents,
} from "./size-argument.ts";
export type { ExtentsArgument, PercentBase, Sign, SizeArgument } from "./size-argument.ts";
export { formatPercent, formatSize, isSizeUnit } from "./size-print.ts";
export type { SizeFormat } from "./size-print.ts";

export { isInUse } from "./label.ts";
export type { Area, Label } from "./label.ts";
export { readLabel } from "./label-read.ts";
export { initialisePhysicalVolume, markInUse, wipeLabel, writeLabel } from "./label-write.ts";
export type { NewPhysicalVolumeLayout } from "./label-write.ts";
export type { MetadataArea, TextLocation } from "./metadata-area.ts";
export { textSizeMax } from "./metadata-area.ts";
export { readMetadataArea, readText } from "./metadata-area-read.ts";
export {
  clearText,
  commitStagedText,
  commitText,
  precommitText,
  revertText,
  stageText,
} from "./metadata-area-write.ts";
export type { CommitTarget, StagedText } from "./metadata-area-write.ts";
export { readPhysicalVolume } from "./physical-volume.ts";
export type { PvContents } from "./physical-volume.ts";

export { parseMetadataText } from "./vg-parse.ts";
export type { MetadataText } from "./vg-parse.ts";
export { printMetadataText } from "./vg-print.ts";
export { rememberText } from "./recent-texts.ts";
export type { PrintOptions } from "./vg-print.ts";
export { validateVolumeGroup } from "./validate.ts";

export {
  asThinPool,
  asThinVolume,
  checkRemovable,
  extentBytes,
  findLv,
  findPv,
  findThinPool,
  findThinVolume,
  hasActivationSkip,
  isErrorWhenFull,
  isMetadataSpare,
  isReadOnly,
  isVisible,
  lvExtentCount,
  lvSectors,
  poolOfHidden,
  requireLv,
  requireThinPool,
  requireThinVolume,
  SECTOR_BYTES,
  snapshotsOf,
  thinPools,
  thinVolumesOf,
  totalExtentCount,
} from "./vg-query.ts";
export { freeExtentCount, freeRuns, runsOfSegment, usedExtentCount } from "./extents.ts";
export type { ExtentRun } from "./extents.ts";
export { byteSegments } from "./byte-segments.ts";
export type { ByteSegment } from "./byte-segments.ts";

export {
  createVolumeGroup,
  DEFAULT_EXTENT_SECTORS,
  extendVolumeGroup,
  newPhysicalVolume,
  reduceVolumeGroup,
  renameVolumeGroup,
} from "./group.ts";
export type { NewPhysicalVolume } from "./group.ts";
export {
  changeGroupTags,
  changePvTags,
  renewGroupId,
  setAllocatable,
  setAllocationPolicy,
  setExported,
  setGroupAutoactivation,
  setMaxLvs,
  setMaxPvs,
  setResizeable,
} from "./change-group.ts";
export type { TagChange } from "./change-group.ts";
export { shrinkLogicalVolume } from "./shrink-lv.ts";
export { createLinear, wholeRows } from "./linear.ts";
export { roundedToStripes, STRIPE_SECTORS_DEFAULT, stripingOf } from "./striped.ts";
export type { Striping } from "./striped.ts";
export type { NewLvOptions } from "./linear.ts";
export { choosePoolSizing } from "./pool-sizing.ts";
export type { PoolSizing } from "./pool-sizing.ts";
export { createThinPool, extendPoolMetadata } from "./thin-pool.ts";
export type { CreatedPool, NewThinPool } from "./thin-pool.ts";
export { createThin, createThinSnapshot } from "./thin-volume.ts";
export { mergeSnapshot, mergingSnapshotOf, requireMergeable, scheduleMerge } from "./merge.ts";
export { removeLogicalVolume } from "./remove.ts";
export { replacePoolMetadata, withSpareFor } from "./replace-metadata.ts";
export type { ReplacedMetadata } from "./replace-metadata.ts";
export type { Removed } from "./remove.ts";
export {
  addTags,
  extendLogicalVolume,
  removeTags,
  renameLogicalVolume,
  setActivationSkip,
  setDiscards,
  setErrorWhenFull,
  setReadOnly,
  setZeroNewBlocks,
} from "./change-lv.ts";
export { requireChangeable, stripMessages, withNextSeqno } from "./vg-edit.ts";
export type { Created } from "./vg-edit.ts";
