/** Answers that are too large to be one document: the stream as it comes, or the problem. */
import type { IncomingMessage } from "node:http";
import { Problem } from "./answer.ts";
import { conforms } from "./check.ts";
import { ApiError, connectionOf, type MortarPlace } from "./http-exchange.ts";

const OK = 200;
const PROBLEM_BYTES_MAX = 1024 * 1024;

export type StreamedAnswer =
  | { readonly ok: true; readonly incoming: IncomingMessage }
  | { readonly ok: false; readonly problem: Problem };

export interface StreamQuestion {
  readonly path: string;
  /** Sent as JSON, by POST; absent: GET. */
  readonly body?: unknown;
}

/** Throws `ApiError`. Nothing is read ahead of who takes it. */
export async function streamedAnswer(
  place: MortarPlace, question: StreamQuestion,
): Promise<StreamedAnswer> {
  const incoming = await begun(place, question);
  if (incoming.statusCode === OK) return { ok: true, incoming };
  const parts: Buffer[] = [];
  let lengthBytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    lengthBytes += part.length;
    if (lengthBytes > PROBLEM_BYTES_MAX) break;
    parts.push(part);
  }
  const problem = parsedJson(Buffer.concat(parts).toString("utf8"));
  if (conforms(Problem, problem)) return { ok: false, problem };
  throw new ApiError("bad-answer", `mortard refuses ${question.path} with HTTP ${incoming.statusCode}.`);
}

function begun(place: MortarPlace, { path, body }: StreamQuestion): Promise<IncomingMessage> {
  const { begin, ...where } = connectionOf(place);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = text === undefined ? where.headers : {
    ...where.headers, "content-type": "application/json", "content-length": Buffer.byteLength(text),
  };
  const method = text === undefined ? "GET" : "POST";
  return new Promise((resolve, reject) => {
    const outgoing = begin({ ...where, headers, method, path, agent: false }, resolve);
    outgoing.on("error", (cause) =>
      reject(new ApiError("connection-failed", `mortard does not answer: ${cause.message}`, { cause })));
    outgoing.end(text);
  });
}

/** Undefined: it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
