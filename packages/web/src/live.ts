/**
 * What happens in the cluster, as it happens: an event stream. Each event has the answers that are
 * shown asked for anew. Without the stream the page goes on with its clock.
 */
import type { ClusterEvent } from "@mortar/api";
import { effect, signal } from "@preact/signals";
import { refreshShown } from "./resource.ts";
import { session } from "./session.ts";

const PATH = "/v1/events/stream";
const KEPT = 500;
const AGAIN_MS = 5_000;

/** The newest first. */
export const events = signal<readonly ClusterEvent[]>([]);
export const isLive = signal(false);

export function watchEvents(): void {
  effect(() => {
    if (session.value === undefined) return undefined;
    return follow();
  });
}

function follow(): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = (): void => {
    source = new EventSource(PATH);
    source.addEventListener("open", () => (isLive.value = true));
    source.addEventListener("error", () => {
      isLive.value = false;
      // The browser tries again by itself unless the answer was a refusal.
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS);
    });
    source.addEventListener("message", ({ data }: MessageEvent<string>) => note(data));
  };
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
    isLive.value = false;
  };
}

function note(data: string): void {
  const event = eventOf(data);
  if (event === undefined || events.value.some((it) => keyOf(it) === keyOf(event))) return;
  events.value = [event, ...events.value].slice(0, KEPT);
  refreshShown();
}

export function keyOf({ id, nodeId }: ClusterEvent): string {
  return `${id}.${nodeId}`;
}

/** Undefined: it is none of ours. */
export function eventOf(data: string): ClusterEvent | undefined {
  try {
    const told = JSON.parse(data) as Partial<ClusterEvent> | null;
    const isEvent = typeof told?.id === "number" && typeof told.nodeId === "string" &&
      typeof told.atMs === "number" && typeof told.sentence === "string";
    return isEvent ? (told as ClusterEvent) : undefined;
  } catch {
    return undefined;
  }
}
