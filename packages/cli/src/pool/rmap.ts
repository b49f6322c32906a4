/** `mortar pool rmap`: who has the data blocks of a region. */
import { type DataRegion, reverseMap } from "@mortar/thin";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verb.ts";
import { readsSnapshot, withSource } from "./metadata-source.ts";
import { exitCode } from "./exit-code.ts";
import { PoolWords, UsageError } from "./pool-words.ts";
import { printJson } from "./print-json.ts";

export function rmap(args: readonly string[], io: CliIo, { root }: NodeContext): Promise<number> {
  const words = new PoolWords(args, {
    flags: ["--json", "--metadata-snap"],
    values: ["--pv", "--region"],
    positionals: ["SOURCE"],
  });
  words.required("--region");
  const regions = words.all("--region").map(regionOf);
  return withSource(words, root, (source) => {
    const { metadata, names } = source;
    const runs = reverseMap({ metadata, regions, fromSnapshot: readsSnapshot(words, source) });
    if (words.has("--json")) {
      const named = runs.map((run) => ({ ...run, name: names.get(run.deviceId) }));
      printJson(io, { pool: source.name, runs: named });
      return exitCode.ok;
    }
    for (const { dataBegin, length, deviceId, begin } of runs) {
      io.stdout.write(
        `data ${dataBegin}..${dataBegin + length} -> thin(${deviceId}) ${begin}..${begin + length}\n`,
      );
    }
    return exitCode.ok;
  });
}

function regionOf(text: string): DataRegion {
  const [, begin, end] = /^(\d{1,15})\.\.(\d{1,15})$/.exec(text) ?? [];
  const region = { begin: Number(begin), end: Number(end) };
  if (region.begin < region.end) return region;
  throw new UsageError(`--region is BEGIN..END, such as 5..45, not ${text}.`);
}
