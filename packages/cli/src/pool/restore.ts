/** `mortar pool restore`: metadata from XML. */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { gunzipSync } from "node:zlib";
import { parseSizeArgument } from "@mortar/lvm2";
import { type Restored, restoreXml } from "@mortar/thin";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verb.ts";
import { groupPoolOf, newestBackup, type PoolCopy, restoreInGroup } from "./in-group.ts";
import { withDryTarget, withTarget } from "./metadata-target.ts";
import { exitCode } from "./exit-code.ts";
import { overrideOptions, PoolWords, UsageError } from "./pool-words.ts";
import { printJson } from "./print-json.ts";

const PIECE_BYTES = 65_536;
const SECTOR_BYTES = 512;

export function restore(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): number | Promise<number> {
  const isTargetGiven = args.some((word) => word === "-o" || word.startsWith("-o="));
  if (!isTargetGiven) return restoreGroupPool(args, io, root);
  const words = new PoolWords(args, {
    flags: ["--json", "--force", "--dry-run"],
    values: ["-i", "-o", "--size", ...overrideOptions],
    positionals: [],
  });
  const input = words.required("-i");
  const path = words.required("-o");
  const size = words.value("--size");
  const sizeBytes = size === undefined ? undefined : parseSizeArgument(size).sectors * SECTOR_BYTES;
  const fd = input === "-" ? 0 : openSync(input, "r");
  try {
    const force = words.has("--force");
    const isDry = words.has("--dry-run");
    const make = isDry ? withDryTarget : withTarget;
    return make({ path, sizeBytes, force, forbidden: [] }, (metadata) => {
      const read = isCompressed(input) ? textReader(input) : reader(fd);
      const restored = restoreXml({ metadata, read, overrides: words.overrides() });
      if (words.has("--json")) printJson(io, { target: path, ...restored });
      else {
        io.stdout.write(
          `${isDry ? `dry run, nothing was written; it would be ${path}` : path}: ` +
            `${restored.deviceCount} devices, ${restored.mappingCount} mappings in ` +
            `${restored.usedMetadataBlocks} metadata blocks\n`,
        );
      }
      return exitCode.ok;
    });
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

/** Into the group, from a copy that is given or the newest that the pool's server has made. */
async function restoreGroupPool(
  args: readonly string[],
  io: CliIo,
  root: string,
): Promise<number> {
  const words = new PoolWords(args, {
    flags: ["--json", "--dry-run"],
    values: ["-i", "--transaction-id"],
    positionals: ["VG/POOL, or -o TARGET,"],
  });
  const pool = groupPoolOf(words.positionals[0]);
  if (pool === undefined) throw new UsageError("Name the pool as VG/POOL, or give -o TARGET.");
  const input = words.value("-i") ?? (await newestBackup(pool, root));
  const read = textReader(input);
  const head = read() ?? "";
  let isFirst = true;
  const all = (): string | undefined => {
    if (!isFirst) return read();
    isFirst = false;
    return head;
  };
  let made: Restored | undefined;
  const isDry = words.has("--dry-run");
  const fill: PoolCopy["restore"] = (metadata, fitting) => {
    const transactionId = words.number("--transaction-id") ?? fitting;
    made = restoreXml({ metadata, read: all, overrides: { transactionId } });
  };
  const copy = { pool, head, restore: fill };
  const { keptAs, notes, metadataBytes } = await restoreInGroup(copy, root, io, { dryRun: isDry });
  const name = `${pool.vg}/${pool.pool}`;
  if (words.has("--json")) {
    const dry = isDry ? { dryRun: true } : {};
    printJson(io, { pool: name, from: input, keptAs: `${pool.vg}/${keptAs}`, notes, ...made, ...dry });
    return exitCode.ok;
  }
  if (isDry) {
    for (const note of notes) io.stdout.write(`note: ${note}\n`);
    io.stdout.write(
      `${name}: dry run, nothing was changed. It would have ${made?.deviceCount} devices, ` +
        `${made?.mappingCount} mappings from ${input}\nIts metadata of now, ${metadataBytes} bytes, ` +
        `would stay as ${pool.vg}/${keptAs}\n`,
    );
    return exitCode.ok;
  }
  for (const note of notes) io.stdout.write(`note: ${note}\n`);
  io.stdout.write(
    `${name}: ${made?.deviceCount} devices, ${made?.mappingCount} mappings from ${input}\n` +
      `Next: mortar pool check ${name}; vgchange -ay ${pool.vg}\n`,
  );
  return exitCode.ok;
}

function isCompressed(path: string): boolean {
  return path.endsWith(".gz");
}

/** Of a file as a whole, unpacked if need be. */
function textReader(path: string): () => string | undefined {
  const bytes = isCompressed(path) ? gunzipSync(readFileSync(path)) : readFileSync(path);
  const decoder = new StringDecoder("utf8");
  let at = 0;
  return () => {
    if (at >= bytes.length) return undefined;
    const piece = decoder.write(bytes.subarray(at, at + PIECE_BYTES));
    at += PIECE_BYTES;
    return piece;
  };
}

function reader(fd: number): () => string | undefined {
  const bytes = Buffer.alloc(PIECE_BYTES);
  const decoder = new StringDecoder("utf8");
  return () => {
    const count = readSync(fd, bytes, 0, PIECE_BYTES, null);
    return count === 0 ? undefined : decoder.write(bytes.subarray(0, count));
  };
}
