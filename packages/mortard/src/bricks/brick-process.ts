/**
 * One stock brick server: its command line, its files, and how a running one is recognised.
 *
 * Files, below RUN/bricks, named by 16 hex digits made from the brick's path:
 *
 *     ID.pid      written, and locked while it lives, by glusterfsd
 *     ID.socket   glusterfsd's socket for brick operations
 *     ID.json     which brick this is and which port it was given; written before the start
 *
 * A process is taken for a brick only if it has the pid of the pid file and its command line holds
 * the brick's own socket path and name: pids are used again, socket paths of other nodes differ.
 */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ProcessIdentity, argumentsOf, identify } from "../process-identity.ts";

export interface BrickSpec {
  /** The volume, or the snap volume, that the brick serves. */
  readonly volume: string;
  readonly snapshot?: string;
  readonly host: string;
  /** Absolute path of the brick's directory; unique on a node. */
  readonly path: string;
  /** What glusterfsd asks GETSPEC for. */
  readonly volfileId: string;
}

export interface BrickFiles {
  readonly pid: string;
  readonly socket: string;
  readonly record: string;
  readonly log: string;
}

export interface BrickHome {
  readonly runDirectory: string;
  readonly logDirectory: string;
}

export interface BrickRecord {
  readonly spec: BrickSpec;
  readonly port: number;
}

export interface CommandLineInput {
  readonly spec: BrickSpec;
  readonly files: BrickFiles;
  readonly port: number;
  readonly nodeUuid: string;
  /** Where the brick asks for its volfile and signs in. */
  readonly managementAddress: string;
  readonly managementPort: number;
}

export function brickFiles(home: BrickHome, path: string): BrickFiles {
  const id = createHash("sha256").update(path).digest("hex").slice(0, 16);
  return {
    pid: join(home.runDirectory, `${id}.pid`),
    socket: join(home.runDirectory, `${id}.socket`),
    record: join(home.runDirectory, `${id}.json`),
    log: join(home.logDirectory, `${path.slice(1).replaceAll("/", "-")}.log`),
  };
}

/** The arguments that glusterd gives to a brick (docs/formats/gluster-management.md). */
export function commandLine(input: CommandLineInput): string[] {
  const { spec, files, port } = input;
  return [
    "-s", input.managementAddress,
    `--volfile-server-port=${input.managementPort}`,
    "--volfile-id", spec.volfileId,
    "-p", files.pid,
    "-S", files.socket,
    "--brick-name", spec.path,
    "-l", files.log,
    "--xlator-option", `*-posix.glusterd-uuid=${input.nodeUuid}`,
    "--process-name", "brick",
    "--brick-port", String(port),
    "--xlator-option", `${spec.volume}-server.listen-port=${port}`,
  ];
}

/** The running process of a brick, or undefined. */
export function findProcess(files: BrickFiles, path: string): ProcessIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(files.pid, "latin1");
  } catch {
    return undefined;
  }
  const pid = Number.parseInt(text, 10);
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  const identity = identify(pid);
  if (identity === undefined) return undefined;
  const words = argumentsOf(pid) ?? [];
  const isThisBrick =
    words[words.indexOf("-S") + 1] === files.socket &&
    words[words.indexOf("--brick-name") + 1] === path;
  return isThisBrick ? identity : undefined;
}

/** The port in a running brick's command line. */
export function portOfProcess(pid: number): number | undefined {
  const words = argumentsOf(pid) ?? [];
  const index = words.indexOf("--brick-port");
  const port = index < 0 ? Number.NaN : Number(words[index + 1]);
  return Number.isSafeInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

export function writeRecord(files: BrickFiles, record: BrickRecord): void {
  const temporary = `${files.record}.new`;
  writeFileSync(temporary, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(temporary, files.record);
}

export function readRecord(file: string): BrickRecord | undefined {
  try {
    const value = JSON.parse(readFileSync(file, "utf8")) as Partial<BrickRecord>;
    const { spec, port } = value;
    if (typeof spec?.path !== "string" || typeof port !== "number") return undefined;
    return { spec, port };
  } catch {
    return undefined;
  }
}

/** The first errors in a brick's log from `sinceBytes` on: why it did not start. */
export function firstErrors(logFile: string, sinceBytes: number): string {
  let text: string;
  try {
    text = readFileSync(logFile).subarray(sinceBytes).toString("utf8");
  } catch {
    return "";
  }
  const errors = text.split("\n").filter((line) => /^\[[^\]]*\] [ECA] /.test(line));
  return errors.slice(0, 2).map((line) => line.replace(/^\[[^\]]*\] /, "")).join(" | ");
}
