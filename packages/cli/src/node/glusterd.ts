/**
 * `glusterd`: starts mortard as scripts start glusterd, and returns when it answers. With `-N` the
 * process itself becomes mortard.
 *
 * Several run on one machine when their working directories and addresses differ. The process has
 * the name `glusterd`, by which scripts find it: it runs by a link of that name.
 */
import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CliIo } from "../io.ts";
import { glusterVersion, mortarVersion } from "../version.ts";
import { bringBack } from "./bring-back.ts";
import { daemonProgram, nodeStatusOf, runDirectoryOf, spawnDaemon } from "./daemon.ts";
import { type GlusterdOptions, parseGlusterd } from "./glusterd-options.ts";
import type { NodeContext } from "./verb.ts";

const USAGE = `Usage: glusterd [OPTION...]

  -N, --no-daemon              stay in the foreground
  -p, --pid-file=FILE          link to the file with the process id
  -l, --log-file=FILE          log
  -L, --log-level=LEVEL        TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL or NONE
  --xlator-option management.OPTION=VALUE, of which these have an effect:
      working-directory, run-directory, logging-directory, glusterd-sockfile,
      transport.socket.bind-address
  -f, --volfile=FILE           accepted; mortar.json is what is read
  -V, --version  -?, --help

Example: glusterd --xlator-option management.working-directory=/srv/n1 \\
           --xlator-option management.transport.socket.bind-address=127.1.1.1
`;

/** Stock's exit code for an option that it does not know is argp's. */
const EXIT_USAGE = 64;

export async function glusterd(
  argv: readonly string[],
  io: CliIo,
  context: NodeContext,
): Promise<number> {
  const options = parseGlusterd(argv);
  if (typeof options === "string") {
    io.stderr.write(`glusterd: ${options}\nTry \`glusterd --help' for more information.\n`);
    return EXIT_USAGE;
  }
  if (options.show !== undefined) {
    const version = `glusterfs ${glusterVersion}\nMortar ${mortarVersion}\n`;
    io.stdout.write(options.show === "version" ? version : USAGE);
    return 0;
  }
  if (options.upgrade) return 0;
  const root = options.root ?? context.root;
  try {
    return await start(root, options, io);
  } catch (error) {
    if (!operating.includes((error as Error).name)) throw error;
    io.stderr.write(`glusterd: ${(error as Error).message}\n`);
    return 1;
  }
}

const operating = ["VerbError", "ApiError", "VgError", "PoolError", "LvmError"];

async function start(root: string, options: GlusterdOptions, io: CliIo): Promise<number> {
  const running = await nodeStatusOf(root);
  if (running !== undefined) {
    io.stderr.write(`glusterd: runs already (process ${running.pid}, ${root})\n`);
    return 1;
  }
  // What could not be brought back is told, and does not keep the daemon from starting.
  for (const failure of await bringBack(root, { stdin: io.stdin, stdout: io.stderr, stderr: io.stderr })) {
    io.stderr.write(`glusterd: ${failure}\n`);
  }
  const runDirectory = runDirectoryOf(root);
  link(options.pidFile, join(runDirectory, "mortard.pid"));
  link(options.socketFile, join(runDirectory, "mortard.sock"));
  const words = wordsOf(options);
  if (options.foreground) return await become(["--root", root, ...words]);
  const program = join(runDirectory, "glusterd");
  link(program, process.execPath);
  await spawnDaemon(root, { words, program });
  return 0;
}

function wordsOf(options: GlusterdOptions): string[] {
  const given: readonly (readonly [string, string | undefined])[] = [
    ["--address", options.address],
    ["--log-level", options.logLevel],
    ["--log-file", options.logFile],
    ["--log-directory", options.logDirectory],
    ["--gluster-run-directory", options.runDirectory],
  ];
  return given.flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}

/** The program ends the process by itself. */
async function become(words: readonly string[]): Promise<never> {
  const program = daemonProgram();
  process.argv = [process.execPath, program, ...words];
  await import(program);
  throw new Error("mortard ended without ending its process");
}

/** A link in place of what a glusterd, or one of us, left there. */
function link(path: string | undefined, target: string): void {
  if (path === undefined || path === target) return;
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(path), { recursive: true });
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status?.isSymbolicLink() === true && readlinkSync(path) === target) return;
  if (status !== undefined) rmSync(path);
  symlinkSync(target, path);
}
