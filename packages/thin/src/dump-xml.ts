/** The mappings of a pool as XML, in the very words of thin_dump, which thin_restore reads. */
import { requireOverrides } from "./geometry-overrides.ts";
import type { GeometryOverrides } from "./geometry-overrides.ts";
import type { MappingRuns } from "./mapping-runs.ts";
import { PoolReader } from "./pool-reader.ts";
import type { ReadOptions } from "./pool-reader.ts";
import { ThinError } from "./thin-error.ts";

export interface DumpOptions extends ReadOptions {
  /** Takes the text piece by piece. */
  readonly write: (text: string) => void;
  /** Only these; all when it is not given. */
  readonly deviceIds?: readonly number[] | undefined;
  /** Devices without their mappings. */
  readonly skipMappings?: boolean | undefined;
  readonly overrides?: GeometryOverrides | undefined;
}

const PIECE_LENGTH = 65_536;

/** Needs little memory whatever the size. Throws "corrupt" at the first damage. */
export function dumpXml(options: DumpOptions): void {
  const { write, deviceIds, skipMappings = false, overrides = {} } = options;
  requireOverrides(overrides);
  const pool = new PoolReader(options);
  const { superblock } = pool;
  const devices = pool.devices();
  const missing = deviceIds?.find((id) => devices.every((device) => device.id !== id));
  if (missing !== undefined) {
    throw new ThinError("device-missing", `the pool has no device ${missing}`);
  }
  const transactionId = overrides.transactionId ?? superblock.transactionId;
  const sectors = overrides.dataBlockSectors ?? superblock.dataBlockSectors;
  const dataBlocks = overrides.dataBlockCount ?? superblock.dataSpaceMap.blockCount;
  write(
    `<superblock uuid="" time="${superblock.time}" transaction="${transactionId}" ` +
      `flags="${superblock.flags}" version="${superblock.version}" ` +
      `data_block_size="${sectors}" nr_data_blocks="${dataBlocks}">\n`,
  );
  for (const device of devices) {
    if (deviceIds && !deviceIds.includes(device.id)) continue;
    const { mappedBlocks, transactionId: made, creationTime, snapshottedTime } = device.details;
    write(
      `  <device dev_id="${device.id}" mapped_blocks="${mappedBlocks}" transaction="${made}" ` +
        `creation_time="${creationTime}" snap_time="${snapshottedTime}">\n`,
    );
    if (!skipMappings) dumpMappings(pool.runs(device), write);
    write("  </device>\n");
  }
  write("</superblock>\n");
}

function dumpMappings(runs: MappingRuns, write: (text: string) => void): void {
  let text = "";
  while (runs.next()) {
    const { begin, dataBegin, length, time } = runs;
    text +=
      length === 1
        ? `    <single_mapping origin_block="${begin}" data_block="${dataBegin}" time="${time}"/>\n`
        : `    <range_mapping origin_begin="${begin}" data_begin="${dataBegin}" ` +
          `length="${length}" time="${time}"/>\n`;
    if (text.length < PIECE_LENGTH) continue;
    write(text);
    text = "";
  }
  write(text);
}
