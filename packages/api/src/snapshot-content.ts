/** The content of a file of a snapshot, as bytes: `GET /v1/snapshots/:snapshot/content`. */
import type { IncomingMessage } from "node:http";
import type { Problem } from "./answer.ts";
import { ApiError, type MortarPlace } from "./http-exchange.ts";
import { streamedAnswer } from "./streamed-answer.ts";

export interface ContentOf {
  readonly snapshot: string;
  /** From the root: `/a/b`. */
  readonly path: string;
  /** Of a snapshot of several volumes, which one. */
  readonly volume?: string;
}

export type ContentAnswer =
  | { readonly ok: true; readonly bytes: AsyncIterable<Uint8Array> }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Throws `ApiError`; so do the bytes, when fewer come than were announced. Nothing is read ahead of who
 * takes them.
 */
export async function snapshotContent(
  place: MortarPlace, { snapshot, path, volume }: ContentOf,
): Promise<ContentAnswer> {
  const query = new URLSearchParams({ path, ...(volume === undefined ? {} : { volume }) });
  const answer = await streamedAnswer(place, {
    path: `/v1/snapshots/${encodeURIComponent(snapshot)}/content?${query.toString()}`,
  });
  return answer.ok ? { ok: true, bytes: bytesOf(answer.incoming, path) } : answer;
}

async function* bytesOf(incoming: IncomingMessage, path: string): AsyncGenerator<Uint8Array> {
  const announced = Number(incoming.headers["content-length"] ?? Number.NaN);
  let lengthBytes = 0;
  try {
    for await (const part of incoming as AsyncIterable<Buffer>) {
      lengthBytes += part.length;
      yield part;
    }
  } catch (cause) {
    throw new ApiError("connection-failed", `${path} was cut off after ${lengthBytes} bytes.`, { cause });
  }
  if (Number.isNaN(announced) || lengthBytes === announced) return;
  throw new ApiError("connection-failed", `${path} was cut off after ${lengthBytes} of ${announced} bytes.`);
}
