/**
 * `mortar pool VERB`: tools for a pool. At rest they need no root, no daemon and no Linux: a file
 * or device of metadata, or the physical volumes it lies on, and Node. The servers of active pools
 * are asked by `reclaim`, and by what only reads, for a metadata snapshot.
 *
 * Exit codes: 0 all is well, 1 the pool has defects, 2 the command could not be done as given.
 */
import { Writable } from "node:stream";
import type { CliIo } from "../io.ts";
import type { NodeContext } from "../node/verb.ts";
import { problemJson } from "../told-as-json.ts";
import { exitCode } from "./exit-code.ts";
import { UsageError } from "./pool-words.ts";

export type PoolVerb = (
  args: readonly string[],
  io: CliIo,
  context: NodeContext,
) => number | Promise<number>;

interface PoolVerbEntry {
  readonly usage: string;
  readonly help: string;
  readonly load: () => Promise<PoolVerb>;
}

const source =
  "SOURCE is a file or device of pool metadata, or VG/POOL: the disks of its group are found, or\n" +
  "given with --pv FILE each. An active pool is read through a metadata snapshot.";
const sourceAtRest = `${source.slice(0, source.indexOf(" An active"))} The pool must not be active.`;
const snapshot = "--metadata-snap        read the metadata snapshot that the pool holds";
const overrides =
  "--transaction-id N     --data-block-size SECTORS     --nr-data-blocks N\n" +
  "                       write this instead of what was found";

export const poolVerbs: Readonly<Record<string, PoolVerbEntry>> = {
  check: {
    usage: "mortar pool check SOURCE [--pv FILE]... [--json]",
    help:
      `Check every checksum, tree and count; name each defect, and whose blocks it costs.\n${source}\n` +
      "Of an active pool the trees are checked, not what its space maps count.\n" +
      "Exit code 1 when there are defects.\n\n" +
      "Example: mortar pool check vg0/pool --pv /dev/sdb --pv /dev/sdc",
    load: async () => (await import("./check.ts")).check,
  },
  dump: {
    usage: "mortar pool dump SOURCE [--pv FILE]... [-o XML] [--json] [OPTION]...",
    help:
      `Write the devices and their mappings as thin_dump does, as XML that thin_restore reads.\n${source}\n\n` +
      "-o XML                 write to this file\n" +
      "--dev-id N             only this device; may be given again\n" +
      `--skip-mappings        devices only\n${snapshot}\n${overrides}\n\n` +
      "Example: mortar pool dump tmeta.img -o tmeta.xml",
    load: async () => (await import("./dump.ts")).dump,
  },
  restore: {
    usage:
      "mortar pool restore -i XML -o TARGET [--size SIZE] [--force] [--dry-run] [--json] [OPTION]...\n" +
      "       mortar pool restore VG/POOL [-i XML] [--dry-run] [--json] [--transaction-id N]",
    help:
      "Make metadata from XML that `mortar pool dump` or thin_dump wrote. -i - reads standard input.\n" +
      "With VG/POOL it takes the place of the pool's metadata, which stays as the LV POOL_metaN; without\n" +
      "-i it comes from the newest copy that the pool's server has made. The pool must not be active.\n" +
      "What was written since the copy may be lost: try `mortar pool repair` first.\n" +
      "TARGET is a file or device; a file that is not there is made, as large as --size says.\n\n" +
      "--dry-run              say what it would be, write nothing\n" +
      `--force                overwrite what TARGET holds\n${overrides}\n\n` +
      "Example: mortar pool restore -i tmeta.xml -o tmeta.new --size 16m",
    load: async () => (await import("./restore.ts")).restore,
  },
  repair: {
    usage:
      "mortar pool repair VG/POOL [--json] [OPTION]...\n" +
      "       mortar pool repair SOURCE [--pv FILE]... -o TARGET|--dry-run [--force] [--json] [OPTION]...",
    help:
      "With VG/POOL alone sound metadata takes the place of the pool's, as lvconvert --repair does it;\n" +
      "the old one stays as the LV POOL_metaN. Otherwise:\n" +
      "Make sound metadata in TARGET of what can be read in SOURCE, which is left as it is. Says which\n" +
      `blocks of which device are lost.\n${sourceAtRest}\n` +
      "TARGET is another file or device; a file that is not there is made, as large as SOURCE.\n\n" +
      "--dry-run              say what would be lost, write nothing\n" +
      "--roots M:D            take these blocks as roots of mappings and details\n" +
      `--force                overwrite what TARGET holds\n${overrides}\n\n` +
      "Example: mortar pool repair vg0/pool --pv /dev/sdb --dry-run",
    load: async () => (await import("./repair.ts")).repair,
  },
  delta: {
    usage: "mortar pool delta SOURCE A B [--pv FILE]... [--xml [--verbose]|--json] [--metadata-snap]",
    help:
      `Show in which blocks devices A and B differ: numbers, or with VG/POOL names of LVs.\n${source}\n\n` +
      "--xml                  in the words of thin_delta, equal blocks too\n" +
      `--verbose              with data blocks\n${snapshot}\n\n` +
      "Example: mortar pool delta vg0/pool home home-monday --pv /dev/sdb",
    load: async () => (await import("./delta.ts")).delta,
  },
  ls: {
    usage: "mortar pool ls SOURCE [--pv FILE]... [-o FIELD,...] [--no-headers] [--json] [--metadata-snap]",
    help:
      "List the devices: what is mapped, what of it no other device has, and snapshot clock times.\n" +
      `${source}\n\n` +
      "-o FIELD,...           DEV NAME MAPPED EXCLUSIVE SHARED TRANSACTION CREATE_TIME SNAP_TIME, and\n" +
      "                       the first three sizes with _BLOCKS _SECTORS _BYTES behind\n" +
      `--no-headers           without the first line\n${snapshot}\n\n` +
      "Example: mortar pool ls tmeta.img -o DEV,EXCLUSIVE_BYTES",
    load: async () => (await import("./ls.ts")).ls,
  },
  reclaim: {
    usage: "mortar pool reclaim VG/LV... [--json]",
    help:
      "Say what removing exactly these thin volumes would give back to their pools, and what each of\n" +
      "them alone would. The pools must be active; nothing is removed.\n\n" +
      "Example: mortar pool reclaim vg0/home-monday vg0/home-tuesday",
    load: async () => (await import("./reclaim.ts")).reclaim,
  },
  rmap: {
    usage: "mortar pool rmap SOURCE --region BEGIN..END [--region ...] [--pv FILE]... [--json]",
    help:
      "Say which blocks of which devices lie in data blocks BEGIN to END, END not included.\n" +
      `${source}\n\n${snapshot}\n\n` +
      "Example: mortar pool rmap tmeta.img --region 5..45",
    load: async () => (await import("./rmap.ts")).rmap,
  },
};

/** The words after `pool` are one of ours; the others are GlusterFS's. */
export function isPoolVerb(words: readonly string[]): boolean {
  const [verb = "--help"] = words;
  return verb === "--help" || verb === "-h" || Object.hasOwn(poolVerbs, verb);
}

export async function runPoolVerb(
  words: readonly string[],
  io: CliIo,
  context: NodeContext,
): Promise<number> {
  const [verb = "--help", ...args] = words;
  const entry = Object.hasOwn(poolVerbs, verb) ? poolVerbs[verb] : undefined;
  if (entry === undefined) {
    for (const { usage } of Object.values(poolVerbs)) io.stdout.write(`${usage}\n`);
    io.stdout.write("\nmortar pool VERB --help tells more. `mortar pool list` lists the peers.\n");
    return words.length === 0 ? exitCode.usage : exitCode.ok;
  }
  if (args.includes("--help") || args.includes("-h")) {
    io.stdout.write(`Usage: ${entry.usage}\n\n${entry.help}\n`);
    return exitCode.ok;
  }
  const run = await entry.load();
  // A reader that has seen enough, such as head, closes the pipe; that is no failure.
  const { stdout } = io;
  if (stdout instanceof Writable) stdout.once("error", ignoreClosedPipe);
  try {
    return await run(args, io, context);
  } catch (error) {
    return complain(verb, error, io, args.includes("--json"));
  }
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

function complain(verb: string, error: unknown, io: CliIo, isJson: boolean): number {
  if (!(error instanceof Error)) throw error;
  const { name, message, code } = error as Error & { readonly code?: string };
  const isSystem = code !== undefined && /^E[A-Z0-9]+$/.test(code);
  if (!isSystem && !["UsageError", "ThinError", "Lvm2Error", "VgError"].includes(name)) throw error;
  const isUsage = error instanceof UsageError;
  const nextStep = isUsage ? error.nextStep ?? `mortar pool ${verb} --help` : undefined;
  if (isJson) {
    io.stdout.write(problemJson({ type: isUsage ? "usage" : code ?? "refused", detail: message, nextStep }));
  } else {
    io.stderr.write(`mortar pool ${verb}: ${message}\n`);
    if (nextStep !== undefined) io.stderr.write(`Next: ${nextStep}\n`);
  }
  return code !== undefined && ["corrupt", "metadata-io", "unformatted"].includes(code)
    ? exitCode.defects
    : exitCode.usage;
}
