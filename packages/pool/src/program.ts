/**
 * Which installation the processes of a pool are started from. `program.json` in the run directory
 * names it, and is replaced in one step: so holder and server, which start each other's successor,
 * start the version that is wanted and not the one they are themselves (see upgrade.ts).
 *
 * The file names the installation before it as well. A successor that ends before it is at work is
 * not tried twice: who started it goes back to the previous one, or to its own, which runs.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { log } from "./log.ts";
import { replaceFile } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";

export interface Program {
  /** The Node.js that runs it. */
  readonly node: string;
  /** Where the compiled modules of this package are. */
  readonly directory: string;
}

/** The installation of the calling process. */
export const ownProgram: Program = {
  node: process.execPath,
  directory: dirname(fileURLToPath(import.meta.url)),
};

/** Throws when there is no such installation. */
export function versionOf({ directory }: Program): string {
  const text = readFileSync(join(dirname(directory), "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

export function isSameProgram(one: Program, other: Program): boolean {
  return one.node === other.node && one.directory === other.directory;
}

/** What successors are started from: as recorded, else the installation of this process. */
export function wantedProgram(files: RunFiles): Program {
  const found = recorded(files);
  return found === undefined ? ownProgram : { node: found.node, directory: found.directory };
}

/** `previous` is what to go back to when `program` does not come up. */
export function wantProgram(files: RunFiles, program: Program, previous?: Program): void {
  replaceFile(files.program, JSON.stringify({ ...program, previous }));
}

/**
 * For who started `failed`, which ended before it was at work. True when there is another to try,
 * which is recorded then.
 */
export function fallBack(files: RunFiles, failed: Program): boolean {
  const other = [recorded(files)?.previous, ownProgram].find(
    (it) => it !== undefined && !isSameProgram(it, failed),
  );
  if (other === undefined) return false;
  log(`${failed.directory} does not come up: back to ${other.directory}`);
  wantProgram(files, other);
  return true;
}

/** Undefined when it is not there, or not readable: a pool must go on without it. */
function recorded(
  files: RunFiles,
): (Program & { readonly previous: Program | undefined }) | undefined {
  try {
    const value = JSON.parse(readFileSync(files.program, "utf8")) as Record<string, unknown>;
    const program = asProgram(value);
    return program && { ...program, previous: asProgram(value["previous"]) };
  } catch {
    return undefined;
  }
}

function asProgram(value: unknown): Program | undefined {
  const { node, directory } = (value ?? {}) as Partial<Program>;
  if (typeof node !== "string" || typeof directory !== "string") return undefined;
  return { node, directory };
}
