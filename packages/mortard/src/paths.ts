/**
 * Where a node keeps things. Everything lies below one root, so that several nodes, each with its
 * own root and address, run on one machine; with root "/" the places are the usual ones.
 */
import { chmodSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

/** A unix socket's path must fit into sockaddr_un with its NUL. */
const SOCKET_PATH_BYTES_MAX = 107;

export interface NodePaths {
  readonly root: string;
  readonly configFile: string;
  readonly stateDirectory: string;
  /** The state of the cluster. */
  readonly storeDirectory: string;
  /** What this node proves itself with to others. */
  readonly tlsDirectory: string;
  readonly runDirectory: string;
  readonly logDirectory: string;
  readonly brickLogDirectory: string;
  /** Pid files, sockets and descriptions of brick processes. */
  readonly brickRunDirectory: string;
  /** Pid files of bricks as GlusterFS's tools expect them. */
  readonly toolPidDirectory: string;
  /** One file for each file system that is frozen now. */
  readonly frozenDirectory: string;
  /** Programs that are run around snapshots. */
  readonly hooksDirectory: string;
  /** One file for each snapshot for which hooks hold something quiet now. */
  readonly quietDirectory: string;
  /** Bricks of snapshots are mounted at SNAPS/SNAPVOL/brickN. */
  readonly snapsDirectory: string;
  /** Statedumps of bricks. */
  readonly dumpDirectory: string;
  readonly socketPath: string;
  readonly pidFile: string;
  readonly logFile: string;
}

/** Places that are not below the root; an undefined one is. */
export interface OtherPlaces {
  readonly logFile?: string | undefined;
  readonly logDirectory?: string | undefined;
  readonly glusterRunDirectory?: string | undefined;
}

export function nodePaths(rootDirectory: string, other: OtherPlaces = {}): NodePaths {
  const root = resolve(rootDirectory);
  const runDirectory = join(root, "run/mortar");
  const stateDirectory = join(root, "var/lib/mortar");
  const logDirectory = resolve(other.logDirectory ?? join(root, "var/log/mortar"));
  const glusterRun = resolve(other.glusterRunDirectory ?? join(root, "run/gluster"));
  return {
    root,
    configFile: join(root, "etc/mortar/mortar.json"),
    stateDirectory,
    storeDirectory: join(stateDirectory, "cluster"),
    tlsDirectory: join(stateDirectory, "tls"),
    runDirectory,
    logDirectory,
    brickLogDirectory: join(logDirectory, "bricks"),
    brickRunDirectory: join(runDirectory, "bricks"),
    toolPidDirectory: join(glusterRun, "vols"),
    frozenDirectory: join(runDirectory, "frozen"),
    hooksDirectory: join(root, "etc/mortar/hooks/snapshot"),
    quietDirectory: join(runDirectory, "quiet"),
    snapsDirectory: join(glusterRun, "snaps"),
    dumpDirectory: glusterRun,
    socketPath: join(runDirectory, "mortard.sock"),
    pidFile: join(runDirectory, "mortard.pid"),
    logFile: resolve(other.logFile ?? join(logDirectory, "mortard.log")),
  };
}

function within(root: string, path: string): boolean {
  return root === "/" || path.startsWith(`${root}/`);
}

/** Makes the directories, private to their owner. Throws when the root is too deep for sockets. */
export function makeDirectories(paths: NodePaths): void {
  const longest = join(paths.brickRunDirectory, `${"0".repeat(16)}.socket`);
  const lengthBytes = Buffer.byteLength(longest);
  if (lengthBytes > SOCKET_PATH_BYTES_MAX) {
    throw new Error(
      `The root directory ${paths.root} is too long: its sockets would have paths of ` +
        `${lengthBytes} bytes, and a unix socket has at most ${SOCKET_PATH_BYTES_MAX}. ` +
        "Choose a shorter --root.",
    );
  }
  const own = [
    paths.stateDirectory,
    paths.runDirectory,
    paths.logDirectory,
    paths.brickLogDirectory,
    paths.brickRunDirectory,
    paths.frozenDirectory,
    paths.quietDirectory,
  ];
  for (const directory of own) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // What lies elsewhere may be somebody else's too, such as /tmp.
    if (within(paths.root, directory)) chmodSync(directory, 0o700);
  }
  mkdirSync(paths.snapsDirectory, { recursive: true });
}
