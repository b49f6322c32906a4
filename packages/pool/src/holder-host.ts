/**
 * The holder: the one process of a pool that must live. It owns the descriptor of /dev/fuse and the
 * mount, starts the server with that descriptor, and starts it again when it dies; requests wait in
 * the kernel meanwhile. It also keeps the physical volumes open: the last close of a block device
 * writes all of it back, and the death of a server is no time for that. And it keeps the wake file
 * open, without which the server's threads cannot wake each other.
 *
 * It ends when the server ends with code 0. Argument: run directory.
 */
import { spawn } from "node:child_process";
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
import { fileURLToPath } from "node:url";
import { WAKE_NAME } from "@mortar/fuse";
import { mountFileSystem, setIoFlusher, setOomScore, unmount } from "@mortar/linux";
import { poolClient } from "./client.ts";
import { ExitCode } from "./exit-code.ts";
import { lockForLife } from "./life-lock.ts";
import { log } from "./log.ts";
import { runFiles } from "./run-directory.ts";
import type { PoolSpec } from "./spec.ts";
import { FUSE_FD } from "./worker-messages.ts";

const DEATHS_WATCHED_MS = 10_000;
const DEATHS_MAX = 10;
const SLOW_RETRY_MS = 5000;
const NEVER_KILL = -1000;

const files = runFiles(process.argv[2]!);
const devices = new Map<string, number>();
const deaths: number[] = [];
let fuse = -1;
let wakeFile: FileHandle | undefined;
let restarts = 0;

async function main(): Promise<void> {
  setOomScore(NEVER_KILL);
  setIoFlusher();
  process.on("SIGHUP", holdDevices);
  process.on("SIGTERM", () => void stopIfUnused());
  process.on("SIGINT", () => undefined);
  if (!(await lockForLife(files.holderPid)))
    throw new Error(`${files.directory} has a holder already`);
  holdDevices();
  fuse = openSync("/dev/fuse", constants.O_RDWR);
  const { vgName, poolName } = readSpec();
  await mountFileSystem({
    source: `${vgName}/${poolName}`,
    target: files.mountPoint,
    type: "fuse.mortar",
    flags: ["noSuid", "noDev"],
    data: `fd=${fuse},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions`,
  });
  startServer();
  await holdWakeFile().catch((error: unknown) => log(`the wake file: ${String(error)}`));
}

/**
 * These are requests to the server that was just started, answered when it is ready.
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

function startServer(): void {
  const program = fileURLToPath(new URL("./server-host.js", import.meta.url));
  const stdio: (number | "ignore" | "inherit")[] = ["ignore", "inherit", "inherit"];
  stdio[FUSE_FD] = fuse;
  const server = spawn(process.execPath, [program, files.directory, String(restarts)], {
    cwd: "/",
    stdio,
  });
  restarts += 1;
  server.once("error", (error) => {
    log(`starting the server: ${error.message}`);
    setTimeout(startServer, SLOW_RETRY_MS);
  });
  server.once("exit", (code, signal) => void ended(code, signal));
}

async function ended(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
  if (code === ExitCode.stopped) return end(true);
  log(`the server ended with ${signal ?? `code ${code}`}`);
  // Nobody uses a pool that was never served: whoever starts it is told.
  if (code !== ExitCode.replaced && !existsSync(files.session)) return end(false);
  setTimeout(startServer, code === ExitCode.replaced ? 0 : delayAfterDeath(code));
}

/**
 * At once, but a server that dies again and again gets pauses; it is never given up, for I/O waits
 * for it.
 */
function delayAfterDeath(code: number | null): number {
  const now = Date.now();
  deaths.push(now);
  while (deaths[0]! < now - DEATHS_WATCHED_MS) deaths.shift();
  if (code !== ExitCode.refused && deaths.length < DEATHS_MAX) return 0;
  log(
    `${deaths.length} deaths in ${DEATHS_WATCHED_MS / 1000} s: ` +
      `next try in ${SLOW_RETRY_MS / 1000} s`,
  );
  return SLOW_RETRY_MS;
}

/**
 * Order matters: nobody serves any more, so closing the wake file while the connection lives would
 * wait for ever. Closing the last descriptor of /dev/fuse ends the connection.
 */
async function end(stopped: boolean): Promise<void> {
  await unmount(files.mountPoint, { detach: true }).catch((error: unknown) => log(String(error)));
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
