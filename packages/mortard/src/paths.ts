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
  /** One file for each file system that is frozen now. */
  readonly frozenDirectory: string;
  /** Bricks of snapshots are mounted at SNAPS/SNAPVOL/brickN. */
  readonly snapsDirectory: string;
  /** Statedumps of bricks. */
  readonly dumpDirectory: string;
  readonly socketPath: string;
  readonly pidFile: string;
  readonly logFile: string;
}

export function nodePaths(rootDirectory: string): NodePaths {
  const root = resolve(rootDirectory);
  const runDirectory = join(root, "run/mortar");
  const stateDirectory = join(root, "var/lib/mortar");
  const logDirectory = join(root, "var/log/mortar");
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
    frozenDirectory: join(runDirectory, "frozen"),
    snapsDirectory: join(root, "run/gluster/snaps"),
    dumpDirectory: join(root, "run/gluster"),
    socketPath: join(runDirectory, "mortard.sock"),
    pidFile: join(runDirectory, "mortard.pid"),
    logFile: join(logDirectory, "mortard.log"),
  };
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
  ];
  for (const directory of own) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
  }
  mkdirSync(paths.snapsDirectory, { recursive: true });
}
