/** Segments, by type. */

import { integerOf, SectionReader } from "./config-read.ts";
import type { ConfigSection } from "./config-tree.ts";
import { isSection } from "./config-tree.ts";
import type { Discards, PoolMessage, Segment, Stripe } from "./model.ts";

const UINT32_MAX = 0xffff_ffff;
const DISCARDS = ["ignore", "nopassdown", "passdown"] as const;

export function parseSegment(section: ConfigSection, what: string): Segment {
  const reader = new SectionReader(section, what);
  const base = {
    startExtent: reader.count("start_extent", UINT32_MAX),
    extentCount: reader.count("extent_count", UINT32_MAX),
    tags: reader.strings("tags"),
  };
  const textType = reader.string("type");
  const known = readKnown(reader, textType);
  // The reader must have been asked for every known key before it is asked for the rest.
  if (known) return { ...base, ...known, extra: reader.rest() };
  return { ...base, type: "opaque", textType, extra: reader.rest() };
}

type Body<S> = S extends Segment
  ? Omit<S, "startExtent" | "extentCount" | "tags" | "extra">
  : never;

function readKnown(reader: SectionReader, textType: string): Body<Segment> | undefined {
  switch (textType) {
    case "striped":
    case "linear":
      return readStriped(reader);
    case "thin-pool":
      return readThinPool(reader);
    case "thin":
      return {
        type: "thin",
        pool: reader.string("thin_pool"),
        transactionId: reader.count("transaction_id"),
        deviceId: reader.count("device_id", UINT32_MAX),
        origin: reader.optionalString("origin"),
        ...optionalMerge(reader),
      };
    default:
      return undefined;
  }
}

function optionalMerge(reader: SectionReader): { readonly mergeInto?: string } {
  const mergeInto = reader.optionalString("merge");
  return mergeInto === undefined ? {} : { mergeInto };
}

function readStriped(reader: SectionReader): Body<Segment> {
  const stripeCount = reader.count("stripe_count", UINT32_MAX);
  const stripes = readPairs(reader, "stripes");
  if (stripes.length !== stripeCount || stripeCount === 0) {
    reader.fail(`stripe_count is ${stripeCount}, but ${stripes.length} stripes are listed`);
  }
  const stripeSectors = reader.optionalCount("stripe_size", UINT32_MAX) ?? 0;
  return { type: "striped", stripes, stripeSectors };
}

function readPairs(reader: SectionReader, key: string): Stripe[] {
  const items = reader.array(key);
  const pairs: Stripe[] = [];
  for (let index = 0; index < items.length; index += 2) {
    const name = items[index]!;
    const number = items[index + 1];
    const startExtent = number && integerOf(number);
    if (name.kind !== "string" || startExtent === undefined || startExtent < 0) {
      reader.fail(`${key} should list names and extents by turns`);
    }
    pairs.push({ target: name.text, startExtent });
  }
  return pairs;
}

function readThinPool(reader: SectionReader): Body<Segment> {
  return {
    type: "thin-pool",
    metadataLv: reader.string("metadata"),
    dataLv: reader.string("pool"),
    transactionId: reader.count("transaction_id"),
    chunkSectors: reader.count("chunk_size", UINT32_MAX),
    discards: readDiscards(reader),
    zeroNewBlocks: (reader.optionalCount("zero_new_blocks") ?? 0) !== 0,
    messages: readMessages(reader),
  };
}

function readDiscards(reader: SectionReader): Discards {
  // A pool made before LVM knew the setting has no key, and means "ignore".
  const name = reader.optionalString("discards") ?? "ignore";
  return DISCARDS.find((known) => known === name) ?? reader.fail(`discards "${name}" is unknown`);
}

function readMessages(reader: SectionReader): PoolMessage[] {
  const keys = reader.section.entries
    .filter((entry) => isSection(entry) && entry.key.startsWith("message"))
    .map((entry) => entry.key);
  return keys.map((key) => {
    const message = new SectionReader(reader.optionalSection(key)!, key);
    const lv = message.optionalString("create");
    const deviceId = message.optionalCount("delete", UINT32_MAX);
    if (message.rest().length > 0 || (lv === undefined) === (deviceId === undefined)) {
      reader.fail(`${key} is neither a create nor a delete`);
    }
    return lv === undefined ? { kind: "delete", deviceId: deviceId! } : { kind: "create", lv };
  });
}
