/**
 * What pool servers tell, taken over into the events of the node. They append to a file of their own
 * (RUN/events.jsonl), since they live without mortard.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { eventKindOf } from "@mortar/api";
import { type PoolEvent, readPoolEvents } from "@mortar/vg";
import type { EventLog, EventNote } from "./event-log.ts";

const TAKEN_MAX = 500;

export class PoolTail {
  readonly #runDirectory: string;
  readonly #events: EventLog;
  #lastMs: number;
  /** Of those of `#lastMs`. */
  #taken = new Set<string>();
  #seen = "";

  constructor(runDirectory: string, events: EventLog) {
    this.#runDirectory = runDirectory;
    this.#events = events;
    const known = events.newest(TAKEN_MAX, ({ kind }) => kind.startsWith("pool-"));
    this.#lastMs = known.at(-1)?.atMs ?? 0;
    for (const { atMs, sentence } of known) if (atMs === this.#lastMs) this.#taken.add(sentence);
  }

  look(): void {
    const status = statSync(join(this.#runDirectory, "events.jsonl"), { throwIfNoEntry: false });
    const seen = status === undefined ? "" : `${status.ino} ${status.size}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    for (const event of readPoolEvents(this.#runDirectory, TAKEN_MAX)) {
      const note = noteOf(event);
      if (note !== undefined && this.#isNew(note.atMs, note.sentence)) this.#events.raise(note);
    }
  }

  #isNew(atMs: number, sentence: string): boolean {
    if (atMs < this.#lastMs || (atMs === this.#lastMs && this.#taken.has(sentence))) return false;
    if (atMs > this.#lastMs) this.#taken.clear();
    this.#lastMs = atMs;
    this.#taken.add(sentence);
    return true;
  }
}

/** Undefined of a kind that another version knows. */
function noteOf(event: PoolEvent): (EventNote & { readonly atMs: number }) | undefined {
  const { time, severity, message, nextStep, vg, pool } = event;
  const kind = eventKindOf(`pool-${event.kind}`);
  const atMs = Date.parse(time);
  if (kind === undefined || !Number.isSafeInteger(atMs)) return undefined;
  return { kind, severity, object: `${vg}/${pool}`, sentence: message, nextStep, atMs };
}
