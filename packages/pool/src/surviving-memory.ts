/**
 * Memory that outlives the server process, not the machine: files on a tmpfs, mapped. They are in
 * the run directory, or in /dev/shm when that is on a disk. `surviving.json` in the run directory
 * records where, and for which boot of the machine; after another boot they are made anew, for what
 * the page cache held is lost, and with it the data that the journal's mappings led to.
 *
 * - `journal`: the engine's mappings since the last commit.
 * - `request`: the buffer into which requests are read, so that one that was taken and not answered
 *   is still there.
 * - `waiting`, `waiting-data`: requests that wait for room in the pool.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, ftruncateSync, openSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { bootId, lockMemory, mapFile } from "@mortar/linux";
import type { MappedMemory } from "@mortar/linux";
import { replaceFile } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";

const NAMES = ["journal", "request", "waiting", "waiting-data"] as const;
const TMPFS_MAGIC = 0x0102_1994;
const SHARED_MEMORY = "/dev/shm";

interface Place {
  /** Directory and beginning of the names. */
  readonly prefix: string;
  readonly bootId: string;
}

/** The memory as the last server of this run directory left it, zeros for the first one. */
export function survivingMemory(
  files: RunFiles,
  name: (typeof NAMES)[number],
  lengthBytes: number,
): MappedMemory {
  const path = placeOf(files).prefix + name;
  const fd = openSync(path, "a+", 0o600);
  try {
    ftruncateSync(fd, lengthBytes);
    const memory = mapFile(fd, lengthBytes, path);
    lockMemory(memory.address, lengthBytes);
    return memory;
  } finally {
    closeSync(fd);
  }
}

/** The same without mapping it: for what is large, mostly holes, and rarely needed. */
export function survivingFile(files: RunFiles, name: (typeof NAMES)[number]): number {
  const flags = constants.O_RDWR | constants.O_CREAT;
  return openSync(placeOf(files).prefix + name, flags, 0o600);
}

/** For a server that stopped: there is nothing in it any more. */
export function removeSurvivingMemory(files: RunFiles): void {
  const place = recordedPlace(files);
  if (place !== undefined) removeAt(place);
}

function placeOf(files: RunFiles): Place {
  const recorded = recordedPlace(files);
  const boot = bootId();
  if (recorded?.bootId === boot) return recorded;
  if (recorded !== undefined) removeAt(recorded);
  const place = { prefix: choosePrefix(files), bootId: boot };
  removeAt(place);
  replaceFile(files.surviving, JSON.stringify(place));
  return place;
}

function removeAt({ prefix }: Place): void {
  for (const name of NAMES) rmSync(prefix + name, { force: true });
}

function choosePrefix(files: RunFiles): string {
  if (isTmpfs(files.directory) || !isTmpfs(SHARED_MEMORY)) return `${files.directory}/`;
  const digest = createHash("sha256").update(files.directory).digest("hex").slice(0, 16);
  return join(SHARED_MEMORY, `mortar-${digest}-`);
}

function isTmpfs(path: string): boolean {
  try {
    return statfsSync(path).type === TMPFS_MAGIC;
  } catch {
    return false;
  }
}

function recordedPlace(files: RunFiles): Place | undefined {
  try {
    return JSON.parse(readFileSync(files.surviving, "utf8")) as Place;
  } catch {
    return undefined;
  }
}
