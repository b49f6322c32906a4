import { allocate } from "../wire/memory.ts";
import type { Memory } from "../wire/memory.ts";
import type { Connection } from "./connection.ts";

/** A request that waits, as a copy of its record; served from its start when its time comes. */
export interface ParkedRequest {
  readonly connection: Connection;
  readonly record: Memory;
  /** When it came, in milliseconds. */
  readonly sinceMs: number;
  /** It was not begun: its job was for another purpose than the handler's. */
  readonly isFresh: boolean;
}

export function park(
  connection: Connection, source: Memory, start: number, end: number, sinceMs: number,
  isFresh: boolean,
): ParkedRequest {
  const record = allocate(end - start);
  record.bytes.set(source.bytes.subarray(start, end));
  return { connection, record, sinceMs, isFresh };
}
