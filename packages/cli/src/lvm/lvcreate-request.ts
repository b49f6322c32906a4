/**
 * What an `lvcreate` asks for. LVM tells its many forms apart by which options and operands are
 * there; the result here is one of four things to make.
 */
import { splitLvPath } from "@mortar/vg";
import type { CommandLine, OptionSpec } from "./command-line.ts";
import {
  activation,
  changeOptions,
  discards,
  extents,
  permission,
  tag,
  unsignedSize,
  yesNo,
} from "./common-options.ts";
import { badUsage, failed, LvmExit } from "./lvm-exit.ts";
import { noMatch } from "./names.ts";

export const lvcreateOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "activate", short: "a", value: true, check: activation },
  { long: "addtag", value: true, check: tag },
  { long: "alloc", value: true },
  { long: "chunksize", short: "c", value: true, check: unsignedSize },
  { long: "contiguous", short: "C", value: true, check: yesNo },
  { long: "discards", value: true, check: discards },
  { long: "errorwhenfull", value: true, check: yesNo },
  { long: "extents", short: "l", value: true, check: extents },
  { long: "ignoreactivationskip", short: "K" },
  { long: "ignoremonitoring" },
  { long: "metadataprofile", value: true },
  { long: "minor", value: true },
  { long: "mirrors", short: "m", value: true },
  { long: "monitor", value: true, check: yesNo },
  { long: "name", short: "n", value: true },
  { long: "permission", short: "p", value: true, check: permission },
  { long: "persistent", short: "M", value: true, check: yesNo },
  { long: "poolmetadatasize", value: true, check: unsignedSize },
  { long: "poolmetadataspare", value: true, check: yesNo },
  { long: "readahead", short: "r", value: true },
  { long: "setactivationskip", short: "k", value: true, check: yesNo },
  { long: "setautoactivation", value: true, check: yesNo },
  { long: "size", short: "L", value: true, check: unsignedSize },
  { long: "snapshot", short: "s" },
  { long: "stripes", short: "i", value: true, check: stripeCount },
  { long: "stripesize", short: "I", value: true, check: unsignedSize },
  { long: "thin", short: "T" },
  { long: "thinpool", value: true },
  { long: "type", value: true, check: knownType },
  { long: "virtualsize", short: "V", value: true, check: unsignedSize },
  { long: "wipesignatures", short: "W", value: true, check: yesNo },
  { long: "zero", short: "Z", value: true, check: yesNo },
];

function stripeCount(value: string): readonly string[] | undefined {
  return /^\d{1,9}$/.test(value) ? undefined : [];
}

const TYPES = ["linear", "striped", "thin", "thin-pool", "snapshot"];
const FOREIGN_TYPES = ["mirror", "raid", "cache", "vdo", "error", "zero", "writecache"];

function knownType(value: string): readonly string[] | undefined {
  if (TYPES.includes(value) || FOREIGN_TYPES.some((type) => value.startsWith(type))) {
    return undefined;
  }
  return [`WARNING: Unrecognised segment type ${value}`];
}

/** Size options, not yet turned into extents of the group. */
export interface SizeRequest {
  readonly size: string | undefined;
  readonly extents: string | undefined;
}

export type LvcreateRequest =
  | {
      readonly kind: "linear";
      readonly vgName: string;
      readonly name: string | undefined;
      readonly size: SizeRequest;
      readonly devices: readonly string[];
    }
  | {
      /** With `thin`: a pool and a thin volume in it. */
      readonly kind: "pool";
      readonly vgName: string;
      readonly pool: string | undefined;
      readonly size: SizeRequest;
      readonly devices: readonly string[];
      readonly thin: { readonly name: string | undefined; readonly size: string } | undefined;
    }
  | {
      readonly kind: "thin";
      readonly vgName: string;
      readonly pool: string;
      readonly name: string | undefined;
      readonly size: string;
    }
  | {
      readonly kind: "snapshot";
      readonly vgName: string;
      readonly origin: string;
      readonly name: string | undefined;
    };

interface Names {
  readonly vgName: string;
  /** The LV operand: a pool or an origin. */
  readonly lvName: string | undefined;
  /** `-n`, without its group. */
  readonly name: string | undefined;
  /** `--thinpool`, without its group. */
  readonly pool: string | undefined;
  readonly devices: readonly string[];
}

export function readLvcreate(line: CommandLine): LvcreateRequest {
  refuseUnsupported(line);
  const type = line.value("type");
  const names = readNames(line);
  const size: SizeRequest = { size: line.value("size"), extents: line.value("extents") };
  const isSized = size.size !== undefined || size.extents !== undefined;
  if (size.size !== undefined && size.extents !== undefined) {
    throw badUsage(line.tool, "Please specify either size or extents (not both).");
  }
  const virtual = line.value("virtualsize");
  if (virtual !== undefined) return readThin(line, names, virtual, isSized ? size : undefined);
  if (line.has("snapshot") || type === "snapshot" || type === "thin") {
    return readSnapshot(line, names, isSized);
  }
  if (line.has("thin") || line.has("thinpool") || type === "thin-pool") {
    if (!isSized) return readSnapshot(line, names, isSized);
    const pool = names.lvName ?? names.pool ?? names.name;
    const { vgName, devices } = names;
    return { kind: "pool", vgName, pool, size, devices, thin: undefined };
  }
  if (!isSized) throw noMatch(line.tool);
  if (names.lvName !== undefined) {
    throw badUsage(line.tool, "Volume group name expected (no slash)");
  }
  const { vgName, name, devices } = names;
  return { kind: "linear", vgName, name, size, devices };
}

function readThin(
  line: CommandLine,
  names: Names,
  virtual: string,
  size: SizeRequest | undefined,
): LvcreateRequest {
  const { vgName, name, devices } = names;
  const pool = names.pool ?? names.lvName;
  if (size !== undefined) {
    const thin = { name, size: virtual };
    return { kind: "pool", vgName, pool, size, devices, thin };
  }
  if (pool === undefined) throw badUsage(line.tool, "Please specify name of existing pool.");
  return { kind: "thin", vgName, pool, name, size: virtual };
}

function readSnapshot(line: CommandLine, names: Names, isSized: boolean): LvcreateRequest {
  const { vgName, lvName, name } = names;
  if (lvName === undefined) {
    throw badUsage(line.tool, "The origin name should include the volume group.");
  }
  if (isSized) {
    throw failed(
      "Snapshots with a size of their own (copy-on-write) are not supported: leave the size away " +
        "for a snapshot of a thin volume.",
    );
  }
  return { kind: "snapshot", vgName, origin: lvName, name };
}

/** Options that would make another thing than what is made here are refused, never ignored. */
function refuseUnsupported(line: CommandLine): void {
  const refuse = (what: string) => failed(`${what} is not supported: nothing was made.`);
  const type = line.value("type");
  if (type !== undefined && !TYPES.includes(type)) throw refuse(`Segment type ${type}`);
  if (Number(line.value("mirrors") ?? 0) !== 0) throw refuse("Mirroring");
  if (line.value("persistent") === "y") throw refuse("A persistent device number");
  if (line.value("contiguous") === "y") throw refuse("Contiguous allocation");
  if (line.value("setautoactivation") === "n") throw refuse("Disabling autoactivation");
  const policy = line.value("alloc") ?? "inherit";
  if (policy !== "inherit" && policy !== "normal") throw refuse(`Allocation policy ${policy}`);
}

/** Each name may carry the group; all that do must agree. */
function readNames(line: CommandLine): Names {
  const [operand, ...devices] = line.names;
  const named = line.value("name");
  const pooled = line.value("thinpool");
  const parts = [operand, named, pooled].map((text, index) =>
    text === undefined ? undefined : partsOf(text, index === 0),
  );
  const [first, own, pool] = parts;
  const groups = parts.flatMap((part) => part?.vgName ?? []);
  const [vgName] = groups;
  if (vgName === undefined) throw noMatch(line.tool);
  const other = groups.find((group) => group !== vgName);
  if (other !== undefined) {
    throw badUsage(line.tool, `Inconsistent volume group names given: "${other}" and "${vgName}"`);
  }
  if (own?.lvName === "" || pool?.lvName === "") throw new LvmExit(3, ["  Missing LV name."]);
  return {
    vgName,
    lvName: first?.lvName,
    name: own?.lvName,
    pool: pool?.lvName,
    devices,
  };
}

/** A bare word is a group when it is the operand, and a volume when it is an option's value. */
function partsOf(
  text: string,
  bareIsGroup: boolean,
): { vgName: string | undefined; lvName: string | undefined } {
  if (!text.includes("/")) {
    return bareIsGroup
      ? { vgName: text, lvName: undefined }
      : { vgName: undefined, lvName: text };
  }
  return splitLvPath(text);
}
