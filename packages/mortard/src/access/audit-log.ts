/**
 * What was changed through this node, and what was refused: a line of JSON each, LOG/audit.jsonl.
 * The file is begun anew when it is large; three former ones stay beside it (`audit.jsonl.1` is the
 * newest of them).
 */
import { appendFileSync, readFileSync, renameSync, statSync } from "node:fs";
import { type AuditEntry, conforms, AuditEntry as Schema } from "@mortar/api";

const FILE_BYTES_MAX = 16 * 1024 * 1024;
const FORMER_FILES = 3;
const ASKED_CHARACTERS_MAX = 4096;
/** Of a millisecond. */
const TOLD = 1 / 1024;
const secrets: ReadonlySet<string> = new Set(["token", "password", "secret"]);

export class AuditLog {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  write(entry: AuditEntry): void {
    this.#rotate();
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
  }

  /** The newest first. */
  list(limit: number): AuditEntry[] {
    return this.page(limit).entries;
  }

  /**
   * The newest first, of those before a place. A place is a time in milliseconds and, of entries of one
   * millisecond, how many of them are told already (thousandths): new entries move none.
   */
  page(limit: number, before?: number): { entries: AuditEntry[]; next?: number } {
    const found: AuditEntry[] = [];
    let place = before;
    for (const entry of this.#newestFirst(before)) {
      if (found.length === limit) return { entries: found, ...(place === undefined ? {} : { next: place }) };
      const isSame = place !== undefined && Math.floor(place) === entry.timeMs;
      place = isSame ? place! + TOLD : entry.timeMs + TOLD;
      found.push(entry);
    }
    return { entries: found };
  }

  *#newestFirst(before: number | undefined): Generator<AuditEntry> {
    const timeMs = before === undefined ? Infinity : Math.floor(before);
    let skipped = before === undefined ? 0 : Math.round((before - timeMs) / TOLD);
    for (let number = 0; number <= FORMER_FILES; number += 1) {
      const lines = textOf(number === 0 ? this.#file : `${this.#file}.${number}`).split("\n");
      for (const line of lines.toReversed()) {
        const entry = entryOf(line);
        if (entry === undefined || entry.timeMs > timeMs) continue;
        if (entry.timeMs === timeMs && skipped > 0) skipped -= 1;
        else yield entry;
      }
    }
  }

  #rotate(): void {
    const status = statSync(this.#file, { throwIfNoEntry: false });
    if (status === undefined || status.size < FILE_BYTES_MAX) return;
    for (let number = FORMER_FILES; number > 0; number -= 1) {
      const from = number === 1 ? this.#file : `${this.#file}.${number - 1}`;
      if (statSync(from, { throwIfNoEntry: false }) !== undefined) {
        renameSync(from, `${this.#file}.${number}`);
      }
    }
  }
}

/** The body of a request, without what nobody may read later; undefined for none, or a long one. */
export function askedOf(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return undefined;
  const kept = Object.entries(body).filter(([key]) => !secrets.has(key));
  if (kept.length === 0) return undefined;
  const asked = Object.fromEntries(kept);
  return JSON.stringify(asked).length > ASKED_CHARACTERS_MAX ? undefined : asked;
}

/** The last line may be cut off: the machine lost its power. */
function entryOf(line: string): AuditEntry | undefined {
  if (line === "") return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    return conforms(Schema, entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
