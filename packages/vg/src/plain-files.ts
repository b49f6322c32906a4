/**
 * Physical volumes in plain files, which the operator has named: nobody can look for them. A group
 * on such files needs no privileges when its volumes are reached by NBD.
 */
import { realpathSync, statSync } from "node:fs";
import { isErrno } from "@mortar/linux";
import type { CandidateDevice } from "./device-scan.ts";

/** Those of the paths that are plain files, in their order. */
export function plainFiles(paths: readonly string[]): CandidateDevice[] {
  return paths.flatMap((path) => plainFile(path) ?? []);
}

function plainFile(path: string): CandidateDevice | undefined {
  try {
    const status = statSync(path);
    if (!status.isFile()) return undefined;
    const { dev, ino, size } = status;
    return { path: realpathSync(path), deviceNumber: `file ${dev}:${ino}`, sizeBytes: size };
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES")) return undefined;
    throw error;
  }
}
