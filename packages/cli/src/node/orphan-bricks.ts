/**
 * Brick servers that go on without mortard, as they do when it was killed or is stopped first at a
 * shutdown: `mortar down` ends them, for nobody else does.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runDirectoryOf, waitForEnd } from "./daemon.ts";

const END_MS_MAX = 10_000;

/**
 * By the pid files of RUN/bricks. A process counts only if its command line names that file, or the
 * spec of the same brick: `ID.pid` and `ID.socket.json`.
 */
export function orphanBricks(root: string): number[] {
  const directory = join(runDirectoryOf(root), "bricks");
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => name.endsWith(".pid"));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const file = join(directory, name);
    const pid = Number.parseInt(textOf(file), 10);
    if (!Number.isSafeInteger(pid) || pid <= 1) return [];
    const words = textOf(`/proc/${pid}/cmdline`).split("\0");
    const spec = file.replace(/\.pid$/, ".socket.json");
    return words.includes(file) || words.includes(spec) ? [pid] : [];
  });
}

/** Ends them in order, by force where they do not end in time. */
export async function endBricks(pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGTERM");
  for (const pid of pids) {
    if (await waitForEnd(pid, END_MS_MAX)) continue;
    process.kill(pid, "SIGKILL");
    await waitForEnd(pid, END_MS_MAX);
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
