/** Calls of the daemon's routes. A refusal is a value; only a daemon that is not there is thrown. */
import type { Answer, Problem } from "@mortar/api";
import { type CallInput, methodOf, type Result, type RouteName, urlOf } from "./routes.ts";
import { isRefused, OWN_REQUEST } from "./session.ts";

const UNAUTHORIZED = 401;

/** No answer came: nobody knows what became of the request. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Rejects with Unreachable. */
export async function call<N extends RouteName>(
  name: N,
  input: CallInput<N> = {},
  signal?: AbortSignal,
): Promise<Answer<Result<N>>> {
  return answerOf(await tell(name, input, signal));
}

/** What came, as it came: whoever asks again and again sees at once that nothing changed. */
export interface Told {
  readonly response: Response;
  readonly text: string;
}

/** Rejects with Unreachable. */
export async function tell<N extends RouteName>(
  name: N, input: CallInput<N> = {}, signal?: AbortSignal,
): Promise<Told> {
  const method = methodOf(name);
  const hasBody = method !== "GET" && method !== "DELETE";
  const response = await reach(urlOf(name, input), {
    method,
    headers: {
      accept: "application/json, application/problem+json",
      ...(hasBody ? { "content-type": "application/json" } : {}),
    },
    ...(hasBody ? { body: JSON.stringify(input.body ?? {}) } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
  return { response, text: await response.text().catch(() => "") };
}

export function answerOf<N extends RouteName>({ response, text }: Told): Answer<Result<N>> {
  const body = parsed(text);
  if (response.ok && isObject(body)) {
    return { ok: true, ...(body as Omit<Extract<Answer<Result<N>>, { ok: true }>, "ok">) };
  }
  return { ok: false, problem: problemOf(response, body) };
}

/** 401 brings the sign-in. Rejects with Unreachable. */
export async function reach(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      ...init,
      cache: "no-store",
      headers: { ...(init.headers as Record<string, string>), ...OWN_REQUEST },
    });
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause;
    throw new Unreachable("mortard does not answer", { cause });
  }
  if (response.status === UNAUTHORIZED) isRefused.value = true;
  return response;
}

export function problemOf(response: Response, body: unknown): Problem {
  if (isObject(body) && "detail" in body) {
    return { details: [], warnings: [], ...body } as unknown as Problem;
  }
  const text = `HTTP ${response.status} ${response.statusText}`;
  return {
    type: "bad-answer", title: "The answer is none of mortard's", status: response.status,
    detail: text, opErrno: 0, opErrstr: text, details: [], warnings: [],
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
