import { writeSync } from "node:fs";

const STDERR = 2;

/**
 * One line in the log of the run directory. Synchronous: a worker that is about to die has its say,
 * too.
 */
export function log(line: string): void {
  try {
    writeSync(STDERR, `${new Date().toISOString()} [${process.pid}] ${line}\n`);
  } catch {
    // A log on a full disk must not stop a pool.
  }
}

/**
 * At most one line a second, with the number of those that were left out: a failing disk speaks
 * often.
 */
export function limitedLog(): (line: string) => void {
  let second = 0;
  let dropped = 0;
  return (line) => {
    const now = Math.floor(Date.now() / 1000);
    if (now === second) {
      dropped += 1;
      return;
    }
    log(dropped === 0 ? line : `${line} (and ${dropped} more before)`);
    second = now;
    dropped = 0;
  };
}
