/**
 * One brick server: its files, and how a running one is recognised.
 *
 * Files, below RUN/bricks, named by 16 hex digits made from the brick's path:
 *
 *     ID.pid           written by the brick server; glusterfsd has it locked while it lives. Empty or
 *                      gone: it ended since it was told to
 *     ID.socket        for brick operations (glusterfsd), or the control socket (builtin)
 *     ID.socket.json   what a builtin brick server was told at its start
 *     ID.json          which brick this is and which port it was given; written before the start
 *
 * A process is taken for a brick only if it has the pid of the pid file and its command line holds
 * the brick's own socket path: pids are used again, socket paths of other nodes differ.
 */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrickEngine } from "@mortar/cluster";
import { type ProcessIdentity, argumentsOf, identify } from "../process-identity.ts";

export interface BrickSpec {
  /** The volume, or the snap volume, that the brick serves. */
  readonly volume: string;
  readonly snapshot?: string;
  readonly host: string;
  /** Absolute path of the brick's directory, or a snapshot daemon's name; unique on a node. */
  readonly path: string;
  /** What glusterfsd asks GETSPEC for. */
  readonly volfileId: string;
  /**
   * Of a self-heal daemon: the bricks that it knows. It ends when they change: it would go on healing
   * the former ones beside the new.
   */
  readonly bricks?: string;
}

export interface BrickFiles {
  readonly pid: string;
  readonly socket: string;
  readonly record: string;
  readonly log: string;
}

export interface BrickHome {
  readonly runDirectory: string;
  /** See tool-pid-file.ts. */
  readonly toolPidDirectory?: string;
  readonly logDirectory: string;
}

export interface BrickRecord {
  readonly spec: BrickSpec;
  readonly port: number;
}

export interface RunningBrick {
  readonly engine: BrickEngine;
  readonly process: ProcessIdentity;
  readonly port: number | undefined;
}

export function brickFiles(home: BrickHome, path: string): BrickFiles {
  const id = createHash("sha256").update(path).digest("hex").slice(0, 16);
  return {
    pid: join(home.runDirectory, `${id}.pid`),
    socket: join(home.runDirectory, `${id}.socket`),
    record: join(home.runDirectory, `${id}.json`),
    log: join(home.logDirectory, `${path.replace(/^\//, "").replaceAll("/", "-")}.log`),
  };
}

/** The running server of a brick, whichever it is, or undefined. */
export function findBrick(files: BrickFiles, path: string): RunningBrick | undefined {
  const pid = Number.parseInt(textOf(files.pid), 10);
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  const process = identify(pid);
  if (process === undefined) return undefined;
  const words = argumentsOf(pid) ?? [];
  if (words.includes(`${files.socket}.json`)) {
    return { engine: "builtin", process, port: readRecord(files.record)?.port };
  }
  const isThisBrick =
    words[words.indexOf("-S") + 1] === files.socket &&
    words[words.indexOf("--brick-name") + 1] === path;
  if (!isThisBrick) return undefined;
  const port = Number(words[words.indexOf("--brick-port") + 1]);
  const isPort = Number.isSafeInteger(port) && port > 0 && port < 65_536;
  return { engine: "glusterfsd", process, port: isPort ? port : undefined };
}

/** It ended since it was told to, and not by us: its pid file is empty, or was taken away. */
export function wasToldToEnd(files: BrickFiles): boolean {
  return textOf(files.pid).trim() === "";
}

export function findProcess(files: BrickFiles, path: string): ProcessIdentity | undefined {
  return findBrick(files, path)?.process;
}

export function removeFiles(files: BrickFiles): void {
  for (const file of [files.record, files.socket, `${files.socket}.json`, files.pid]) {
    rmSync(file, { force: true });
  }
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

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
