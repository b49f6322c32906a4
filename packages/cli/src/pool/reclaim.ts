/** `mortar pool reclaim`: what removing exactly these volumes gives back. Asks their live pools. */
import { join } from "node:path";
import { formatSize, splitLvPath, VolumeGroups, type LvName, type PoolReclaim, readDeviceFilter, readPlainFiles } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verb.ts";
import { exitCode } from "./exit-code.ts";
import { PoolWords, UsageError } from "./pool-words.ts";
import { printJson } from "./print-json.ts";

const SECTOR_BYTES = 512;

export async function reclaim(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const words = new PoolWords(args, {
    flags: ["--json"],
    values: [],
    positionals: ["VG/LV"],
    lastRepeats: true,
  });
  const groups = await VolumeGroups.open({
    runDirectory: join(root, "run/mortar"),
    deviceFilter: readDeviceFilter(join(root, "etc/mortar/mortar.json")),
    files: readPlainFiles(join(root, "etc/mortar/mortar.json")),
    warn: (sentence) => io.stderr.write(`${sentence}\n`),
  });
  const pools = await groups.reclaimable(words.positionals.map(nameOf));
  if (words.has("--json")) printJson(io, { pools });
  else for (const pool of pools) io.stdout.write(sentencesOf(pool));
  return exitCode.ok;
}

function nameOf(word: string): LvName {
  const { vgName, lvName } = splitLvPath(word);
  if (lvName !== undefined) return { vg: vgName, lv: lvName };
  throw new UsageError(`${word} names no volume.`, `lvs -o vg_name,lv_name ${vgName}`);
}

function sentencesOf({ vg, pool, lvs, freedBytes }: PoolReclaim): string {
  const lines = lvs.map(
    ({ lv, mappedBytes, exclusiveBytes }) =>
      `${vg}/${lv}: ${size(exclusiveBytes)} of ${size(mappedBytes)} are in no other volume\n`,
  );
  const what = lvs.length === 1 ? "this volume" : `these ${lvs.length} volumes`;
  const freed = `${size(freedBytes)} (${freedBytes} bytes)`;
  return `${lines.join("")}Removing ${what} frees ${freed} of ${vg}/${pool}.\n`;
}

function size(bytes: number): string {
  return formatSize(bytes / SECTOR_BYTES, { unit: "h" }).trim();
}
