/** Events of this node: where they are kept, what raises them, and who follows those of all nodes. */
import type {
  Answer, ClusterState, CommandArgs, CommandName, CommandPayload,
} from "@mortar/cluster";
import type { Dictionary } from "@mortar/gluster";
import type { Log } from "../log.ts";
import { commandEvents } from "./command-events.ts";
import { EventFeed, type EventFeedOptions } from "./event-feed.ts";
import type { EventLog } from "./event-log.ts";
import { NodeSights, type Sight } from "./node-sights.ts";
import { PoolTail } from "./pool-tail.ts";
import { rebalanceEvent } from "./rebalance-event.ts";
import { SignInRefusals } from "./refusals.ts";

const LOOK_EVERY_MS = 1_000;

export interface NodeEventsOptions extends Pick<EventFeedOptions, "uuid" | "peers" | "ask"> {
  readonly events: EventLog;
  readonly host: string;
  readonly runDirectory: string;
  readonly sight: () => Omit<Sight, "uuid" | "host">;
  readonly log: Log;
}

export class NodeEvents {
  readonly log: EventLog;
  readonly feed: EventFeed;
  readonly refusals: SignInRefusals;
  readonly #options: NodeEventsOptions;
  readonly #sights = new NodeSights();
  readonly #pools: PoolTail;
  #timer: NodeJS.Timeout | undefined;
  #starts = 0;

  constructor(options: NodeEventsOptions) {
    this.#options = options;
    const { events, runDirectory } = options;
    const nowMs = (): number => Date.now();
    this.log = events;
    this.feed = new EventFeed({ ...options, nowMs });
    this.refusals = new SignInRefusals(events, nowMs);
    this.#pools = new PoolTail(runDirectory, events);
  }

  /** When the node is up: what came up before is not news. */
  open(version: string): void {
    const { host } = this.#options;
    const sentence = `mortard ${version} came up on ${host}.`;
    const former = this.log.newest(1, ({ kind }) => kind === "node-started")[0]?.data?.["starts"];
    this.#starts = (typeof former === "number" ? former : 0) + 1;
    const data = { version, starts: this.#starts };
    this.log.raise({ kind: "node-started", object: host, sentence, data });
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.feed.close();
  }

  /** How often mortard came up here, as far as is known. */
  get starts(): number {
    return this.#starts;
  }

  ended<N extends CommandName>(
    name: N, args: CommandArgs<N>, answer: Answer<CommandPayload<N>>, state: ClusterState,
  ): void {
    for (const note of commandEvents(name, args, answer, state)) this.log.raise(note);
  }

  rebalanceTold(told: Dictionary): void {
    const note = rebalanceEvent(told, this.#options.host);
    if (note !== undefined) this.log.raise(note);
  }

  #look(): void {
    const { uuid, host, sight, log } = this.#options;
    try {
      this.#pools.look();
      for (const note of this.#sights.look({ uuid, host, ...sight() })) this.log.raise(note);
    } catch (error) {
      log.warn({ err: error }, "the node was not looked at for events");
    }
  }
}
