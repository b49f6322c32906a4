/**
 * How far somebody has read the events of all nodes, as text: `Last-Event-ID` of a stream.
 *
 *     SINCEMS,NODEID.ID,NODEID.ID
 *
 * Of a node that is not named, everything after SINCEMS is new. Any node understands it, so a reader
 * may go on at another one.
 */
import type { ClusterEvent } from "@mortar/api";

const NODES_MAX = 1_000;

export class EventCursor {
  readonly sinceMs: number;
  readonly #ids: Map<string, number>;

  constructor(sinceMs: number, ids: ReadonlyMap<string, number> = new Map()) {
    this.sinceMs = sinceMs;
    this.#ids = new Map(ids);
  }

  /** Undefined: it is none of ours. */
  static read(text: string): EventCursor | undefined {
    const [since, ...parts] = text.split(",");
    if (since === undefined || !/^\d{1,16}$/.test(since) || parts.length > NODES_MAX) return undefined;
    const ids = new Map<string, number>();
    for (const part of parts) {
      const [, node, id] = /^([0-9a-fA-F-]{1,64})\.(\d{1,16})$/.exec(part) ?? [];
      if (node === undefined || id === undefined) return undefined;
      ids.set(node, Number(id));
    }
    return new EventCursor(Number(since), ids);
  }

  /** What comes after this id is new; ids are about milliseconds (event-log.ts). */
  of(nodeId: string): number {
    return this.#ids.get(nodeId) ?? this.sinceMs;
  }

  /** False: it was read before. */
  take({ nodeId, id }: ClusterEvent): boolean {
    if (id <= this.of(nodeId)) return false;
    this.#ids.set(nodeId, id);
    return true;
  }

  toString(): string {
    return [this.sinceMs, ...[...this.#ids].map(([node, id]) => `${node}.${id}`)].join(",");
  }
}
