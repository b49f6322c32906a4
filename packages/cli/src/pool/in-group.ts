/**
 * `repair` and `restore` of a pool in its volume group: other metadata is made in the group's spare
 * and takes the place of the old one, which stays as the LV POOL_metaN.
 */
import {
  existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSuperblock, PoolReader, type Repair, repairPool, type RootPair } from "@mortar/thin";
import type { MetadataAccess, VolumeGroups } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { FileDevice } from "./file-device.ts";
import { UsageError, type PoolWords } from "./pool-words.ts";

const SUPERBLOCK_BYTES = 4096;
const BACKUP = /^metadata-.+\.xml\.gz$/;

export interface GroupPool {
  readonly vg: string;
  readonly pool: string;
}

/** Undefined for a file or a device, and for what cannot be a pool's name. */
export function groupPoolOf(word: string | undefined): GroupPool | undefined {
  const [, vg, pool] = /^(?:\/dev\/)?([^/-][^/]*)\/([^/-][^/]*)$/.exec(word ?? "") ?? [];
  if (word === undefined || vg === undefined || pool === undefined) return undefined;
  return existsSync(word) ? undefined : { vg, pool };
}

export interface RepairedInGroup {
  readonly done: Repair;
  readonly keptAs: string;
  readonly names: ReadonlyMap<number, string>;
}

export async function repairInGroup(
  name: GroupPool,
  words: PoolWords,
  roots: RootPair | undefined,
  root: string,
  io: CliIo,
): Promise<RepairedInGroup> {
  const groups = await openForChange(root, "pool repair", io);
  const { made, keptAs } = await groups.replacePoolMetadata(name, (access) => {
    const { source, target, names } = access;
    const { transactionId, dataBlockSectors, dataBlockCount } = words.overrides();
    const done = repairPool({
      source,
      target,
      roots,
      overrides: {
        transactionId: transactionId ?? fitting(access, transactionIdIn(access)),
        dataBlockSectors,
        dataBlockCount,
      },
      fallback: { dataBlockSectors: access.chunkSectors, dataBlockCount: access.dataBlockCount },
    });
    return { done, names };
  });
  return { ...made, keptAs };
}

export interface RestoredInGroup {
  readonly keptAs: string;
  readonly notes: readonly string[];
  /** Of what is kept. */
  readonly metadataBytes: number;
}

export interface PoolCopy {
  readonly pool: GroupPool;
  /** The beginning of the XML. */
  readonly head: string;
  /** Makes the pool with this transaction id. */
  readonly restore: (target: MetadataAccess["target"], transactionId: number) => void;
}

/** `dryRun`: into a file that is gone afterwards; the group is only read. */
export async function restoreInGroup(
  copy: PoolCopy,
  root: string,
  io: CliIo,
  { dryRun }: { readonly dryRun: boolean },
): Promise<RestoredInGroup> {
  const groups = await openForChange(root, "pool restore", io);
  const replace = async (instead?: MakeDevice): Promise<RestoredInGroup> => {
    const fill = (access: MetadataAccess) => fillWith(copy, access);
    const { made, keptAs } = await groups.replacePoolMetadata(copy.pool, fill, instead);
    return { keptAs, ...made };
  };
  return dryRun ? await withScratchDevice(replace) : await replace();
}

type MakeDevice = (sizeBytes: number) => FileDevice;

async function withScratchDevice<T>(use: (make: MakeDevice) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "mortar-dry-run-"));
  const path = join(directory, "metadata");
  let device: FileDevice | undefined;
  try {
    return await use((sizeBytes) => {
      writeFileSync(path, "");
      truncateSync(path, sizeBytes);
      return (device = new FileDevice(path, "r+"));
    });
  } finally {
    device?.close();
    rmSync(directory, { recursive: true });
  }
}

function fillWith(
  { pool: { vg, pool }, head, restore }: PoolCopy,
  access: MetadataAccess,
): { notes: string[]; metadataBytes: number } {
  const [, found] = /<superblock[^>]* transaction="(\d{1,16})"/.exec(head) ?? [];
  const [, sectors] = /<superblock[^>]* data_block_size="(\d{1,16})"/.exec(head) ?? [];
  if (Number(sectors) !== access.chunkSectors) {
    throw new UsageError(
      `The copy is of a pool with chunks of ${sectors ?? "no"} sectors, ${vg}/${pool} has ${access.chunkSectors}.`,
    );
  }
  restore(access.target, fitting(access, Number(found)));
  return { notes: strangers(access), metadataBytes: access.source.sizeBytes };
}

/** The newest copy that the pool's server has made. Throws `UsageError` without any. */
export async function newestBackup({ vg, pool }: GroupPool, root: string): Promise<string> {
  const { poolBackupDirectory } = await import("@mortar/vg");
  const directory = poolBackupDirectory(join(root, "var/lib/mortar/pools"), vg, pool);
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const newest = names.filter((entry) => BACKUP.test(entry)).toSorted().at(-1);
  if (newest !== undefined) return join(directory, newest);
  throw new UsageError(
    `There is no copy of the metadata of ${vg}/${pool} in ${directory}.`,
    `mortar pool repair ${vg}/${pool}, or give a copy with -i XML`,
  );
}

/** Whoever made the metadata was at this transaction, if the text of the group allows it. */
function fitting({ transactionId, textTransactionId }: MetadataAccess, found: number | undefined): number {
  const isAllowed = found === textTransactionId || found === textTransactionId - 1;
  return isAllowed ? found : transactionId;
}

function transactionIdIn({ source }: MetadataAccess): number | undefined {
  const block = new Uint8Array(SUPERBLOCK_BYTES);
  try {
    source.read(0, block);
    return decodeSuperblock(block, 0).transactionId;
  } catch {
    return undefined; // It is damaged, or there is none.
  }
}

/** What only one of the two knows: the metadata, or the text of the group. */
function strangers({ target, names }: MetadataAccess): string[] {
  const ids = new Set(new PoolReader({ metadata: target }).devices().map(({ id }) => id));
  const notes: string[] = [];
  for (const [id, name] of names) {
    if (!ids.has(id)) notes.push(`${name} (device ${id}) is younger than the copy, and lost`);
  }
  for (const id of ids) {
    if (!names.has(id)) notes.push(`device ${id} of the copy has no logical volume any more`);
  }
  return notes;
}

async function openForChange(root: string, command: string, io: CliIo): Promise<VolumeGroups> {
  const {
    fileRecorder,
    readDeviceFilter,
    readPlainFiles,
    VolumeGroups: all,
  } = await import("@mortar/vg");
  const settings = join(root, "etc/mortar/mortar.json");
  const warn = (sentence: string): void => void io.stderr.write(`${sentence}\n`);
  return await all.open({
    runDirectory: join(root, "run/mortar"),
    deviceFilter: readDeviceFilter(settings),
    files: readPlainFiles(settings),
    warn,
    recorder: fileRecorder({ directory: join(root, "etc/lvm"), command, warn }),
  });
}
