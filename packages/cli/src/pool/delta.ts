/** `mortar pool delta`: in which blocks two devices differ. */
import { deltaDevices, type DeltaRun, deltaXml, PoolReader } from "@mortar/thin";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verb.ts";
import { deviceIdOf, readsSnapshot, withSource } from "./metadata-source.ts";
import { exitCode } from "./exit-code.ts";
import { PoolWords, UsageError } from "./pool-words.ts";
import { approximateSize } from "./size-words.ts";

const SECTOR_BYTES = 512;

export function delta(args: readonly string[], io: CliIo, { root }: NodeContext): Promise<number> {
  const words = new PoolWords(args, {
    flags: ["--json", "--xml", "--verbose", "--metadata-snap"],
    values: ["--pv"],
    positionals: ["SOURCE", "A", "B"],
  });
  if (words.has("--json") && words.has("--xml")) throw new UsageError("Either --xml or --json.");
  return withSource(words, root, (source) => {
    const [, a = "", b = ""] = words.positionals;
    const options = {
      metadata: source.metadata,
      fromSnapshot: readsSnapshot(words, source),
      left: deviceIdOf(a, source),
      right: deviceIdOf(b, source),
    };
    const write = (text: string): unknown => io.stdout.write(text);
    if (words.has("--xml")) deltaXml({ ...options, write, verbose: words.has("--verbose") });
    else if (words.has("--json")) writeJson(options, write);
    else writeText(options, write);
    return exitCode.ok;
  });
}

type Options = Parameters<typeof deltaDevices>[0];

function writeJson(options: Options, write: (text: string) => unknown): void {
  let separator = "\n";
  const head = `{"left":${options.left},"right":${options.right},"dataBlockSectors":`;
  write(`${head}${new PoolReader(options).superblock.dataBlockSectors},"runs":[`);
  deltaDevices(options, (run) => {
    write(`${separator}${JSON.stringify(run)}`);
    separator = ",\n";
  });
  write("\n]}\n");
}

const signs: Record<DeltaRun["kind"], string> = {
  same: "=", different: "~", left_only: "-", right_only: "+",
};

/** From A to B: changed `~`, gone `-`, new `+`; what is the same is only summed up. */
function writeText(options: Options, write: (text: string) => unknown): void {
  const { dataBlockSectors } = new PoolReader(options).superblock;
  const size = (blocks: number): string => approximateSize(blocks * dataBlockSectors * SECTOR_BYTES);
  const sums = { same: 0, different: 0, left_only: 0, right_only: 0 };
  deltaDevices(options, (run) => {
    sums[run.kind] += run.length;
    if (run.kind === "same") return;
    write(`${signs[run.kind]} ${run.begin} +${run.length}  ${size(run.length)}\n`);
  });
  const { same, different, left_only: gone, right_only: added } = sums;
  write(
    `${size(different)} different, ${size(gone)} only in ${options.left}, ` +
      `${size(added)} only in ${options.right}, ${size(same)} the same\n`,
  );
}
