export type { BlockDevice } from "./block-device.ts";
export { BufferJournal } from "./buffer-journal.ts";
export { JOURNAL_BASE_BYTES, MemoryJournal, UNMAPPED } from "./mapping-journal.ts";
export type { MappingJournal, MappingRecord } from "./mapping-journal.ts";
export type {
  DeviceStatus, DiscardMode, FormatOptions, OpenOptions, PoolMessage, PoolMode, PoolStatus,
} from "./pool-options.ts";
export type { ThinDevice } from "./thin-device.ts";
export { ThinError } from "./thin-error.ts";
export type { ThinErrorCode } from "./thin-error.ts";
export { ThinPool } from "./thin-pool.ts";
export { checkPool } from "./check-pool.ts";
export type { PoolCheck } from "./check-pool.ts";
export type { Defect, DefectSeverity } from "./check-report.ts";
export { dumpXml } from "./dump-xml.ts";
export type { DumpOptions } from "./dump-xml.ts";
