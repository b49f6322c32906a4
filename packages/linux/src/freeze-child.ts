/**
 * The process that holds a file system frozen: `node freeze-child.js MOUNT-POINT LIMIT-MS`.
 *
 * Says "frozen", waits for the end of its standard input or for the limit, thaws, and says "thawed"
 * or "expired". Any other line is why it could not freeze. Signals that a terminal sends to a whole
 * group must not end it early.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { freezeFileSystem, thawFileSystem } from "./freeze.ts";

const [mountPoint = "", limit = ""] = process.argv.slice(2);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"] as const) {
  process.on(signal, () => undefined);
}

function say(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // Whoever listened is gone; the thaw matters, the answer does not.
  }
}

let directory: number | undefined;
try {
  directory = openSync(mountPoint, constants.O_RDONLY | constants.O_DIRECTORY);
  freezeFileSystem(directory, mountPoint);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
hold(directory, Number(limit));

function hold(fd: number, limitMs: number): void {
  const thaw = (word: string): never => {
    const wasFrozen = thawFileSystem(fd, mountPoint);
    closeSync(fd);
    say(wasFrozen ? word : "expired");
    process.exit(0);
  };
  setTimeout(() => thaw("expired"), limitMs);
  process.stdin.on("data", () => undefined);
  process.stdin.on("end", () => thaw("thawed"));
  process.stdin.on("error", () => thaw("thawed"));
  say("frozen");
}
