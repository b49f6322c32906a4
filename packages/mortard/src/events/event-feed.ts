/**
 * Events of all nodes in one row. The other nodes are asked over the peer port: once for a page of the
 * past, and every second while somebody follows. Each reader has a cursor of its own; what comes
 * twice is told once.
 */
import {
  type ClusterEvent, conforms, EVENTS_ASKED_MAX, EventQuestion, EventsTold,
} from "@mortar/api";
import type { Log } from "../log.ts";
import { EventCursor } from "./event-cursor.ts";
import type { EventLog } from "./event-log.ts";

export interface EventPlace {
  readonly id: number;
  readonly nodeId: string;
}

export interface EventPeer {
  readonly uuid: string;
  readonly host: string;
}

export interface EventFeedOptions {
  readonly uuid: string;
  readonly events: EventLog;
  readonly peers: () => readonly EventPeer[];
  /** Rejects when it does not answer. */
  readonly ask: (uuid: string, question: EventQuestion) => Promise<unknown>;
  readonly nowMs: () => number;
  readonly log: Log;
}

export interface EventReader {
  /** False: it takes no more, and is forgotten. */
  readonly take: (event: ClusterEvent, cursor: EventCursor) => boolean;
}

const ASK_EVERY_MS = 1_000;
const ASKED_MAX = 500;
/** What a reader missed: more than a node tells at once is not told. */
const PAGES_MAX = 8;

interface Following {
  readonly reader: EventReader;
  readonly cursor: EventCursor;
}

export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #readers = new Set<Following>();
  readonly #asking = new Set<string>();
  readonly #endOwn: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#endOwn = options.events.listen((event) => this.#tell([event]));
  }

  close(): void {
    this.#endOwn();
    clearInterval(this.#timer);
    this.#readers.clear();
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** The newest first, and hosts of nodes that did not answer. */
  async page(limit: number, before?: EventPlace): Promise<{ events: ClusterEvent[]; away: string[] }> {
    const { events, peers } = this.#options;
    const question = { limit, ...(before === undefined ? {} : { before }) };
    const away: string[] = [];
    const others = await Promise.all(peers().map(async ({ uuid, host }) => {
      try {
        return await this.#ask(uuid, question);
      } catch {
        away.push(host);
        return [];
      }
    }));
    const all = [answerTo(events, question), ...others].flat();
    return { events: all.sort((a, b) => order(b, a)).slice(0, limit), away };
  }

  /** From the cursor on, or from now on. Gives what ends it. */
  async follow(reader: EventReader, cursor: EventCursor): Promise<() => void> {
    const following = { reader, cursor };
    const { events, uuid, peers } = this.#options;
    for (const event of events.after(cursor.of(uuid), ASKED_MAX * PAGES_MAX)) this.#give(following, event);
    this.#readers.add(following);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#askAll(), ASK_EVERY_MS);
      this.#timer.unref();
    }
    await Promise.all(peers().map((peer) => this.#catchUp(peer.uuid)));
    return () => this.#forget(following);
  }

  #askAll(): void {
    for (const { uuid } of this.#options.peers()) void this.#catchUp(uuid);
  }

  /** Asks for what the reader that is farthest behind has not had. */
  async #catchUp(uuid: string): Promise<void> {
    if (this.#asking.has(uuid)) return;
    this.#asking.add(uuid);
    try {
      for (let page = 0; page < PAGES_MAX && this.#readers.size > 0; page += 1) {
        const after = Math.min(...[...this.#readers].map(({ cursor }) => cursor.of(uuid)));
        const events = await this.#ask(uuid, { after, limit: ASKED_MAX });
        this.#tell(events);
        if (events.length < ASKED_MAX) return;
      }
    } catch (error) {
      this.#options.log.debug({ node: uuid, err: error }, "a node's events are not heard");
    } finally {
      this.#asking.delete(uuid);
    }
  }

  async #ask(uuid: string, question: EventQuestion): Promise<ClusterEvent[]> {
    const told = await this.#options.ask(uuid, question);
    if (!conforms(EventsTold, told)) throw new Error("what a node told are no events");
    return told.events.filter(({ nodeId }) => nodeId === uuid);
  }

  #tell(events: readonly ClusterEvent[]): void {
    for (const event of events) {
      for (const following of this.#readers) this.#give(following, event);
    }
  }

  #give(following: Following, event: ClusterEvent): void {
    const { reader, cursor } = following;
    if (cursor.take(event) && !reader.take(event, cursor)) this.#forget(following);
  }

  #forget(following: Following): void {
    this.#readers.delete(following);
    if (this.#readers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** What this node tells of its own events: oldest first. */
function answerTo(events: EventLog, question: EventQuestion): ClusterEvent[] {
  const limit = Math.min(question.limit, EVENTS_ASKED_MAX);
  if ("after" in question) return events.after(question.after, limit);
  const { before } = question;
  return events.newest(limit, before === undefined ? undefined : (it) => order(it, before) < 0);
}

/** Of another node. Throws when it is no question. */
export function answerPeer(events: EventLog, question: unknown): EventsTold {
  if (!conforms(EventQuestion, question)) throw new Error("this is no question about events");
  return { events: answerTo(events, question) };
}

function order(a: EventPlace, b: EventPlace): number {
  if (a.id !== b.id) return a.id - b.id;
  return a.nodeId < b.nodeId ? -1 : a.nodeId > b.nodeId ? 1 : 0;
}
