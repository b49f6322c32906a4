/** Of what type a column is to `--select`: which operators and values it may be compared with. */
import type { FieldKind, ReportField } from "./report-field.ts";

export type SelectionType = "string" | "string list" | "number" | "size" | "percent" | "time";

const OF_KIND: Readonly<Record<FieldKind, SelectionType>> = {
  string: "string",
  number: "number",
  "yes-or-no": "number",
  size: "size",
  percent: "percent",
};

/** Columns whose printed text has another type than its alignment tells. */
const EXCEPTIONS: Readonly<Partial<Record<SelectionType, string>>> = {
  "string list":
    "lv_layout lv_role lv_ancestors lv_full_ancestors lv_descendants lv_full_descendants lv_tags " +
    "lv_modules kernel_cache_settings pv_tags vg_tags seg_tags seg_pe_ranges seg_le_ranges " +
    "seg_metadata_le_ranges devices metadata_devices cache_settings",
  number:
    "raid_mismatch_count " +
    "raid_write_behind raid_min_recovery_rate raid_max_recovery_rate integritymismatches " +
    "cache_total_blocks cache_used_blocks cache_dirty_blocks cache_read_hits " +
    "cache_read_misses cache_write_hits cache_write_misses kernel_metadata_format " +
    "vdo_used_size vdo_saving_percent " +
    "writecache_total_blocks writecache_free_blocks writecache_writeback_blocks " +
    "writecache_error reshape_len_le data_offset new_data_offset parity_chunks " +
    "cache_metadata_format vdo_compression vdo_deduplication vdo_use_metadata_hints " +
    "vdo_minimum_io_size vdo_block_map_era_length vdo_use_sparse_index vdo_ack_threads " +
    "vdo_bio_threads vdo_bio_rotation vdo_cpu_threads vdo_hash_zone_threads " +
    "vdo_logical_threads vdo_physical_threads vdo_max_discard",
  size:
    "reshape_len vdo_block_map_cache_size vdo_index_memory_size vdo_slab_size vdo_header_size",
  percent: "snap_percent copy_percent sync_percent",
  time: "lv_time lv_time_removed",
};

const exceptions = new Map<string, SelectionType>(
  Object.entries(EXCEPTIONS).flatMap(([type, names]) =>
    names.split(" ").map((name) => [name, type as SelectionType] as const),
  ),
);

export function selectionTypeOf(field: ReportField): SelectionType {
  return exceptions.get(field.name) ?? OF_KIND[field.kind];
}

/** Words for a value, by column: the first is how it is printed. `undefined` where none is known. */
export const VALUE_WORDS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  lv_permissions: [
    ["writeable", "rw", "read-write"],
    ["read-only", "r", "ro"],
    ["read-only-override", "ro-override", "r-override"],
  ],
  vg_permissions: [
    ["writeable", "rw", "read-write"],
    ["read-only", "r", "ro"],
  ],
  lv_when_full: [
    ["error", "error when full", "error if no space"],
    ["queue", "queue when full", "queue if no space"],
    ["", "undefined"],
  ],
  seg_monitor: [["", "undefined"]],
  lv_health_status: [["", "undefined"]],
  cache_policy: [["", "undefined"]],
  cache_mode: [["", "undefined"]],
  kernel_discards: [["", "undefined"]],
};

/** Words for yes, by column. Each such column knows `yes` and `no` too. */
export const YES_WORDS: Readonly<Record<string, readonly string[]>> = {
  pv_allocatable: ["allocatable"],
  pv_exported: ["exported"],
  pv_missing: ["missing"],
  pv_in_use: ["used", "in use"],
  pv_duplicate: ["duplicate"],
  vg_extendable: ["extendable"],
  vg_exported: ["exported"],
  vg_partial: ["partial"],
  vg_clustered: ["clustered"],
  vg_shared: ["shared"],
  vg_autoactivation: ["enabled"],
  lv_initial_image_sync: ["initial image sync", "sync"],
  lv_image_synced: ["image synced", "synced"],
  lv_merging: ["merging"],
  lv_converting: ["converting"],
  lv_allocation_locked: ["allocation locked", "locked"],
  lv_fixed_minor: ["fixed minor", "fixed"],
  lv_skip_activation: ["skip activation", "skip"],
  lv_autoactivation: ["enabled"],
  lv_active_locally: ["active locally", "active", "locally"],
  lv_active_remotely: ["active remotely", "active", "remotely"],
  lv_active_exclusively: ["active exclusively", "active", "exclusively"],
  lv_merge_failed: ["merge failed", "failed"],
  lv_snapshot_invalid: ["snapshot invalid", "invalid"],
  lv_suspended: ["suspended"],
  lv_live_table: ["live table present", "live table", "live"],
  lv_inactive_table: ["inactive table present", "inactive table", "inactive"],
  lv_device_open: ["open"],
  lv_check_needed: ["check needed", "needed"],
  lv_historical: ["historical"],
  zero: ["zero"],
};

export const UNDEFINED_WORDS: readonly string[] = ["-1", "unknown", "undefined", "undef"];
