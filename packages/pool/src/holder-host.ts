/**
 * The holder: it keeps what a server must not take with it when it dies. That is the descriptor of
 * /dev/fuse, with which requests wait in the kernel; the physical volumes, for the last close of a
 * block device writes all of it back, and the death of a server is no time for that; and the wake
 * file, without which the server's threads cannot wake each other.
 *
 * It starts the server again when that is gone. The server does the same for its holder, so either
 * may be killed, though not both at once: see tether.ts.
 *
 *     holder-host.js RUN-DIRECTORY            the first one: opens /dev/fuse, mounts, starts a server
 *     holder-host.js RUN-DIRECTORY SERVERS    started by a server; SERVERS is how many there were
 *
 * It ends when the server says that it was stopped. SIGUSR2: it makes room for a new holder, which
 * the server starts at once.
 */
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  promises as fs,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { WAKE_NAME } from "@mortar/fuse";
import { mountFileSystem, openEventFd, setIoFlusher, setOomScore, unmount } from "@mortar/linux";
import { poolClient } from "./client.ts";
import { lockForLife, recordPid } from "./life-lock.ts";
import { log } from "./log.ts";
import { fallBack, wantedProgram } from "./program.ts";
import type { Program } from "./program.ts";
import { RestartPause } from "./restart-pause.ts";
import { runFiles } from "./run-directory.ts";
import type { PoolSpec } from "./spec.ts";
import { FUSE_FD, LIFE_LOCK_FD, sayToStarter, startTethered, tetherToStarter } from "./tether.ts";
import type { LastWord, TetherEvents } from "./tether.ts";

const NEVER_KILL = -1000;

/**
 * Cached metadata (128 MiB at most) is outside of V8's heap, which holds some 500 bytes for each of
 * its 32,768 blocks, the mappings since the last commit, and little else: a quarter of this. So the
 * limit is one on what a fault of the program may take. A small nursery keeps garbage from being
 * resident: requests make none.
 */
const SERVER_NODE_OPTIONS = ["--max-old-space-size=256", "--max-semi-space-size=4"];

const files = runFiles(process.argv[2]!);
const isFirst = process.argv[3] === undefined;
const devices = new Map<string, number>();
const pause = new RestartPause();
let servers = isFirst ? 0 : Number(process.argv[3]);
let fuse = FUSE_FD;
let wakeFile: FileHandle | undefined;
let lastWord: LastWord | undefined;
/** Of the server that was started last; undefined for one that this holder found. */
let program: Program | undefined;
let servingSinceMs: number | undefined;

const server: TetherEvents = {
  heard(word) {
    if (word === "devices") holdDevices();
    else if (word === "serving") servingSinceMs ??= performance.now();
    else if (word !== "holding") lastWord = word;
  },
  gone: () => void ended(lastWord),
};

async function main(): Promise<void> {
  if (!setOomScore(NEVER_KILL)) log("the OOM killer may choose this process: no CAP_SYS_RESOURCE");
  if (!setIoFlusher()) log("not marked as part of the I/O path: no CAP_SYS_RESOURCE");
  process.on("SIGHUP", holdDevices);
  process.on("SIGTERM", () => void stopIfUnused());
  process.on("SIGINT", () => undefined);
  process.on("SIGUSR2", makeRoom);
  if (isFirst) await begin();
  else takeOver();
  if (readSpec().mount === false) return;
  await holdWakeFile().catch((error: unknown) => log(`the wake file: ${String(error)}`));
}

async function begin(): Promise<void> {
  if (!(await lockForLife(files.holderPid)))
    throw new Error(`${files.directory} has a holder already`);
  holdDevices();
  await openChannel(readSpec());
  await startServer();
}

/** The mount; or where nothing is to be mounted, what a server's threads wake each other with. */
async function openChannel({ vgName, poolName, mount }: PoolSpec): Promise<void> {
  if (mount === false) {
    fuse = openEventFd();
    return;
  }
  fuse = openSync("/dev/fuse", constants.O_RDWR);
  await mountFileSystem({
    source: `${vgName}/${poolName}`,
    target: files.mountPoint,
    type: "fuse.mortar",
    flags: ["noSuid", "noDev"],
    data: `fd=${fuse},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions`,
  });
}

/** The server that started this holder goes on serving, unless it is gone by now. */
function takeOver(): void {
  recordPid(LIFE_LOCK_FD);
  tetherToStarter(server);
  holdDevices();
  sayToStarter("holding");
  log(`a new holder, after ${servers} servers`);
}

/**
 * These are requests to the server, answered when it is ready.
 *
 * The file is opened twice and closed once for a reason: a close sends FLUSH and waits for it,
 * until one was answered with ENOSYS. When a server is started again, the new process closes its
 * copy of the wake file before it becomes the server, and that close must not wait for an answer
 * that only the server can give. (Linux 5.16 can be told not to send FLUSH; before, this is what
 * keeps it from doing so.)
 */
async function holdWakeFile(): Promise<void> {
  const path = `${files.mountPoint}/${WAKE_NAME}`;
  wakeFile = await fs.open(path, constants.O_RDONLY);
  const second = await fs.open(path, constants.O_RDONLY);
  await second.close();
}

async function startServer(): Promise<void> {
  lastWord = undefined;
  servingSinceMs = undefined;
  program = wantedProgram(files);
  const start = {
    program,
    module: "server-host.js" as const,
    arguments: [files.directory, String(servers), String(process.pid)],
    nodeOptions: SERVER_NODE_OPTIONS,
    pidFile: files.serverPid,
    fuse,
    detached: false,
  };
  try {
    await startTethered(start, server);
    servers += 1;
  } catch (error) {
    log(`starting the server: ${(error as Error).message}`);
    startAgain();
  }
}

async function ended(word: LastWord | undefined): Promise<void> {
  if (word === "stopped") return end(true);
  log(`the server ended: ${word ?? "died"}`);
  // Nobody uses a pool that was never served: whoever starts it is told.
  if (word !== "replaced" && !existsSync(files.session)) return end(false);
  if (word === "replaced") void startServer();
  else startAgain();
}

/** A server that does not come up is never given up, for I/O waits for it. */
function startAgain(): void {
  const servedMs = servingSinceMs === undefined ? 0 : performance.now() - servingSinceMs;
  const isOther = servingSinceMs === undefined && program !== undefined && fallBack(files, program);
  const delayMs = isOther ? 0 : pause.afterDeath(servedMs);
  if (delayMs > 0) log(`it ended again before it served: next try in ${delayMs} ms`);
  setTimeout(() => void startServer(), delayMs);
}

/** Only while a server is there to start the next holder: alone, this one ends the mount. */
function makeRoom(): void {
  if (servingSinceMs === undefined) {
    log("not making room: no server serves");
    return;
  }
  log("making room for the next holder");
  process.exit(0);
}

/**
 * Order matters: nobody serves any more, so closing the wake file while the connection lives would
 * wait for ever. Closing the last descriptor of /dev/fuse ends the connection.
 */
async function end(stopped: boolean): Promise<void> {
  if (readSpec().mount !== false) {
    await unmount(files.mountPoint, { detach: true }).catch((error: unknown) =>
      log(String(error)),
    );
  }
  closeSync(fuse);
  await wakeFile?.close().catch(() => undefined);
  for (const fd of devices.values()) closeSync(fd);
  if (stopped) rmSync(files.directory, { recursive: true, force: true });
  process.exit(stopped ? 0 : 1);
}

function holdDevices(): void {
  const paths = new Set(readSpec().devices.map((device) => device.path));
  for (const [path, fd] of devices) {
    if (paths.has(path)) continue;
    closeSync(fd);
    devices.delete(path);
  }
  for (const path of paths) {
    if (devices.has(path)) continue;
    try {
      devices.set(path, openSync(path, constants.O_RDONLY));
    } catch (error) {
      log((error as Error).message); // The server will say so in its own words.
    }
  }
}

function readSpec(): PoolSpec {
  return JSON.parse(readFileSync(files.spec, "utf8")) as PoolSpec;
}

async function stopIfUnused(): Promise<void> {
  try {
    await poolClient(files.directory).requestStop();
  } catch (error) {
    log(`not stopping: ${(error as Error).message}`);
  }
}

main().catch((error: unknown) => {
  log(`holder: ${(error as Error).stack ?? String(error)}`);
  const failure = { code: "start-failed", message: (error as Error).message };
  writeFileSync(files.failure, JSON.stringify(failure), { mode: 0o600 });
  process.exit(1);
});
