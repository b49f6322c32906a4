/** `mortar pool ls`: the devices and what each holds, in the columns of thin_ls. */
import { type DeviceUsage, listDevices } from "@mortar/thin";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verb.ts";
import { readsSnapshot, withSource } from "./metadata-source.ts";
import { exitCode } from "./exit-code.ts";
import { PoolWords, UsageError } from "./pool-words.ts";
import { printJson } from "./print-json.ts";
import { approximateSize } from "./size-words.ts";

const SECTOR_BYTES = 512;
const DEFAULT_FIELDS = "DEV,MAPPED,EXCLUSIVE,SHARED,TRANSACTION,CREATE_TIME,SNAP_TIME";

interface Row extends DeviceUsage {
  readonly name: string | undefined;
  readonly blockSectors: number;
}

const blocks: Record<string, (row: Row) => number> = {
  MAPPED: (row) => row.mappedBlocks,
  EXCLUSIVE: (row) => row.exclusiveBlocks,
  SHARED: (row) => row.sharedBlocks,
};

const plain: Record<string, (row: Row) => string> = {
  DEV: (row) => String(row.id),
  NAME: (row) => row.name ?? "-",
  TRANSACTION: (row) => String(row.transactionId),
  CREATE_TIME: (row) => String(row.creationTime),
  SNAP_TIME: (row) => String(row.snapshottedTime),
};

export function ls(args: readonly string[], io: CliIo, { root }: NodeContext): Promise<number> {
  const words = new PoolWords(args, {
    flags: ["--json", "--no-headers", "--metadata-snap"],
    values: ["--pv", "-o"],
    positionals: ["SOURCE"],
  });
  return withSource(words, root, (source) => {
    const { metadata, names } = source;
    const defaults = names.size === 0 ? DEFAULT_FIELDS : DEFAULT_FIELDS.replace(",", ",NAME,");
    const fields = (words.value("-o") ?? defaults).split(",");
    const columns = fields.map(columnOf);
    const usage = listDevices({ metadata, fromSnapshot: readsSnapshot(words, source) });
    const blockSectors = usage.dataBlockSectors;
    const rows = usage.devices.map((device) => ({
      ...device, name: names.get(device.id), blockSectors,
    }));
    if (words.has("--json")) {
      printJson(io, { pool: source.name, devices: rows.map(shown) });
      return exitCode.ok;
    }
    const cells = rows.map((row) => columns.map((column) => column(row)));
    io.stdout.write(align(words.has("--no-headers") ? cells : [fields, ...cells]));
    return exitCode.ok;
  });
}

function shown({ blockSectors, ...row }: Row): object {
  const bytes = (count: number): number => count * blockSectors * SECTOR_BYTES;
  return {
    ...row,
    mappedBytes: bytes(row.mappedBlocks),
    exclusiveBytes: bytes(row.exclusiveBlocks),
    sharedBytes: bytes(row.sharedBlocks),
  };
}

function columnOf(field: string): (row: Row) => string {
  const value = Object.hasOwn(plain, field) ? plain[field] : undefined;
  if (value) return value;
  const [, what = "", unit = ""] = /^([A-Z]+?)(?:_(BLOCKS|SECTORS|BYTES))?$/.exec(field) ?? [];
  const count = Object.hasOwn(blocks, what) ? blocks[what] : undefined;
  if (!count) throw new UsageError(`${field} is not a field.`);
  if (unit === "BLOCKS") return (row) => String(count(row));
  if (unit === "SECTORS") return (row) => String(count(row) * row.blockSectors);
  const bytes = (row: Row): number => count(row) * row.blockSectors * SECTOR_BYTES;
  return unit === "BYTES" ? (row) => String(bytes(row)) : (row) => approximateSize(bytes(row));
}

/** Every cell to the right, and a blank behind each, as thin_ls has it. */
function align(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, index) => `${cell.padStart(widths[index] ?? 0)} `).join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}
