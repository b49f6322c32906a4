/**
 * The run directory of one server, mode 0700:
 *
 *     control.sock     requests
 *     mnt/             the FUSE mount
 *     spec.json        what is served; rewritten before a change is answered
 *     session.json     what FUSE_INIT agreed; there once the server is ready
 *     opens.json       which files are open
 *     holder.pid       the process that keeps the descriptors; locked while it lives
 *     server.pid       the one that serves; locked while it lives
 *     journal          mappings since the last commit
 *     request          what is being answered
 *     waiting, waiting-data  what waits for room in a full pool; all of these are memory that outlives the server,
 *     surviving.json     elsewhere when RUN is not a tmpfs: this says where
 *     metadata-hold.json  which process reads the metadata snapshot
 *     log              of both processes
 *     program.json     the installation that successors are started from
 *     failure.json     why the first start was refused
 *     flush-failure.json  a flush failed, see RecordedFlushFailure
 *     nbd.sock         NBD, all LVs that are served
 *     nbd.json         where else NBD clients connect
 */
import { closeSync, constants, openSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

export interface RunFiles {
  readonly directory: string;
  readonly controlSocket: string;
  readonly mountPoint: string;
  readonly spec: string;
  readonly session: string;
  readonly holderPid: string;
  readonly serverPid: string;
  readonly log: string;
  readonly program: string;
  readonly failure: string;
  readonly flushFailure: string;
  readonly opens: string;
  readonly surviving: string;
  readonly nbdSocket: string;
  readonly nbdListeners: string;
}

export function runFiles(directory: string): RunFiles {
  return {
    directory,
    controlSocket: join(directory, "control.sock"),
    mountPoint: join(directory, "mnt"),
    spec: join(directory, "spec.json"),
    session: join(directory, "session.json"),
    holderPid: join(directory, "holder.pid"),
    serverPid: join(directory, "server.pid"),
    log: join(directory, "log"),
    program: join(directory, "program.json"),
    failure: join(directory, "failure.json"),
    flushFailure: join(directory, "flush-failure.json"),
    opens: join(directory, "opens.json"),
    surviving: join(directory, "surviving.json"),
    nbdSocket: join(directory, "nbd.sock"),
    nbdListeners: join(directory, "nbd.json"),
  };
}

/**
 * RUN/pools/VG-POOL. Hyphens inside a name are doubled, as device-mapper does, so that no two pools
 * share a directory.
 */
export function poolRunDirectory(run: string, vgName: string, poolName: string): string {
  return join(run, "pools", `${vgName.replaceAll("-", "--")}-${poolName.replaceAll("-", "--")}`);
}

/**
 * Replace a file in one step: a reader, or a process that dies half-way, sees the old content or
 * the new one. It need not outlive the machine, so nothing waits for a disk.
 */
export function replaceFile(path: string, content: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, path);
}

const SOCKET_PATH_BYTES_MAX = 107;

/**
 * A name for a socket of the directory that fits `sockaddr_un`: its path, or for a long path one through a
 * descriptor of its directory. `release` closes that descriptor; a listening socket keeps it until
 * it closes.
 */
export function socketAddress(
  files: RunFiles,
  socket = files.controlSocket,
): { readonly path: string; release(): void } {
  if (Buffer.byteLength(socket) <= SOCKET_PATH_BYTES_MAX) {
    return { path: socket, release: () => undefined };
  }
  const fd = openSync(files.directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${fd}/${basename(socket)}`, release: () => closeSync(fd) };
}
