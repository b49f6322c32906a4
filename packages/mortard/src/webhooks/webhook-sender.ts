/**
 * Sends the events of this node to whoever wants them: one at a time and in order for each webhook, each
 * tried again with growing pauses until it is delivered or given up. What waits is bounded: beyond it
 * the oldest is given up. A queue lives as long as this daemon; events stay in the log.
 */
import type { ClusterEvent, WebhookTried } from "@mortar/api";
import type { EventLog } from "../events/event-log.ts";
import type { Log } from "../log.ts";
import { deliver } from "./deliver.ts";
import type { WebhookDocument, Webhooks } from "./webhooks.ts";

const QUEUE_MAX = 1_000;
const TRIES_MAX = 10;
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 300_000;

export interface WebhookSenderOptions {
  readonly webhooks: Pick<Webhooks, "all">;
  readonly events: EventLog;
  readonly log: Log;
  /** Default 1 s; each further pause is twice as long, up to 5 min. */
  readonly pauseFirstMs?: number;
}

interface Queue {
  readonly waiting: ClusterEvent[];
  isSending: boolean;
  wake: (() => void) | undefined;
}

export class WebhookSender {
  readonly #options: WebhookSenderOptions;
  /** By secret: another webhook may come under the name of one that was deleted. */
  readonly #queues = new Map<string, Queue>();
  readonly #endListening: () => void;
  #isClosed = false;

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
    this.#endListening = options.events.listen((event) => this.#told(event));
  }

  close(): void {
    this.#isClosed = true;
    this.#endListening();
    for (const { wake } of this.#queues.values()) wake?.();
  }

  /** Once, at once; undefined: there is no such webhook. */
  async try(name: string): Promise<WebhookTried | undefined> {
    const webhook = this.#options.webhooks.all.find((it) => it.name === name);
    if (webhook === undefined) return undefined;
    const sentence = `This is a test of the webhook ${name}.`;
    const event = this.#options.events.raise({ kind: "webhook-test", object: name, sentence });
    return await deliver(webhook, event, Date.now());
  }

  #told(event: ClusterEvent): void {
    // That a delivery failed would fail to be delivered; a test is sent by itself.
    if (event.kind.startsWith("webhook-")) return;
    for (const { name, events, secret } of this.#options.webhooks.all) {
      if (events !== undefined && !events.includes(event.kind)) continue;
      const queue = this.#queues.get(secret) ?? { waiting: [], isSending: false, wake: undefined };
      this.#queues.set(secret, queue);
      queue.waiting.push(event);
      if (queue.waiting.length > QUEUE_MAX) this.#giveUp(name, queue.waiting.shift()!, "too many wait");
      if (!queue.isSending) void this.#send(secret, queue);
    }
  }

  async #send(secret: string, queue: Queue): Promise<void> {
    queue.isSending = true;
    for (let tries = 1; !this.#isClosed; ) {
      const webhook = this.#wanted(secret);
      const event = queue.waiting[0];
      // Deleted: nobody wants what waits.
      if (webhook === undefined || event === undefined) break;
      const { delivered, reason = "" } = await deliver(webhook, event, Date.now());
      // It may have been given up meanwhile, as the oldest of too many.
      const isFirst = queue.waiting[0] === event;
      if (!delivered && isFirst && tries < TRIES_MAX) {
        await this.#pause(queue, tries);
        tries += 1;
        continue;
      }
      if (!delivered && isFirst) this.#giveUp(webhook.name, event, reason);
      if (isFirst) queue.waiting.shift();
      tries = 1;
    }
    queue.isSending = false;
    if (this.#wanted(secret) === undefined || this.#isClosed) this.#queues.delete(secret);
  }

  /** Undefined: it was deleted. */
  #wanted(secret: string): WebhookDocument | undefined {
    return this.#options.webhooks.all.find((it) => it.secret === secret);
  }

  async #pause(queue: Queue, tries: number): Promise<void> {
    const { pauseFirstMs = PAUSE_FIRST_MS } = this.#options;
    const pauseMs = Math.min(pauseFirstMs * 2 ** (tries - 1), PAUSE_MAX_MS);
    await new Promise<void>((resolve) => {
      queue.wake = resolve;
      setTimeout(resolve, pauseMs).unref();
    });
    queue.wake = undefined;
  }

  #giveUp(name: string, event: ClusterEvent, reason: string): void {
    const { events, log } = this.#options;
    log.warn({ webhook: name, event, reason }, "an event is not delivered");
    events.raise({
      kind: "webhook-failed", object: name, data: { kind: event.kind, id: event.id },
      sentence: `The webhook ${name} did not take "${event.sentence}": ${reason}`,
      nextStep: `mortar webhook test ${name}`,
    });
  }
}
