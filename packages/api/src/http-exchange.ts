/** One request to mortard, over its socket or the network, and the text that it answers. */
import { type IncomingMessage, request } from "node:http";
import { request as secureRequest } from "node:https";

export type ApiErrorCode = "connection-failed" | "timed-out" | "bad-answer";

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  constructor(code: ApiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Where mortard is: its socket on this machine, or its web address and a token. */
export type MortarPlace =
  | { readonly socketPath: string }
  | {
      /** `https://HOST:PORT` */
      readonly url: string;
      readonly token: string;
      /** PEM of whom to believe; default: whom Node believes. */
      readonly authority?: string;
    };

/** Larger than any honest answer: 1,000 volumes of 1,000 bricks fit. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Throws `ApiError`. */
export function exchange(
  place: MortarPlace, { method, path, body, timeoutMs, headers }: Exchange,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const { begin, ...where } = connectionOf(place);
    const outgoing = begin(
      {
        ...where,
        method,
        path,
        // One connection a request: one kept open may be gone when the daemon was started again.
        agent: false,
        timeout: timeoutMs,
        headers: {
          ...where.headers,
          ...headers,
          accept: "application/json, application/problem+json",
          ...(payload === undefined
            ? {}
            : {
                "content-type": "application/json",
                "content-length": Buffer.byteLength(payload),
              }),
        },
      },
      (incoming) => collect(incoming, resolve, reject),
    );
    outgoing.on("timeout", () => {
      const seconds = Math.round(timeoutMs / 1000);
      outgoing.destroy(new ApiError("timed-out", `No answer to ${path} within ${seconds} s.`));
    });
    outgoing.on("error", (error) => {
      reject(error instanceof ApiError ? error : connectionFailed(nameOf(place), error));
    });
    outgoing.end(payload);
  });
}

/** Not of the public face: for what else asks the daemon. */
export function connectionOf(place: MortarPlace) {
  if ("socketPath" in place) return { begin: request, socketPath: place.socketPath, headers: {} };
  const { protocol, hostname: host, port } = new URL(place.url);
  return {
    begin: protocol === "https:" ? secureRequest : request,
    host: host.replace(/^\[|\]$/g, ""),
    port: port === "" ? undefined : Number(port),
    ...(place.authority === undefined ? {} : { ca: place.authority }),
    headers: { authorization: `Bearer ${place.token}` },
  };
}

function nameOf(place: MortarPlace): string {
  return "socketPath" in place ? place.socketPath : place.url;
}

function connectionFailed(where: string, cause: Error): ApiError {
  const message = `mortard does not answer on ${where}: ${cause.message}`;
  return new ApiError("connection-failed", message, { cause });
}

function collect(
  incoming: IncomingMessage,
  resolve: (answer: { status: number; text: string }) => void,
  reject: (error: Error) => void,
): void {
  const parts: Buffer[] = [];
  let lengthBytes = 0;
  incoming.on("data", (part: Buffer) => {
    lengthBytes += part.length;
    if (lengthBytes > ANSWER_BYTES_MAX) {
      incoming.destroy(new ApiError("bad-answer", "The answer is longer than 256 MiB."));
      return;
    }
    parts.push(part);
  });
  incoming.on("end", () => {
    resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") });
  });
  incoming.on("error", (error) => {
    reject(error instanceof ApiError ? error : connectionFailed("its socket", error));
  });
}
