/** `mortar pool dump`: the devices and mappings of a pool, as thin_dump writes them. */
import { closeSync, openSync, writeSync } from "node:fs";
import { dumpXml, PoolReader } from "@mortar/thin";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verb.ts";
import { type MetadataSource, readsSnapshot, withSource } from "./metadata-source.ts";
import { exitCode } from "./exit-code.ts";
import { overrideOptions, PoolWords, wholeNumber } from "./pool-words.ts";

export function dump(args: readonly string[], io: CliIo, { root }: NodeContext): Promise<number> {
  const words = new PoolWords(args, {
    flags: ["--json", "--skip-mappings", "--metadata-snap"],
    values: ["--pv", "-o", "--dev-id", ...overrideOptions],
    positionals: ["SOURCE"],
  });
  return withSource(words, root, (source) => {
    const path = words.value("-o");
    if (path === undefined) {
      writeDump(words, source, (text) => io.stdout.write(text));
      return exitCode.ok;
    }
    const fd = openSync(path, "wx");
    try {
      writeDump(words, source, (text) => writeSync(fd, text));
    } finally {
      closeSync(fd);
    }
    return exitCode.ok;
  });
}

function writeDump(
  words: PoolWords,
  source: MetadataSource,
  write: (text: string) => void,
): void {
  const ids = words.all("--dev-id").map((id) => wholeNumber(id, "--dev-id"));
  const options = {
    metadata: source.metadata,
    fromSnapshot: readsSnapshot(words, source),
    deviceIds: ids.length === 0 ? undefined : ids,
    skipMappings: words.has("--skip-mappings"),
    overrides: words.overrides(),
  };
  if (words.has("--json")) dumpJson(new PoolReader(options), options, write);
  else dumpXml({ ...options, write });
}

/** Runs are `[block, data block, length, time]`; written as they are read, for there may be many. */
function dumpJson(
  pool: PoolReader,
  options: {
    readonly deviceIds: readonly number[] | undefined;
    readonly skipMappings: boolean;
    readonly overrides: ReturnType<PoolWords["overrides"]>;
  },
  write: (text: string) => void,
): void {
  const { time, flags, transactionId, dataBlockSectors, dataSpaceMap } = pool.superblock;
  const found = { transactionId, dataBlockSectors, dataBlockCount: dataSpaceMap.blockCount };
  const given = Object.entries(options.overrides).filter(([, value]) => value !== undefined);
  const head = { time, flags, ...found, ...Object.fromEntries(given) };
  write(`${JSON.stringify(head).slice(0, -1)},"devices":[`);
  let separator = "\n";
  for (const device of pool.devices()) {
    if (options.deviceIds?.includes(device.id) === false) continue;
    const shown = { deviceId: device.id, ...device.details };
    write(`${separator}${JSON.stringify(shown).slice(0, -1)},"mappings":[`);
    separator = ",\n";
    const runs = pool.runs(device);
    for (let comma = ""; !options.skipMappings && runs.next(); comma = ",") {
      write(`${comma}[${runs.begin},${runs.dataBegin},${runs.length},${runs.time}]`);
    }
    write("]}");
  }
  write("]}\n");
}
