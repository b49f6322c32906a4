/** Columns of kinds of volume that Mortar does not make: there, as with LVM, but empty. */
import { fields, flag, type FieldKind, type FieldRow, type ReportField } from "./report-field.ts";

/** name, heading, least width, value */
const EMPTY: readonly (readonly [string, string, number, string])[] = [
  ["raid_mismatch_count", "Mismatches", 10, ""],
  ["raid_sync_action", "SyncAction", 10, ""],
  ["raid_write_behind", "WBehind", 7, ""],
  ["raid_min_recovery_rate", "MinSync", 7, ""],
  ["raid_max_recovery_rate", "MaxSync", 7, ""],
  ["raidintegritymode", "IntegMode", 9, ""],
  ["raidintegrityblocksize", "IntegBlkSize", 12, "-1"],
  ["integritymismatches", "IntegMismatches", 15, ""],
  ["move_pv", "Move", 4, ""],
  ["move_pv_uuid", "Move UUID", 38, ""],
  ["convert_lv", "Convert", 7, ""],
  ["convert_lv_uuid", "Convert UUID", 38, ""],
  ["mirror_log", "Log", 3, ""],
  ["mirror_log_uuid", "Log UUID", 38, ""],
  ["lv_profile", "LProfile", 8, ""],
  ["lv_lockargs", "LLockArgs", 9, ""],
  ["lv_time_removed", "RTime", 26, ""],
  ["writecache_block_size", "WCacheBlkSize", 13, "-1"],
  ["snap_percent", "Snap%", 6, ""],
  ["copy_percent", "Cpy%Sync", 8, ""],
  ["sync_percent", "Cpy%Sync", 8, ""],
  ["cache_total_blocks", "CacheTotalBlocks", 16, ""],
  ["cache_used_blocks", "CacheUsedBlocks", 16, ""],
  ["cache_dirty_blocks", "CacheDirtyBlocks", 16, ""],
  ["cache_read_hits", "CacheReadHits", 16, ""],
  ["cache_read_misses", "CacheReadMisses", 16, ""],
  ["cache_write_hits", "CacheWriteHits", 16, ""],
  ["cache_write_misses", "CacheWriteMisses", 16, ""],
  ["kernel_cache_settings", "KCacheSettings", 18, ""],
  ["kernel_cache_policy", "KCachePolicy", 18, ""],
  ["kernel_metadata_format", "KMFmt", 5, ""],
  ["vdo_operating_mode", "VDOOperatingMode", 16, ""],
  ["vdo_compression_state", "VDOCompressionState", 19, ""],
  ["vdo_index_state", "VDOIndexState", 13, ""],
  ["vdo_used_size", "VDOUsedSize", 11, ""],
  ["vdo_saving_percent", "VDOSaving%", 10, ""],
  ["writecache_total_blocks", "WCacheTotalBlocks", 17, ""],
  ["writecache_free_blocks", "WCacheFreeBlocks", 16, ""],
  ["writecache_writeback_blocks", "WCacheWritebackBlocks", 21, ""],
  ["writecache_error", "WCacheErrors", 12, ""],
  ["reshape_len", "RSize", 5, ""],
  ["reshape_len_le", "RSize", 5, ""],
  ["data_offset", "DOff", 4, ""],
  ["new_data_offset", "NOff", 4, ""],
  ["parity_chunks", "#Par", 4, ""],
  ["cache_metadata_format", "CMFmt", 5, ""],
  ["cache_mode", "CacheMode", 9, ""],
  ["cache_policy", "CachePolicy", 11, ""],
  ["cache_settings", "CacheSettings", 13, ""],
  ["vdo_compression", "VDOCompression", 14, ""],
  ["vdo_deduplication", "VDODeduplication", 16, ""],
  ["vdo_use_metadata_hints", "VDOMetadataHints", 16, ""],
  ["vdo_minimum_io_size", "VDOMinimumIOSize", 16, ""],
  ["vdo_block_map_cache_size", "VDOBlockMapCacheSize", 20, ""],
  ["vdo_block_map_era_length", "VDOBlockMapEraLength", 20, ""],
  ["vdo_use_sparse_index", "VDOSparseIndex", 14, ""],
  ["vdo_index_memory_size", "VDOIndexMemorySize", 18, ""],
  ["vdo_slab_size", "VDOSlabSize", 11, ""],
  ["vdo_ack_threads", "VDOAckThreads", 13, ""],
  ["vdo_bio_threads", "VDOBioThreads", 13, ""],
  ["vdo_bio_rotation", "VDOBioRotation", 14, ""],
  ["vdo_cpu_threads", "VDOCPUThreads", 13, ""],
  ["vdo_hash_zone_threads", "VDOHashZoneThreads", 18, ""],
  ["vdo_logical_threads", "VDOLogicalThreads", 17, ""],
  ["vdo_physical_threads", "VDOPhysicalThreads", 18, ""],
  ["vdo_max_discard", "VDOMaxDiscard", 13, ""],
  ["vdo_write_policy", "VDOWritePolicy", 14, ""],
  ["vdo_header_size", "VDOHeaderSize", 13, ""],
];

/** Yes-or-no columns: no here, or not known. */
const NEVER: readonly (readonly [string, string, number, false | undefined])[] = [
  ["lv_initial_image_sync", "InitImgSyn", 10, false],
  ["lv_image_synced", "ImgSynced", 10, false],
  ["lv_converting", "Converting", 10, false],
  ["lv_historical", "Historical", 10, false],
  ["lv_merge_failed", "MergeFailed", 15, undefined],
  ["lv_snapshot_invalid", "SnapInvalid", 15, undefined],
];

export const emptyFields: readonly ReportField[] = fields([
  ...EMPTY.map(([name, heading, width, value]) => {
    const kind: FieldKind = value === "" ? "string" : "number";
    return [name, heading, width, kind, value] as const;
  }),
  ...NEVER.map(([name, heading, width, is]) => {
    return [name, heading, width, "yes-or-no", (_, format) => flag("", is, format)] as const;
  }) satisfies readonly FieldRow[],
]);
