/** The content of a file of a snapshot, as bytes: `GET /v1/snapshots/:snapshot/content`. */
import type { IncomingMessage } from "node:http";
import { Problem } from "./answer.ts";
import { conforms } from "./check.ts";
import { ApiError, connectionOf, type MortarPlace } from "./http-exchange.ts";

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

const PROBLEM_BYTES_MAX = 1024 * 1024;

/**
 * Throws `ApiError`; so do the bytes, when fewer come than were announced. Nothing is read ahead of who
 * takes them.
 */
export async function snapshotContent(
  place: MortarPlace, { snapshot, path, volume }: ContentOf,
): Promise<ContentAnswer> {
  const query = new URLSearchParams({ path, ...(volume === undefined ? {} : { volume }) });
  const incoming = await get(
    place, `/v1/snapshots/${encodeURIComponent(snapshot)}/content?${query.toString()}`,
  );
  if (incoming.statusCode === 200) return { ok: true, bytes: bytesOf(incoming, path) };
  const parts: Buffer[] = [];
  let lengthBytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    lengthBytes += part.length;
    if (lengthBytes > PROBLEM_BYTES_MAX) break;
    parts.push(part);
  }
  const problem = parsed(Buffer.concat(parts).toString("utf8"));
  if (conforms(Problem, problem)) return { ok: false, problem };
  throw new ApiError("bad-answer", `mortard refuses ${path} with HTTP ${incoming.statusCode}.`);
}

function get(place: MortarPlace, path: string): Promise<IncomingMessage> {
  const { begin, ...where } = connectionOf(place);
  return new Promise((resolve, reject) => {
    const outgoing = begin({ ...where, method: "GET", path, agent: false }, resolve);
    outgoing.on("error", (cause) =>
      reject(new ApiError("connection-failed", `mortard does not answer: ${cause.message}`, { cause })));
    outgoing.end();
  });
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
