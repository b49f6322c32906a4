/**
 * Events over HTTP: pages of what was, and a stream of what happens (server-sent events).
 *
 * A stream sends a comment every 15 s, so that both ends notice that the other is gone. A reader that
 * does not take what was sent to it is cut off, and comes back with `Last-Event-ID`.
 */
import type { ServerResponse } from "node:http";
import type { ClusterEvent, RouteName } from "@mortar/api";
import type { FastifyInstance, FastifyRequest, FastifySchema } from "fastify";
import { EventCursor } from "../events/event-cursor.ts";
import type { EventFeed, EventPlace } from "../events/event-feed.ts";
import type { Handlers, NodeControl } from "./handlers.ts";
import { PROBLEM_TYPE, problemOfRequest } from "./problem.ts";

export type EventRoute = Extract<RouteName, `event${string}`>;

export interface EventControl {
  readonly feed: Pick<EventFeed, "page" | "follow">;
}

const LIMIT_DEFAULT = 100;
const HEARTBEAT_MS = 15_000;
const STREAMS_MAX = 100;
/** In our memory, unsent. */
const UNSENT_BYTES_MAX = 1024 * 1024;
const RETRY_MS = 2_000;
const TOO_MANY = 503;

export function eventHandlers(node: NodeControl): Pick<Handlers, EventRoute> {
  return {
    eventList: async ({ query }) => {
      const { limit = LIMIT_DEFAULT, before, after = before } =
        query as { limit?: number; before?: string; after?: string };
      const { events, away } = await node.events.feed.page(limit, placeOf(after));
      const warnings = away.map((host) => `${host} does not answer: its events are missing.`);
      const last = events.length < limit ? undefined : events.at(-1);
      const next = last === undefined ? {} : { next: `${last.id}.${last.nodeId}` };
      return { ok: true, result: events, warnings, details: [], ...next };
    },
  };
}

/** `ID.NODEID`; without a node, all of that id come after it. */
function placeOf(before: string | undefined): EventPlace | undefined {
  if (before === undefined) return undefined;
  const [id, nodeId = ""] = before.split(".", 2);
  return { id: Number(id), nodeId };
}

export interface EventStreamOptions {
  readonly node: NodeControl;
  /** Throws for whoever may not; asked again at every heartbeat. */
  readonly admit: (request: FastifyRequest) => void;
  readonly heartbeatMs?: number;
}

const open = new WeakMap<EventControl, Set<ServerResponse>>();

/** Streams of the socket and of the web count together. */
function streamsOf(events: EventControl): Set<ServerResponse> {
  const streams = open.get(events) ?? new Set();
  open.set(events, streams);
  return streams;
}

const streamSchema: FastifySchema = {
  operationId: "eventStream", tags: ["node"],
  summary: "What happens on all nodes, as server-sent events; Last-Event-ID goes on from there",
  response: {
    200: { description: "Events", content: { "text/event-stream": { schema: { type: "string" } } } },
  },
};

export function registerEventStream(server: FastifyInstance, options: EventStreamOptions): void {
  const own = new Set<ServerResponse>();
  server.get("/v1/events/stream", { schema: streamSchema }, async (request, reply) => {
    options.admit(request);
    const { events } = options.node;
    const all = streamsOf(events);
    const cursor = cursorOf(request);
    if (cursor === undefined || all.size >= STREAMS_MAX) {
      const problem = cursor === undefined
        ? problemOfRequest(400, "last-event-id: it is none of this stream's")
        : { ...problemOfRequest(TOO_MANY, `${STREAMS_MAX} streams are open.`), type: "busy" };
      return await reply.code(problem.status).type(PROBLEM_TYPE).send(problem);
    }
    reply.hijack();
    const { raw } = reply;
    for (const streams of [all, own]) {
      streams.add(raw);
      raw.once("close", () => streams.delete(raw));
    }
    serve(raw, { request, cursor, ...options });
    return undefined;
  });
  server.addHook("preClose", async () => {
    for (const raw of own) raw.end();
  });
}

interface Stream extends EventStreamOptions {
  readonly request: FastifyRequest;
  readonly cursor: EventCursor;
}

function serve(raw: ServerResponse, stream: Stream): void {
  const { node, request, cursor, admit, heartbeatMs = HEARTBEAT_MS } = stream;
  raw.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  // An id without an event: who is cut off before the first one knows where it was.
  raw.write(`retry: ${RETRY_MS}\nid: ${cursor.toString()}\n\n`);
  const heartbeat = setInterval(() => {
    try {
      admit(request);
      send(raw, ": still here\n\n");
    } catch {
      // The token was revoked, or is over.
      raw.end();
    }
  }, heartbeatMs);
  let isClosed = false;
  let end: () => void = () => undefined;
  raw.once("close", () => {
    isClosed = true;
    clearInterval(heartbeat);
    end();
  });
  raw.on("error", () => raw.destroy());
  const take = (event: ClusterEvent, read: EventCursor): boolean =>
    !isClosed && send(raw, `id: ${read.toString()}\ndata: ${JSON.stringify(event)}\n\n`);
  void (async () => {
    end = await node.events.feed.follow({ take }, cursor);
    if (isClosed) end();
  })();
}

function send(raw: ServerResponse, text: string): boolean {
  if (raw.writableEnded || raw.destroyed) return false;
  raw.write(text);
  if (raw.writableLength <= UNSENT_BYTES_MAX) return true;
  raw.destroy();
  return false;
}

/** From now on, unless it went on from somewhere; undefined for what is no cursor. */
function cursorOf(request: FastifyRequest): EventCursor | undefined {
  const given = request.headers["last-event-id"];
  return typeof given === "string" && given !== "" ? EventCursor.read(given) : new EventCursor(Date.now());
}

/** Tells from where somebody asked with a token that is nobody's; without one it is only a visitor. */
export function watchRefusals(server: FastifyInstance, onRefused: (address: string) => void): void {
  server.addHook("onResponse", async ({ headers, method, ip, routeOptions }, reply) => {
    const signsIn = method === "POST" && routeOptions.url === "/v1/session";
    const brought = headers.authorization ?? headers.cookie;
    if (reply.statusCode === 401 && (signsIn || brought !== undefined)) onRefused(ip);
  });
}
