/**
 * What happened, for operators: every kind of event, and how much it matters.
 *
 * A node numbers its own events: `id` only grows, also over restarts, and is about the millisecond at
 * which the node took note. Events of several nodes are ordered by `id`, then by `nodeId`.
 */
import { type Static, Type } from "./schema/schema.ts";
import { noBody, none, route } from "./route.ts";

export type EventSeverity = "note" | "warning" | "error";

interface EventMeaning {
  readonly severity: EventSeverity;
  /** What `object` names. */
  readonly of:
    | "volume" | "brick" | "snapshot" | "schedule" | "node" | "pool" | "address" | "webhook" | "task";
  readonly meaning: string;
}

export const eventKinds = {
  "node-started": { severity: "note", of: "node", meaning: "mortard came up" },
  "volume-created": { severity: "note", of: "volume", meaning: "a volume was created" },
  "volume-started": { severity: "note", of: "volume", meaning: "a volume was started" },
  "volume-stopped": { severity: "warning", of: "volume", meaning: "a volume was stopped" },
  "volume-deleted": { severity: "warning", of: "volume", meaning: "a volume was deleted" },
  "brick-down": { severity: "error", of: "brick", meaning: "the server of a brick died" },
  "brick-up": { severity: "note", of: "brick", meaning: "the server of a brick runs again" },
  "heal-daemon-dead": {
    severity: "error", of: "volume", meaning: "a volume's self-heal daemon died on a node",
  },
  "heal-daemon-back": {
    severity: "note", of: "volume", meaning: "a volume's self-heal daemon runs again on a node",
  },
  "rebalance-ended": {
    severity: "note", of: "volume", meaning: "a node has moved its files, or given up",
  },
  "snapshot-created": { severity: "note", of: "snapshot", meaning: "a snapshot was taken" },
  "snapshot-deleted": { severity: "note", of: "snapshot", meaning: "a snapshot was deleted" },
  "snapshot-restored": {
    severity: "warning", of: "snapshot", meaning: "a volume was put back to a snapshot",
  },
  "snapshot-pause-long": {
    severity: "warning", of: "snapshot", meaning: "writes were held for long while it was taken",
  },
  "schedule-ran": { severity: "note", of: "schedule", meaning: "a schedule took a snapshot" },
  "schedule-failed": { severity: "error", of: "schedule", meaning: "a schedule took no snapshot" },
  "peer-joined": { severity: "note", of: "node", meaning: "a node came into the pool" },
  "peer-left": { severity: "warning", of: "node", meaning: "a node was taken out of the pool" },
  "peer-away": { severity: "error", of: "node", meaning: "a node does not answer the others" },
  "peer-back": { severity: "note", of: "node", meaning: "a node answers again" },
  "majority-lost": {
    severity: "error", of: "node", meaning: "the cluster's state cannot be changed from a node",
  },
  "majority-back": { severity: "note", of: "node", meaning: "the cluster's state can be changed again" },
  "sign-in-refused": {
    severity: "warning", of: "address", meaning: "somebody asked with a token that is nobody's",
  },
  "webhook-failed": {
    severity: "warning", of: "webhook", meaning: "an event could not be delivered, and is given up",
  },
  "task-started": { severity: "note", of: "task", meaning: "something that takes long was begun" },
  "task-ended": { severity: "note", of: "task", meaning: "it is done, was cancelled, or failed" },
  "task-interrupted": {
    severity: "warning", of: "task", meaning: "mortard ended while it was under way",
  },
  "webhook-test": { severity: "note", of: "webhook", meaning: "somebody tries a webhook" },
  "pool-data-high": { severity: "warning", of: "pool", meaning: "above its threshold" },
  "pool-metadata-high": { severity: "warning", of: "pool", meaning: "metadata above its threshold" },
  "pool-extended": { severity: "note", of: "pool", meaning: "it was made larger" },
  "pool-extend-failed": { severity: "error", of: "pool", meaning: "it could not be made larger" },
  "pool-full": { severity: "error", of: "pool", meaning: "writes that need room wait" },
  "pool-full-timeout": { severity: "error", of: "pool", meaning: "writes that need room fail" },
  "pool-not-full": { severity: "note", of: "pool", meaning: "there is room again" },
  "pool-needs-check": { severity: "error", of: "pool", meaning: "its metadata is in doubt" },
  "pool-read-only": { severity: "error", of: "pool", meaning: "nothing can be written" },
  "pool-flush-failed": { severity: "error", of: "pool", meaning: "the last writes are in doubt" },
  "pool-backup-failed": { severity: "warning", of: "pool", meaning: "its metadata was not saved" },
} as const satisfies Readonly<Record<string, EventMeaning>>;
export type EventKind = keyof typeof eventKinds;

/** Undefined of a word that is no kind: another version's. */
export function eventKindOf(word: string): EventKind | undefined {
  return Object.hasOwn(eventKinds, word) ? (word as EventKind) : undefined;
}

const kindNames = Object.keys(eventKinds).join(", ");

export const ClusterEvent = Type.Object({
  id: Type.Integer({ minimum: 0, description: "of its node, which gives growing ones" }),
  nodeId: Type.String({ maxLength: 64, description: "uuid of the node it happened on" }),
  node: Type.String({ maxLength: 1024, description: "host of the node it happened on" }),
  atMs: Type.Integer({ description: "UTC milliseconds" }),
  kind: Type.String({ maxLength: 64, description: `one of ${kindNames}` }),
  severity: Type.Union([Type.Literal("note"), Type.Literal("warning"), Type.Literal("error")]),
  object: Type.String({ maxLength: 4096, description: "what it is about, by name" }),
  sentence: Type.String({ maxLength: 8192 }),
  nextStep: Type.Optional(Type.String({ maxLength: 4096, description: "what to type, or to look at" })),
  data: Type.Optional(
    Type.Record(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  ),
});
export type ClusterEvent = Static<typeof ClusterEvent>;

export const EVENTS_ASKED_MAX = 1_000;

const limit = Type.Integer({ minimum: 1, maximum: EVENTS_ASKED_MAX });
const id = Type.Integer({ minimum: 0 });

/**
 * What nodes ask each other: for the newest of before a place in the row of all nodes' events, or for
 * the oldest of those after an id.
 */
export const EventQuestion = Type.Union([
  Type.Object({ after: id, limit }),
  Type.Object({
    limit, before: Type.Optional(Type.Object({ id, nodeId: Type.String({ maxLength: 64 }) })),
  }),
]);
export type EventQuestion = Static<typeof EventQuestion>;

/** Of one node, oldest first. */
export const EventsTold = Type.Object({
  events: Type.Array(ClusterEvent, { maxItems: EVENTS_ASKED_MAX }),
});
export type EventsTold = Static<typeof EventsTold>;

export const eventRoutes = {
  eventList: route({
    method: "GET", path: "/v1/events", tag: "node",
    summary: "What happened on the nodes that answer, the newest first",
    params: none,
    query: Type.Object(
      {
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: EVENTS_ASKED_MAX })),
        before: Type.Optional(
          Type.String({
            pattern: "^[0-9]{1,16}(\\.[0-9a-fA-F-]{1,64})?$",
            description: "ID.NODEID of the last event of the page before",
          }),
        ),
        after: Type.Optional(
          Type.String({
            pattern: "^[0-9]{1,16}\\.[0-9a-fA-F-]{1,64}$",
            description: "`next` of the page before; the same as `before`",
          }),
        ),
      },
      { additionalProperties: false },
    ),
    body: noBody, result: Type.Array(ClusterEvent),
  }),
} as const;
