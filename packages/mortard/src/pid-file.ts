/**
 * One daemon a root. The lock on the pid file is what counts: it goes with the process, however
 * that ends. The number in the file is for people.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { tryFlock } from "@mortar/linux";

export class AlreadyRunning extends Error {
  override readonly name = "AlreadyRunning";
}

export interface PidFile {
  release(): void;
}

/** Throws `AlreadyRunning` with the pid of the one that runs. */
export function takePidFile(file: string): PidFile {
  const descriptor = openSync(file, "a+", 0o600);
  if (!tryFlock(descriptor, "exclusive", file)) {
    closeSync(descriptor);
    const pid = readFileSync(file, "latin1").trim();
    throw new AlreadyRunning(`mortard runs already (process ${pid}, ${file})`);
  }
  ftruncateSync(descriptor, 0);
  writeSync(descriptor, `${process.pid}\n`);
  return {
    // The file stays: removing it would let two daemons lock two files of one name.
    release: () => {
      ftruncateSync(descriptor, 0);
      closeSync(descriptor);
    },
  };
}
