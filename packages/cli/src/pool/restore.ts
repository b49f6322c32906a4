/** `mortar pool restore`: metadata from XML. */
import { closeSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { parseSizeArgument } from "@mortar/lvm2";
import { restoreXml } from "@mortar/thin";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verbs.ts";
import { withTarget } from "./metadata-target.ts";
import { exitCode } from "./pool-verbs.ts";
import { overrideOptions, PoolWords } from "./pool-words.ts";
import { printJson } from "./print-json.ts";

const PIECE_BYTES = 65_536;
const SECTOR_BYTES = 512;

export function restore(args: readonly string[], io: CliIo, _context: NodeContext): number {
  const words = new PoolWords(args, {
    flags: ["--json", "--force"],
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
    return withTarget({ path, sizeBytes, force, forbidden: [] }, (metadata) => {
      const restored = restoreXml({ metadata, read: reader(fd), overrides: words.overrides() });
      if (words.has("--json")) printJson(io, { target: path, ...restored });
      else {
        io.stdout.write(
          `${path}: ${restored.deviceCount} devices, ${restored.mappingCount} mappings in ` +
            `${restored.usedMetadataBlocks} metadata blocks\n`,
        );
      }
      return exitCode.ok;
    });
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

function reader(fd: number): () => string | undefined {
  const bytes = Buffer.alloc(PIECE_BYTES);
  const decoder = new StringDecoder("utf8");
  return () => {
    const count = readSync(fd, bytes, 0, PIECE_BYTES, null);
    return count === 0 ? undefined : decoder.write(bytes.subarray(0, count));
  };
}
