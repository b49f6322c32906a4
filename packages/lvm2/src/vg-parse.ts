/**
 * From text to model. Keys that are not known are kept in `extra`; status flags that are not known
 * are an error; a segment type that is not known is kept as an opaque segment.
 */

import { parseConfig } from "./config-parse.ts";
import { SectionReader } from "./config-read.ts";
import type { ConfigSection } from "./config-tree.ts";
import { isSection } from "./config-tree.ts";
import { Lvm2Error } from "./errors.ts";
import { checkStatusFlags } from "./flags.ts";
import type { AllocationPolicy, LogicalVolume, PhysicalVolume, VolumeGroup } from "./model.ts";
import { parseSegment } from "./segment-parse.ts";
import { validateVolumeGroup } from "./validate.ts";

const CONTENTS = "Text Format Volume Group";
const FORMAT_VERSION = 1;
const UINT32_MAX = 0xffff_ffff;
const POLICIES = ["contiguous", "cling", "cling_by_tags", "normal", "anywhere", "inherit"] as const;

export interface MetadataText {
  readonly vg: VolumeGroup;
  /** The command that made the text. */
  readonly description: string;
  readonly creationHost: string;
  /** Seconds since 1970; 0 when absent. */
  readonly creationTime: number;
}

/** Either form of text: as on the medium, or as in a backup file. The group is validated. */
export function parseMetadataText(
  text: string,
  options: { readonly device?: string } = {},
): MetadataText {
  const { device } = options;
  try {
    return readTop(parseConfig(text, device));
  } catch (error) {
    if (!(error instanceof Lvm2Error) || device === undefined || error.device !== undefined)
      throw error;
    const { code, message, line } = error;
    throw new Lvm2Error(code, `${device}: ${message}`, {
      cause: error,
      device,
      ...(line === undefined ? {} : { line }),
    });
  }
}

function readTop(top: ConfigSection): MetadataText {
  const header: SectionReader = new SectionReader(top, "metadata text");
  if (header.string("contents") !== CONTENTS) header.fail(`contents should be "${CONTENTS}"`);
  if (header.count("version") !== FORMAT_VERSION)
    header.fail(`version should be ${FORMAT_VERSION}`);
  const groups = top.entries.filter(isSection);
  const [group] = groups;
  if (!group || groups.length > 1) header.fail(`one volume group expected, ${groups.length} found`);
  const vg = readGroup(group);
  validateVolumeGroup(vg);
  return {
    vg,
    description: header.optionalString("description") ?? "",
    creationHost: header.optionalString("creation_host") ?? "",
    creationTime: header.optionalCount("creation_time") ?? 0,
  };
}

function readGroup(section: ConfigSection): VolumeGroup {
  const what = `volume group "${section.key}"`;
  const reader = new SectionReader(section, what);
  const status = reader.strings("status");
  checkStatusFlags("vg", status, what);
  const physical = reader.optionalSection("physical_volumes");
  const logical = reader.optionalSection("logical_volumes");
  const vg = {
    name: section.key,
    id: reader.string("id"),
    seqno: reader.count("seqno", UINT32_MAX),
    format: reader.optionalString("format") ?? "lvm2",
    status,
    flags: reader.strings("flags"),
    tags: reader.strings("tags"),
    systemId: reader.optionalString("system_id") ?? "",
    lockType: reader.optionalString("lock_type") ?? "",
    extentSectors: reader.count("extent_size", UINT32_MAX),
    maxLv: reader.optionalCount("max_lv", UINT32_MAX) ?? 0,
    maxPv: reader.optionalCount("max_pv", UINT32_MAX) ?? 0,
    allocationPolicy: policy(reader, "normal"),
    metadataCopies: reader.optionalCount("metadata_copies", UINT32_MAX) ?? 0,
    physicalVolumes: sections(physical, reader).map(readPv),
    logicalVolumes: sections(logical, reader).map(readLv),
  };
  return { ...vg, extra: reader.rest() };
}

function sections(parent: ConfigSection | undefined, reader: SectionReader): ConfigSection[] {
  return (parent?.entries ?? []).map((entry) =>
    isSection(entry) ? entry : reader.fail(`"${entry.key}" should be a section`, entry.line),
  );
}

function policy(reader: SectionReader, fallback: AllocationPolicy): AllocationPolicy {
  const name = reader.optionalString("allocation_policy");
  if (name === undefined) return fallback;
  return (
    POLICIES.find((known) => known === name) ??
    reader.fail(`allocation_policy "${name}" is unknown`)
  );
}

function readPv(section: ConfigSection): PhysicalVolume {
  const what = `physical volume "${section.key}"`;
  const reader = new SectionReader(section, what);
  const status = reader.strings("status");
  checkStatusFlags("pv", status, what);
  const pv = {
    key: section.key,
    id: reader.string("id"),
    device: reader.optionalString("device") ?? "",
    status,
    flags: reader.strings("flags"),
    tags: reader.strings("tags"),
    deviceSectors: reader.optionalCount("dev_size") ?? 0,
    extentStartSectors: reader.count("pe_start"),
    extentCount: reader.count("pe_count", UINT32_MAX),
  };
  return { ...pv, extra: reader.rest() };
}

function readLv(section: ConfigSection): LogicalVolume {
  const what = `logical volume "${section.key}"`;
  const reader = new SectionReader(section, what);
  const status = reader.strings("status");
  checkStatusFlags("lv", status, what);
  const segmentCount = reader.count("segment_count", UINT32_MAX);
  const present = section.entries.filter((entry) => /^segment\d+$/.test(entry.key)).length;
  if (present !== segmentCount) {
    reader.fail(`segment_count is ${segmentCount}, but there are ${present} segments`);
  }
  const segments = Array.from({ length: segmentCount }, (_, index) => {
    const key = `segment${index + 1}`;
    const found = reader.optionalSection(key);
    return found ? parseSegment(found, `${what} ${key}`) : reader.fail(`${key} is missing`);
  });
  const lv = {
    name: section.key,
    id: reader.string("id"),
    status,
    flags: reader.strings("flags"),
    tags: reader.strings("tags"),
    creationTime: reader.optionalCount("creation_time") ?? 0,
    creationHost: reader.optionalString("creation_host") ?? "",
    allocationPolicy: policy(reader, "inherit"),
    segments: segments.toSorted((a, b) => a.startExtent - b.startExtent),
  };
  return { ...lv, extra: reader.rest() };
}
