/** `mortar pool repair`: sound metadata, in another place, of what can still be read. */
import { type LostMappings, type Repair, repairPool, type RootPair } from "@mortar/thin";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verb.ts";
import { blockRange } from "./check.ts";
import { type GroupPool, groupPoolOf, repairInGroup } from "./in-group.ts";
import { type MetadataSource, withSourceAtRest } from "./metadata-source.ts";
import { withTarget } from "./metadata-target.ts";
import { exitCode } from "./exit-code.ts";
import { overrideOptions, PoolWords, UsageError, wholeNumber } from "./pool-words.ts";
import { printJson } from "./print-json.ts";

export async function repair(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const words = new PoolWords(args, {
    flags: ["--json", "--dry-run", "--force"],
    values: ["--pv", "-o", "--roots", ...overrideOptions],
    positionals: ["SOURCE"],
  });
  const path = words.value("-o");
  const inGroup = groupPoolOf(words.positionals[0]);
  const isAsked = path !== undefined || words.has("--dry-run");
  if (!isAsked && inGroup !== undefined && words.value("--pv") === undefined) {
    return await repairGroupPool(inGroup, words, root, io);
  }
  if ((path === undefined) !== words.has("--dry-run")) {
    throw new UsageError("Give either -o TARGET or --dry-run.");
  }
  return await withSourceAtRest(words, root, (source) => {
    const options = {
      source: source.metadata,
      overrides: words.overrides(),
      fallback: source.geometry,
      roots: rootsOf(words.value("--roots")),
    };
    const done =
      path === undefined
        ? repairPool(options)
        : withTarget(
            {
              path,
              sizeBytes: source.metadata.sizeBytes,
              force: words.has("--force"),
              forbidden: source.files,
            },
            (target) => repairPool({ ...options, target }),
          );
    if (words.has("--json")) printJson(io, { pool: source.name, target: path, ...done });
    else print(io, source, done, path);
    return isWhole(done) ? exitCode.ok : exitCode.defects;
  });
}

/** In the place where it is: see in-group.ts. */
async function repairGroupPool(
  pool: GroupPool,
  words: PoolWords,
  root: string,
  io: CliIo,
): Promise<number> {
  const name = `${pool.vg}/${pool.pool}`;
  const roots = rootsOf(words.value("--roots"));
  const { done, keptAs, names } = await repairInGroup(pool, words, roots, root, io);
  if (words.has("--json")) printJson(io, { pool: name, keptAs: `${pool.vg}/${keptAs}`, ...done });
  else {
    printFindings(io, { name, names }, done, "kept");
    io.stdout.write(`Next: mortar pool check ${name}; vgchange -ay ${pool.vg}\n`);
  }
  return isWhole(done) ? exitCode.ok : exitCode.defects;
}

function isWhole({ lost, doubtful }: Repair): boolean {
  return lost.length === 0 && doubtful.length === 0;
}

function rootsOf(text: string | undefined): RootPair | undefined {
  if (text === undefined) return undefined;
  const [mapping, details, extra] = text.split(":");
  if (mapping === undefined || details === undefined || extra !== undefined) {
    throw new UsageError(`--roots is two block numbers, as in 12:13, not ${text}.`);
  }
  return {
    mappingRoot: wholeNumber(mapping, "--roots"),
    detailsRoot: wholeNumber(details, "--roots"),
  };
}

function print(io: CliIo, source: MetadataSource, done: Repair, path: string | undefined): void {
  printFindings(io, source, done, path === undefined ? "would keep" : "kept");
  const next =
    path === undefined ? `mortar pool repair ${source.words} -o FILE` : `mortar pool check ${path}`;
  io.stdout.write(`Next: ${next}\n`);
}

type Named = Pick<MetadataSource, "name" | "names">;

function printFindings(io: CliIo, source: Named, done: Repair, verb: string): void {
  const { roots, lost, omittedCount, notes } = done;
  const say = (line: string): unknown => io.stdout.write(`${line}\n`);
  for (const note of notes) say(`note: ${note}`);
  for (const one of lost) say(`lost: ${sentence(one, source)}`);
  if (omittedCount > 0) say(`and ${omittedCount} more losses`);
  for (const deviceId of done.doubtful) say(`doubtful: ${doubt(deviceId, source)}`);
  say(`roots: ${roots.mappingRoot}:${roots.detailsRoot}, from the ${roots.from}`);
  for (const other of done.otherRoots) {
    say(
      `also found: --roots ${other.mappingRoot}:${other.detailsRoot}  ${other.deviceCount} devices, ` +
        `${other.mappedBlocks} blocks, ${other.missingBlocks} of them missing`,
    );
  }
  say(
    `${source.name}: ${verb} ${done.deviceCount} devices, ${done.mappingCount} mappings, ` +
      `${lost.length + omittedCount === 0 ? "nothing" : "the above"} lost; ` +
      `${done.usedMetadataBlocks} metadata blocks`,
  );
}

function sentence({ deviceId, begin, end, reason }: LostMappings, source: Named): string {
  if (deviceId === undefined) return reason;
  return `${whoIs(deviceId, source)}, ${blockRange(begin, end)}: ${reason}`;
}

function doubt(deviceId: number, source: Named): string {
  return (
    `${whoIs(deviceId, source)} has not as many blocks as its details say: blocks of its tree may have ` +
    "been used again, and hold another device's mappings; try other roots, or a backup"
  );
}

function whoIs(deviceId: number, { names }: Named): string {
  const name = names.get(deviceId);
  return name === undefined ? `device ${deviceId}` : `device ${deviceId} (${name})`;
}
