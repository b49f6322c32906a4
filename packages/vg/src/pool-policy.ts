/**
 * How the thin pools of this node are kept from running full, from its configuration:
 *
 *     ROOT/etc/mortar/mortar.json   { "thinPools": { "autoextendThreshold": 80, … } }
 *     ROOT/etc/lvm/lvm.conf         activation { thin_pool_autoextend_threshold = 80 … }
 *
 * The first that says something holds; unlike LVM, pools are extended where neither does.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isSection, parseConfig, type ConfigSection } from "@mortar/lvm2";
import { DEFAULT_PROTECTION, type PoolProtection } from "@mortar/pool";
import { VgError } from "./vg-error.ts";

export interface PoolPolicy {
  /** Fill of data or metadata in percent above which a pool grows. 100: never. */
  readonly thresholdPercent: number;
  /** By how much of its size. */
  readonly extendPercent: number;
  readonly noSpaceTimeoutMs: number;
  /** What extends a pool when VG/POOL is appended; empty: nobody does by itself. */
  readonly extendCommand: readonly string[];
  /** Below it each pool has a directory VG-POOL for copies of its metadata; absent: none are made. */
  readonly backupDirectory?: string | undefined;
  readonly backupsKept: number;
  readonly backupEveryMs: number;
}

export type PoolSettings = Partial<
  Pick<
    PoolPolicy,
    "thresholdPercent" | "extendPercent" | "noSpaceTimeoutMs" | "backupsKept" | "backupEveryMs"
  >
>;

/** LVM's least. */
const THRESHOLD_MIN = 50;

export const DEFAULT_POLICY: PoolPolicy = {
  thresholdPercent: DEFAULT_PROTECTION.thresholdPercent,
  extendPercent: 20,
  noSpaceTimeoutMs: DEFAULT_PROTECTION.noSpaceTimeoutMs,
  extendCommand: [],
  backupsKept: 8,
  backupEveryMs: 15 * 60_000,
};

/** What the configuration below `root` says. Throws VgError `damaged` that names the file. */
export function readPoolSettings(root: string): PoolSettings {
  return {
    ...fromLvmConf(join(root, "etc/lvm/lvm.conf")),
    ...fromMortarJson(join(root, "etc/mortar/mortar.json")),
  };
}

/** The same of a text in LVM's grammar, such as the value of `--config`. */
export function poolSettingsOfLvmText(text: string, name: string): PoolSettings {
  let config: ConfigSection;
  try {
    config = parseConfig(text, name);
  } catch (error) {
    throw new VgError("damaged", (error as Error).message, { cause: error });
  }
  const threshold = integerAt(config, "thin_pool_autoextend_threshold");
  const percent = integerAt(config, "thin_pool_autoextend_percent");
  return {
    ...(threshold !== undefined && {
      thresholdPercent: Math.min(Math.max(threshold, THRESHOLD_MIN), 100),
    }),
    ...(percent !== undefined && { extendPercent: Math.max(percent, 0) }),
  };
}

/** What the server of a pool is told. */
export function protectionOf(policy: PoolPolicy, vgName: string, poolName: string): PoolProtection {
  const { thresholdPercent, noSpaceTimeoutMs, extendCommand, backupDirectory } = policy;
  const isExtended = extendCommand.length > 0 && policy.extendPercent > 0;
  return {
    thresholdPercent,
    noSpaceTimeoutMs,
    extendCommand: isExtended ? [...extendCommand, `${vgName}/${poolName}`] : [],
    ...(backupDirectory !== undefined &&
      policy.backupsKept > 0 && {
        backups: {
          directory: poolBackupDirectory(backupDirectory, vgName, poolName),
          keep: policy.backupsKept,
          everyMs: policy.backupEveryMs,
        },
      }),
  };
}

/** Hyphens inside a name are doubled, as in the run directory. */
export function poolBackupDirectory(base: string, vgName: string, poolName: string): string {
  return join(base, `${vgName.replaceAll("-", "--")}-${poolName.replaceAll("-", "--")}`);
}

/** `activation { key = 1 }` and `activation/key = 1` are the same. */
function integerAt(config: ConfigSection, key: string): number | undefined {
  const sections = config.entries.filter(
    (entry): entry is ConfigSection => isSection(entry) && entry.key === "activation",
  );
  const named = [
    ...config.entries.filter((entry) => entry.key === `activation/${key}`),
    ...sections.flatMap((section) => section.entries.filter((entry) => entry.key === key)),
  ];
  const last = named.at(-1);
  if (last === undefined || isSection(last) || last.value.kind !== "integer") return undefined;
  return Number(last.value.text);
}

function fromLvmConf(path: string): PoolSettings {
  const text = textOf(path);
  if (text === undefined) return {};
  try {
    return poolSettingsOfLvmText(text, path);
  } catch (error) {
    // It is LVM's file, and LVM complains of it; a pool is protected as where there is none.
    if (error instanceof VgError) return {};
    throw error;
  }
}

interface Member {
  readonly min: number;
  readonly max: number;
  readonly apply: (value: number) => PoolSettings;
}

const MEMBERS: Readonly<Record<string, Member>> = {
  autoextendThreshold: { min: 50, max: 100, apply: (thresholdPercent) => ({ thresholdPercent }) },
  autoextendPercent: { min: 0, max: 1000, apply: (extendPercent) => ({ extendPercent }) },
  noSpaceTimeoutSeconds: {
    min: 0,
    max: 3600,
    apply: (seconds) => ({ noSpaceTimeoutMs: seconds * 1000 }),
  },
  metadataBackupsKept: { min: 0, max: 1000, apply: (backupsKept) => ({ backupsKept }) },
  metadataBackupMinutes: {
    min: 1,
    max: 1440,
    apply: (minutes) => ({ backupEveryMs: minutes * 60_000 }),
  },
};

function fromMortarJson(path: string): PoolSettings {
  const text = textOf(path);
  if (text === undefined) return {};
  const refuse = (problem: string): never => {
    throw new VgError("damaged", `${path}: ${problem}.`);
  };
  let pools: unknown;
  try {
    pools = (JSON.parse(text) as { thinPools?: unknown } | null)?.thinPools;
  } catch (error) {
    return refuse((error as Error).message);
  }
  if (pools === undefined) return {};
  if (typeof pools !== "object" || pools === null) return refuse('"thinPools" must be an object');
  let settings: PoolSettings = {};
  for (const [key, value] of Object.entries(pools as Record<string, unknown>)) {
    const member = MEMBERS[key];
    if (member === undefined) return refuse(`"thinPools" has no member "${key}"`);
    const isFit = Number.isSafeInteger(value) && (value as number) >= member.min;
    if (!isFit || (value as number) > member.max) {
      return refuse(`"thinPools.${key}" must be a whole number from ${member.min} to ${member.max}`);
    }
    settings = { ...settings, ...member.apply(value as number) };
  }
  return settings;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new VgError("damaged", `${path}: ${(error as Error).message}`, { cause: error });
  }
}
