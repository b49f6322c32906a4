/**
 * The typed client: one method a route, over the daemon's unix socket.
 *
 * A refusal by the daemon is an `Answer` with its problem. Only what keeps an answer from coming
 * is thrown, as `ApiError`.
 */
import { type IncomingMessage, request } from "node:http";
import { type Static, Type } from "@sinclair/typebox";
import { type Answer, Problem, successOf } from "./answer.ts";
import { conforms } from "./check.ts";
import { type RouteName, routes } from "./routes.ts";

export type ApiErrorCode = "connection-failed" | "timed-out" | "bad-answer";

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  constructor(code: ApiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

type Params<N extends RouteName> = Static<(typeof routes)[N]["params"]>;
type Query<N extends RouteName> = Static<(typeof routes)[N]["query"]>;
type Body<N extends RouteName> = Static<(typeof routes)[N]["body"]>;
export type Result<N extends RouteName> = Static<(typeof routes)[N]["result"]>;

interface CallInput<N extends RouteName> {
  readonly params?: Params<N>;
  readonly query?: Query<N>;
  readonly body?: Body<N>;
}

export interface MortarClientOptions {
  readonly socketPath: string;
  /** Silence after which a call is given up, milliseconds. Default 120 s, as stock's CLI. */
  readonly timeoutMs?: number;
}

/** Larger than any honest answer: 1,000 volumes of 1,000 bricks fit. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

export class MortarClient {
  readonly #socketPath: string;
  readonly #timeoutMs: number;

  constructor(options: MortarClientOptions) {
    this.#socketPath = options.socketPath;
    this.#timeoutMs = options.timeoutMs ?? 120_000;
  }

  nodeStatus() {
    return this.call("nodeStatus", {});
  }
  nodeShutdown(body: Body<"nodeShutdown"> = {}) {
    return this.call("nodeShutdown", { body });
  }
  /** What removing exactly these thin volumes would free. Nothing is removed. */
  nodeReclaimable(body: Body<"nodeReclaimable">) {
    return this.call("nodeReclaimable", { body });
  }
  commandPlan(body: Body<"commandPlan">) {
    return this.call("commandPlan", { body });
  }
  peerList() {
    return this.call("peerList", {});
  }
  peerProbe(body: Body<"peerProbe">) {
    return this.call("peerProbe", { body });
  }
  peerDetach(host: string, query: Query<"peerDetach"> = {}) {
    return this.call("peerDetach", { params: { host }, query });
  }
  peerToken() {
    return this.call("peerToken", { body: {} });
  }
  peerRequests() {
    return this.call("peerRequests", {});
  }
  peerAccept(body: Body<"peerAccept">) {
    return this.call("peerAccept", { body });
  }
  nodeLabel(host: string, body: Body<"nodeLabel">) {
    return this.call("nodeLabel", { params: { host }, body });
  }
  brickList() {
    return this.call("brickList", {});
  }
  brickCreate(body: Body<"brickCreate">) {
    return this.call("brickCreate", { body });
  }
  brickDelete(brick: string) {
    return this.call("brickDelete", { query: { brick } });
  }
  brickPlace(body: Body<"brickPlace">) {
    return this.call("brickPlace", { body });
  }
  brickReadiness(query: Query<"brickReadiness"> = {}) {
    return this.call("brickReadiness", { query });
  }

  volumeInfoAll() {
    return this.call("volumeInfoAll", {});
  }
  volumeInfo(volume: string) {
    return this.call("volumeInfo", { params: { volume } });
  }
  volumeCreate(body: Body<"volumeCreate">) {
    return this.call("volumeCreate", { body });
  }
  volumeDelete(volume: string) {
    return this.call("volumeDelete", { params: { volume } });
  }
  volumeStart(volume: string, body: Body<"volumeStart"> = {}) {
    return this.call("volumeStart", { params: { volume }, body });
  }
  volumeStop(volume: string, body: Body<"volumeStop"> = {}) {
    return this.call("volumeStop", { params: { volume }, body });
  }
  volumeStatusAll(query: Query<"volumeStatusAll"> = {}) {
    return this.call("volumeStatusAll", { query });
  }
  volumeStatus(volume: string, query: Query<"volumeStatus"> = {}) {
    return this.call("volumeStatus", { params: { volume }, query });
  }
  volumeAddBrick(volume: string, body: Body<"volumeAddBrick">) {
    return this.call("volumeAddBrick", { params: { volume }, body });
  }
  volumeRemoveBrick(volume: string, body: Body<"volumeRemoveBrick">) {
    return this.call("volumeRemoveBrick", { params: { volume }, body });
  }
  volumeRebalance(volume: string, body: Body<"volumeRebalance">) {
    return this.call("volumeRebalance", { params: { volume }, body });
  }
  volumeProfile(volume: string, body: Body<"volumeProfile">) {
    return this.call("volumeProfile", { params: { volume }, body });
  }
  volumeStatedump(volume: string) {
    return this.call("volumeStatedump", { params: { volume }, body: {} });
  }
  volumeLogRotate(volume: string, body: Body<"volumeLogRotate"> = {}) {
    return this.call("volumeLogRotate", { params: { volume }, body });
  }
  volumeHeal(volume: string, body: Body<"volumeHeal">) {
    return this.call("volumeHeal", { params: { volume }, body });
  }

  volumeBarrier(volume: string, body: Body<"volumeBarrier">) {
    return this.call("volumeBarrier", { params: { volume }, body });
  }
  volumeOptionGet(volume: string, query: Query<"volumeOptionGet"> = {}) {
    return this.call("volumeOptionGet", { params: { volume }, query });
  }
  volumeOptionSet(volume: string, body: Body<"volumeOptionSet">) {
    return this.call("volumeOptionSet", { params: { volume }, body });
  }
  volumeOptionReset(volume: string, query: Query<"volumeOptionReset"> = {}) {
    return this.call("volumeOptionReset", { params: { volume }, query });
  }
  volumeOptionHelp() {
    return this.call("volumeOptionHelp", {});
  }

  snapshotList(query: Query<"snapshotList"> = {}) {
    return this.call("snapshotList", { query });
  }
  snapshotCreate(body: Body<"snapshotCreate">) {
    return this.call("snapshotCreate", { body });
  }
  snapshotDelete(snapshot: string) {
    return this.call("snapshotDelete", { params: { snapshot } });
  }
  snapshotDeleteMany(query: Query<"snapshotDeleteMany">) {
    return this.call("snapshotDeleteMany", { query });
  }
  snapshotInfo(query: Query<"snapshotInfo"> = {}) {
    return this.call("snapshotInfo", { query });
  }
  snapshotStatus(query: Query<"snapshotStatus"> = {}) {
    return this.call("snapshotStatus", { query });
  }
  snapshotReclaim(body: Body<"snapshotReclaim">) {
    return this.call("snapshotReclaim", { body });
  }
  snapshotSpace(query: Query<"snapshotSpace"> = {}) {
    return this.call("snapshotSpace", { query });
  }
  snapshotDiff(body: Body<"snapshotDiff">) {
    return this.call("snapshotDiff", { body });
  }
  snapshotActivate(snapshot: string, body: Body<"snapshotActivate"> = {}) {
    return this.call("snapshotActivate", { params: { snapshot }, body });
  }
  snapshotView(snapshot: string, body: Body<"snapshotView">) {
    return this.call("snapshotView", { params: { snapshot }, body });
  }
  snapshotDeactivate(snapshot: string) {
    return this.call("snapshotDeactivate", { params: { snapshot }, body: {} });
  }
  snapshotRestore(snapshot: string, body: Body<"snapshotRestore"> = {}) {
    return this.call("snapshotRestore", { params: { snapshot }, body });
  }
  snapshotClone(snapshot: string, body: Body<"snapshotClone">) {
    return this.call("snapshotClone", { params: { snapshot }, body });
  }
  snapshotConfigGet(query: Query<"snapshotConfigGet"> = {}) {
    return this.call("snapshotConfigGet", { query });
  }
  snapshotConfigSet(body: Body<"snapshotConfigSet">) {
    return this.call("snapshotConfigSet", { body });
  }

  scheduleList(query: Query<"scheduleList"> = {}) {
    return this.call("scheduleList", { query });
  }
  scheduleAdd(body: Body<"scheduleAdd">) {
    return this.call("scheduleAdd", { body });
  }
  scheduleEdit(schedule: string, body: Body<"scheduleEdit">) {
    return this.call("scheduleEdit", { params: { schedule }, body });
  }
  scheduleDelete(schedule: string) {
    return this.call("scheduleDelete", { params: { schedule } });
  }
  scheduleRun(schedule: string) {
    return this.call("scheduleRun", { params: { schedule }, body: {} });
  }
  scheduleSet(body: Body<"scheduleSet">) {
    return this.call("scheduleSet", { body });
  }
  schedulePrune(body: Body<"schedulePrune"> = {}) {
    return this.call("schedulePrune", { body });
  }
  snapshotHold(snapshot: string, body: Body<"snapshotHold">) {
    return this.call("snapshotHold", { params: { snapshot }, body });
  }
  snapshotRelease(snapshot: string, body: Body<"snapshotRelease"> = {}) {
    return this.call("snapshotRelease", { params: { snapshot }, body });
  }
  snapshotLock(snapshot: string, body: Body<"snapshotLock">) {
    return this.call("snapshotLock", { params: { snapshot }, body });
  }
  snapshotUnlock(snapshot: string, body: Body<"snapshotUnlock"> = {}) {
    return this.call("snapshotUnlock", { params: { snapshot }, body });
  }

  /** Calls any route by its name. Throws `ApiError` when no proper answer came. */
  async call<N extends RouteName>(name: N, input: CallInput<N>): Promise<Answer<Result<N>>> {
    const route = routes[name];
    const path = pathOf(route.path, input.params ?? {}, input.query ?? {});
    const { status, text } = await this.#exchange(route.method, path, input.body);
    const body = parse(text, status);
    if (status === 200) {
      if (!conforms(Envelope, body) || !conforms(route.result, body.result)) {
        throw new ApiError("bad-answer", `The answer to ${path} is not of its schema.`);
      }
      return { ok: true, ...body, result: body.result };
    }
    if (!conforms(Problem, body)) {
      throw new ApiError("bad-answer", `The answer to ${path} is HTTP ${status} and no problem.`);
    }
    return { ok: false, problem: body };
  }

  #exchange(method: string, path: string, body: unknown): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const outgoing = request(
        {
          socketPath: this.#socketPath,
          method,
          path,
          // One connection a request: one kept open may be gone when the daemon was started again.
          agent: false,
          timeout: this.#timeoutMs,
          headers: {
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
        const seconds = Math.round(this.#timeoutMs / 1000);
        outgoing.destroy(new ApiError("timed-out", `No answer to ${path} within ${seconds} s.`));
      });
      outgoing.on("error", (error) => {
        reject(error instanceof ApiError ? error : connectionFailed(this.#socketPath, error));
      });
      outgoing.end(payload);
    });
  }
}

const Envelope = successOf(Type.Unknown());

function connectionFailed(socketPath: string, cause: Error): ApiError {
  const message = `mortard does not answer on ${socketPath}: ${cause.message}`;
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

function parse(text: string, status: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError("bad-answer", `The answer (HTTP ${status}) is not JSON.`, { cause });
  }
}

function pathOf(pattern: string, params: object, query: object): string {
  let path = pattern;
  for (const [key, value] of Object.entries(params)) {
    path = path.replace(`:${key}`, encodeURIComponent(String(value)));
  }
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) search.set(key, String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}
