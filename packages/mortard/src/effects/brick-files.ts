/** Files that are written for a brick when its owner asks: former logs, statedumps. */
import { constants, copyFileSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Begins a log anew; gives the file that holds what it had: LOG.SECONDS, as GlusterFS names it.
 * Brick servers append, so they write on at its start; what one writes in the moment between the
 * copy and the cut is lost.
 */
export function rotateLog(log: string, nowMs: number): string {
  for (let seconds = Math.floor(nowMs / 1000); ; seconds += 1) {
    const former = `${log}.${seconds}`;
    try {
      copyFileSync(log, former, constants.COPYFILE_EXCL);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw error;
    }
    truncateSync(log);
    return former;
  }
}

/** `[section]` and `key=value` lines; gives the file: NAME.dump.SECONDS */
export function writeStatedump(
  directory: string,
  name: string,
  state: object,
  nowMs: number,
): string {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${name}.dump.${Math.floor(nowMs / 1000)}`);
  const time = new Date(nowMs).toISOString();
  const sections = sectionsOf("brick", state).map(
    ({ title, lines }) => `[${title}]\n${lines.map((line) => `${line}\n`).join("")}\n`,
  );
  writeFileSync(file, `DUMP-START-TIME: ${time}\n\n${sections.join("")}DUMP-END\n`, {
    mode: 0o600,
  });
  return file;
}

interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/** What is an object, or a list of objects, gets a section of its own behind the one it is in. */
function sectionsOf(title: string, value: object): Section[] {
  const entries = Object.entries(value) as [string, unknown][];
  const isNested = (it: unknown): it is object => typeof it === "object" && it !== null;
  const lines = entries.flatMap(([key, it]) => (isNested(it) ? [] : [`${key}=${String(it)}`]));
  const below = entries.flatMap(([key, it]) =>
    isNested(it) ? sectionsOf(`${title}.${key}`, it) : [],
  );
  return lines.length === 0 ? below : [{ title, lines }, ...below];
}
