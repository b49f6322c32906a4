/**
 * Events of this node: LOG/events.jsonl, a line of JSON each, the newest last.
 *
 * Ids only grow, over restarts too: each is one more than the last, or the time in milliseconds,
 * whichever is greater, so that a lost file does not bring old ids again. Above FILE_BYTES_MAX the
 * file becomes events.jsonl.1, in place of the last one of that name. The newest KEPT_MAX are held in
 * memory, and only those are told.
 */
import { appendFileSync, readFileSync, renameSync, statSync } from "node:fs";
import {
  ClusterEvent, conforms, eventKinds, type EventKind, type EventSeverity,
} from "@mortar/api";
import type { Log } from "../log.ts";

const FILE_BYTES_MAX = 2 * 1024 * 1024;
const KEPT_MAX = 4_000;
/** Of syslog. */
const PRIORITIES: Readonly<Record<EventSeverity, number>> = { error: 3, warning: 4, note: 5 };

export interface EventNote {
  readonly kind: EventKind;
  readonly object: string;
  readonly sentence: string;
  readonly nextStep?: string | undefined;
  readonly data?: ClusterEvent["data"] | undefined;
  /** Default: what the kind has. */
  readonly severity?: EventSeverity | undefined;
  /** Default: now. */
  readonly atMs?: number | undefined;
}

export interface EventLogOptions {
  readonly file: string;
  readonly uuid: string;
  readonly host: string;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Of the machine; never waits. Absent: none is told. */
  readonly toJournal?: (fields: Readonly<Record<string, string | number>>) => void;
}

export type EventListener = (event: ClusterEvent) => void;

export class EventLog {
  readonly #options: EventLogOptions;
  readonly #listeners = new Set<EventListener>();
  readonly #counts = new Map<string, number>();
  #events: ClusterEvent[];
  #lastId: number;
  #fileBytes: number;

  constructor(options: EventLogOptions) {
    this.#options = options;
    const { file } = options;
    this.#events = [...readEvents(`${file}.1`), ...readEvents(file)].slice(-KEPT_MAX);
    this.#lastId = this.#events.reduce((last, { id }) => Math.max(last, id), 0);
    this.#fileBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  raise(note: EventNote): ClusterEvent {
    const { uuid, host, nowMs } = this.#options;
    const { kind, object, sentence, nextStep, data } = note;
    this.#lastId = Math.max(this.#lastId + 1, nowMs());
    const event: ClusterEvent = {
      id: this.#lastId, nodeId: uuid, node: host, atMs: note.atMs ?? nowMs(), kind,
      severity: note.severity ?? eventKinds[kind].severity, object, sentence,
      ...(nextStep === undefined ? {} : { nextStep }),
      ...(data === undefined ? {} : { data }),
    };
    this.#events.push(event);
    if (this.#events.length > KEPT_MAX * 1.25) this.#events = this.#events.slice(-KEPT_MAX);
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    this.#write(event);
    for (const listener of this.#listeners) listener(event);
    return event;
  }

  /** Since this daemon started, by kind. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Oldest first: the newest `limit` of those that `wanted` takes. */
  newest(limit: number, wanted: (event: ClusterEvent) => boolean = () => true): ClusterEvent[] {
    return this.#events.filter(wanted).slice(-limit);
  }

  /** Oldest first: the first `limit` that came after this id. */
  after(id: number, limit: number): ClusterEvent[] {
    return this.#events.filter((it) => it.id > id).slice(0, limit);
  }

  /** Gives what ends it. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #write(event: ClusterEvent): void {
    const { file, log } = this.#options;
    const line = `${JSON.stringify(event)}\n`;
    try {
      if (this.#fileBytes > FILE_BYTES_MAX) {
        renameSync(file, `${file}.1`);
        this.#fileBytes = 0;
      }
      appendFileSync(file, line, { mode: 0o600 });
      this.#fileBytes += Buffer.byteLength(line);
    } catch (error) {
      // A full disk must not stop what happens.
      log.warn({ err: error, event }, "an event was not written to its file");
    }
    log.info({ event }, "event");
    this.#options.toJournal?.(journalFieldsOf(event));
  }
}

/** `journalctl -t mortar`, `journalctl MORTAR_KIND=brick-down`: the sentence, and what is looked for. */
function journalFieldsOf(event: ClusterEvent): Record<string, string | number> {
  const { id, node, kind, severity, object, sentence, nextStep } = event;
  return {
    MESSAGE: nextStep === undefined ? sentence : `${sentence} Next: ${nextStep}`,
    PRIORITY: PRIORITIES[severity], SYSLOG_IDENTIFIER: "mortar", MORTAR_KIND: kind,
    MORTAR_OBJECT: object, MORTAR_NODE: node, MORTAR_EVENT: id,
    ...(nextStep === undefined ? {} : { MORTAR_NEXT_STEP: nextStep }),
  };
}

/** What is no event is left out: the last line may be cut off, another version may know more. */
function readEvents(file: string): ClusterEvent[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    try {
      const event: unknown = line === "" ? undefined : JSON.parse(line);
      return conforms(ClusterEvent, event) ? [event] : [];
    } catch {
      return [];
    }
  });
}
