/** Follows what happens on all nodes, as `GET /v1/events/stream` tells it; connects again by itself. */
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { conforms } from "./check.ts";
import { ApiError, connectionOf, type MortarPlace } from "./http-exchange.ts";
import { ClusterEvent } from "./events.ts";

const PATH = "/v1/events/stream";
const AGAIN_MS = 2_000;
/** A comment comes every 15 s. */
const SILENT_MS_MAX = 45_000;
const BLOCK_CHARACTERS_MAX = 1024 * 1024;

export interface FollowOptions {
  readonly signal?: AbortSignal;
  /** UTC milliseconds; default: now. */
  readonly sinceMs?: number;
  /** The connection was lost, and is tried again. */
  readonly onLost?: (reason: string) => void;
}

/**
 * Until the signal. Nothing is missed while the daemon starts again. Throws `ApiError`
 * when the first connection is not made, or is refused.
 */
export async function* followEvents(
  place: MortarPlace, { signal, sinceMs, onLost }: FollowOptions = {},
): AsyncGenerator<ClusterEvent> {
  let last = sinceMs === undefined ? "" : String(sinceMs);
  let isBegun = false;
  for (;;) {
    try {
      for await (const { id, data } of blocksOf(await connect(place, last, signal))) {
        last = id ?? last;
        isBegun = true;
        const event = data === undefined ? undefined : eventOf(data);
        if (event !== undefined) yield event;
      }
      onLost?.("the daemon ended the stream");
    } catch (error) {
      if (signal?.aborted === true) return;
      // Never connected, or refused: there is nothing to come back to.
      if (!isBegun || (error as ApiError).code === "bad-answer") throw error;
      onLost?.((error as Error).message);
    }
    if (signal?.aborted === true) return;
    await sleep(AGAIN_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

function connect(
  place: MortarPlace, last: string, signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const { begin, ...where } = connectionOf(place);
  return new Promise((resolve, reject) => {
    const outgoing = begin({
      ...where, method: "GET", path: PATH, agent: false, timeout: SILENT_MS_MAX,
      headers: {
        ...where.headers, accept: "text/event-stream",
        ...(last === "" ? {} : { "last-event-id": last }),
      },
      ...(signal === undefined ? {} : { signal }),
    }, (incoming) => {
      if (incoming.statusCode === 200) return resolve(incoming);
      incoming.resume();
      reject(new ApiError("bad-answer", `The stream of events is refused: HTTP ${incoming.statusCode}`));
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("the daemon is silent")));
    outgoing.on("error", (cause) =>
      reject(new ApiError("connection-failed", `mortard does not answer: ${cause.message}`, { cause })));
    outgoing.end();
  });
}

interface Block {
  readonly id: string | undefined;
  readonly data: string | undefined;
}

async function* blocksOf(incoming: IncomingMessage): AsyncGenerator<Block> {
  let text = "";
  incoming.setEncoding("utf8");
  for await (const part of incoming) {
    text += String(part);
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      yield { id: valueOf(lines, "id: "), data: valueOf(lines, "data: ") };
    }
    if (text.length > BLOCK_CHARACTERS_MAX) {
      throw new ApiError("bad-answer", "An event of the stream is longer than 1 MiB.");
    }
  }
}

function valueOf(lines: readonly string[], field: string): string | undefined {
  return lines.find((it) => it.startsWith(field))?.slice(field.length);
}

function eventOf(data: string): ClusterEvent | undefined {
  try {
    const event: unknown = JSON.parse(data);
    return conforms(ClusterEvent, event) ? event : undefined;
  } catch {
    return undefined;
  }
}
