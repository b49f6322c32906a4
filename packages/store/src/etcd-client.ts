/**
 * Calls of etcd's v3 API through the JSON gateway that every member serves on its client port.
 *
 * Messages are those of etcd's rpc.proto in protobuf's JSON mapping: byte strings are base64, 64-bit
 * numbers are strings, fields that have their default are absent. A stream is one JSON object a
 * line, `{"result": …}` or `{"error": …}`.
 * Source: etcd's documentation, "gRPC gateway"; api/etcdserverpb/rpc.proto.
 */
import { type ClientRequest, type IncomingMessage, request as plain } from "node:http";
import { Agent, request as secure } from "node:https";
import { StoreError } from "./cluster-store.ts";

/** PEM texts; `certificate` and `key` are what the members know us by, where they ask for it. */
export interface EtcdTls {
  readonly ca: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface EtcdAddress {
  /** `http://HOST:PORT` or `https://HOST:PORT`, one for each member. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls;
  /** Of etcd's own users; absent: it asks for none. */
  readonly login?: { readonly user: string; readonly password: string };
}

/** Whether a call that failed after it was sent may be sent again. */
export type Repeatable = "repeatable" | "once";

export interface EtcdStream {
  /** Ends it without a word to its handlers. */
  close(): void;
  /** Ends it as if it had ended by itself. */
  end(reason: string): void;
}

const CONNECT_MS_MAX = 1_000;
const KEEP_ALIVE_MS = 2_000;
/** A member gives a request up after 5 s and two elections. */
const ANSWER_MS_MAX = 8_000;
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

/** The gRPC codes that say that nothing was done. */
const UNAVAILABLE = 14;
const notDone = /no leader|not capable|raft: stopped|too many requests|server is unavailable/;
/** A token of a login ends after some minutes, and with the member that gave it. */
const notLoggedIn = /invalid auth token|user name is empty|revision of auth store is old/;

export class EtcdClient {
  #address: EtcdAddress;
  #agent: Agent | undefined;
  /** Of the login, until etcd takes it no more. */
  #token: string | undefined;
  /** Index of the endpoint that answered last. */
  #preferred = 0;

  /** Throws RangeError when there is no endpoint. */
  constructor(address: EtcdAddress) {
    if (address.endpoints.length === 0) throw new RangeError("etcd: no endpoint is given");
    this.#address = address;
    this.#agent = agentOf(address.tls);
  }

  /** From now on with this certificate. What is under way with the former one comes to its end. */
  useTls(tls: EtcdTls): void {
    const former = this.#agent;
    this.#address = { ...this.#address, tls };
    this.#agent = agentOf(tls);
    if (former !== undefined) retire(former);
  }

  /** From now on these members are asked; at least one. */
  useEndpoints(endpoints: readonly string[]): void {
    if (endpoints.length === 0) throw new RangeError("etcd: no endpoint is given");
    this.#address = { ...this.#address, endpoints };
    this.#preferred = 0;
  }

  /**
   * One request, at the endpoints in turn until one takes it. Throws `StoreError`: `unavailable`
   * when none does, or when the outcome of a request that may be sent only `once` is not known.
   */
  async call<Answer>(
    path: string,
    body: object,
    repeatable: Repeatable = "repeatable",
    options: CallOptions = {},
  ): Promise<Answer> {
    const { login } = this.#address;
    if (login === undefined) return await this.#attempt<Answer>(path, body, repeatable, options);
    if (this.#token === undefined) await this.#logIn();
    try {
      return await this.#attempt<Answer>(path, body, repeatable, options);
    } catch (error) {
      // It was refused before anything was done.
      if (!(error instanceof StoreError) || !notLoggedIn.test(error.message)) throw error;
      await this.#logIn();
      return await this.#attempt<Answer>(path, body, repeatable, options);
    }
  }

  async #logIn(): Promise<void> {
    const { user, password } = this.#address.login ?? { user: "", password: "" };
    this.#token = undefined;
    const path = "/v3/auth/authenticate";
    const body = { name: user, password };
    const { token } = await this.#attempt<{ token?: string }>(path, body, "repeatable", {});
    if (token === undefined) throw new StoreError("refused", `etcd gave no token to ${user}.`);
    this.#token = token;
  }

  async #attempt<Answer>(
    path: string, body: object, repeatable: Repeatable, options: CallOptions,
  ): Promise<Answer> {
    const { endpoints } = this.#address;
    const reasons: string[] = [];
    for (let attempt = 0; attempt < endpoints.length; attempt++) {
      const index = (this.#preferred + attempt) % endpoints.length;
      const endpoint = endpoints[index]!;
      try {
        const answer = resultOf(await this.#exchange(endpoint, path, body, options));
        this.#preferred = index;
        return answer as Answer;
      } catch (error) {
        if (!(error instanceof Attempt)) throw error;
        reasons.push(`${endpoint}: ${error.message}`);
        if (options.signal?.aborted === true) break;
        if (!error.notDone && repeatable === "once") break;
      }
    }
    throw new StoreError("unavailable", `etcd does not answer (${reasons.join("; ")})`);
  }

  /** A request whose answer is a stream, at one endpoint. `onEnd` is called once. */
  stream(
    path: string,
    body: object,
    handlers: {
      readonly onMessage: (message: unknown) => void;
      readonly onEnd: (reason: string) => void;
    },
  ): EtcdStream {
    const { endpoints } = this.#address;
    const endpoint = endpoints[this.#preferred % endpoints.length]!;
    const lines = new Lines(handlers.onMessage);
    let ended = false;
    const end = (reason: string): void => {
      if (ended) return;
      ended = true;
      // Another member next time: this one may be cut off from its peers, and not know it yet.
      this.#preferred = (this.#preferred + 1) % endpoints.length;
      request.destroy();
      handlers.onEnd(`${endpoint}: ${reason}`);
    };
    const request = this.#request(endpoint, path, (response) => {
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        try {
          lines.push(text);
        } catch (error) {
          end((error as Error).message);
        }
      });
      response.on("end", () => end("the stream ended"));
      response.on("error", (error) => end(error.message));
    });
    request.on("error", (error) => end(error.message));
    request.end(JSON.stringify(body));
    return {
      end,
      close: () => {
        ended = true;
        request.destroy();
      },
    };
  }

  close(): void {
    this.#agent?.destroy();
  }

  #exchange(
    endpoint: string,
    path: string,
    body: object,
    { signal, timeoutMs = ANSWER_MS_MAX }: CallOptions,
  ): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      let sent = false;
      const fail = (message: string, nothingDone = !sent): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        request.destroy();
        reject(new Attempt(message, nothingDone));
      };
      const onAbort = (): void => fail("given up");
      const timer = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
      const request = this.#request(endpoint, path, (response) => {
        collect(response, (text) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
          resolve({ status: response.statusCode ?? 0, text });
        }, fail);
      });
      request.once("finish", () => (sent = true));
      request.on("error", (error) => fail(error.message, !sent));
      signal?.addEventListener("abort", onAbort, { once: true });
      request.end(JSON.stringify(body));
      if (signal?.aborted === true) onAbort();
    });
  }

  #request(
    endpoint: string, path: string, onResponse: (response: IncomingMessage) => void,
  ): ClientRequest {
    const url = new URL(path, endpoint);
    const token = this.#token === undefined ? {} : { authorization: this.#token };
    const headers = { "content-type": "application/json", ...token };
    const options = { method: "POST", headers };
    const request = url.protocol === "https:"
      ? secure(url, { ...options, agent: this.#agent }, onResponse)
      : plain(url, options, onResponse);
    request.once("socket", (socket) => {
      // A member that vanishes without a word is noticed within about 12 s.
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      if (!socket.connecting) return;
      const timer = setTimeout(() => socket.destroy(new Error("no connection")), CONNECT_MS_MAX);
      socket.once("connect", () => clearTimeout(timer));
      socket.once("close", () => clearTimeout(timer));
    });
    return request;
  }
}

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Requests that run go on; their connections are not kept. */
function retire(agent: Agent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}

function agentOf(tls: EtcdTls | undefined): Agent | undefined {
  if (tls === undefined) return undefined;
  const { ca, certificate, key } = tls;
  const own = certificate === undefined || key === undefined ? {} : { cert: certificate, key };
  return new Agent({ keepAlive: true, ca, ...own, minVersion: "TLSv1.2" });
}

/** One endpoint did not serve a request. */
class Attempt extends Error {
  readonly notDone: boolean;
  constructor(message: string, nothingDone: boolean) {
    super(message);
    this.notDone = nothingDone;
  }
}

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

function resultOf({ status, text }: HttpAnswer): unknown {
  let answer: { readonly code?: number; readonly message?: string; readonly error?: string };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw new Attempt(`it answered ${status} with something that is no JSON`, false);
  }
  if (status === 200) return answer;
  const message = answer.message ?? answer.error ?? `status ${status}`;
  if (answer.code === UNAVAILABLE || status >= 500) throw new Attempt(message, notDone.test(message));
  throw new StoreError("refused", `etcd refused the request: ${message}`);
}

function collect(
  response: IncomingMessage,
  onText: (text: string) => void,
  onFailure: (reason: string) => void,
): void {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  response.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > ANSWER_BYTES_MAX) response.destroy(new Error("its answer is too long"));
    chunks.push(chunk);
  });
  response.on("end", () => onText(Buffer.concat(chunks).toString("utf8")));
  response.on("error", (error) => onFailure(error.message));
  response.on("close", () => onFailure("the connection was lost"));
}

/** Takes a stream of lines apart. */
class Lines {
  readonly #onMessage: (message: unknown) => void;
  #rest: string[] = [];
  #restChars = 0;

  constructor(onMessage: (message: unknown) => void) {
    this.#onMessage = onMessage;
  }

  push(text: string): void {
    let at = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", at)) {
      this.#rest.push(text.slice(at, end));
      const line = this.#rest.join("");
      this.#rest = [];
      this.#restChars = 0;
      at = end + 1;
      if (line !== "") this.#take(line);
    }
    this.#rest.push(text.slice(at));
    this.#restChars += text.length - at;
    if (this.#restChars > ANSWER_BYTES_MAX) throw new Error("a message is too long");
  }

  #take(line: string): void {
    const { result, error } = JSON.parse(line) as { result?: unknown; error?: { message?: string } };
    if (error !== undefined) throw new Error(error.message ?? "an error without words");
    this.#onMessage(result);
  }
}
