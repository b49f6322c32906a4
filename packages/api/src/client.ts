/**
 * The typed client: one method a route, over the daemon's unix socket.
 *
 * A refusal by the daemon is an `Answer` with its problem. Only what keeps an answer from coming
 * is thrown, as `ApiError`.
 */
import { type Static, type TSchema, Type } from "./schema/schema.ts";
import { type Answer, Problem, successOf } from "./answer.ts";
import { conforms } from "./check.ts";
import { ApiError, exchange, type MortarPlace } from "./http-exchange.ts";
import { type RouteName, routes } from "./routes.ts";
import { PREFER_HEADER, RESPOND_ASYNC, Task } from "./task.ts";

const OK = 200;
const ACCEPTED = 202;

type Params<N extends RouteName> = Static<(typeof routes)[N]["params"]>;
type Query<N extends RouteName> = Static<(typeof routes)[N]["query"]>;
type Body<N extends RouteName> = Static<(typeof routes)[N]["body"]>;
export type Result<N extends RouteName> = Static<(typeof routes)[N]["result"]>;

/** What a call of a route is given. */
export interface CallInput<N extends RouteName> {
  readonly params?: Params<N>;
  readonly query?: Query<N>;
  readonly body?: Body<N>;
}

/** Lists that are told in pages. */
export type PagedRoute = "snapshotList" | "volumeInfoAll" | "eventList" | "auditList" | "taskList";

/** A page was refused: an iteration has no other way to say so. */
export class PageRefused extends Error {
  override readonly name = "PageRefused";
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export type MortarClientOptions = MortarPlace & {
  /** Silence after which a call is given up, milliseconds. Default 120 s, as stock's CLI. */
  readonly timeoutMs?: number;
}

export class MortarClient {
  readonly #place: MortarPlace;
  readonly #timeoutMs: number;

  constructor(options: MortarClientOptions) {
    this.#place = options;
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
  peerRecover(body: Body<"peerRecover">) {
    return this.call("peerRecover", { body });
  }
  peerLeave(body: Body<"peerLeave">) {
    return this.call("peerLeave", { body });
  }
  nodeLabel(host: string, body: Body<"nodeLabel">) {
    return this.call("nodeLabel", { params: { host }, body });
  }
  tokenCreate(body: Body<"tokenCreate">) {
    return this.call("tokenCreate", { body });
  }
  tokenList() {
    return this.call("tokenList", {});
  }
  tokenRevoke(token: string) {
    return this.call("tokenRevoke", { params: { token } });
  }
  sessionSelf() {
    return this.call("sessionSelf", {});
  }
  auditList(query: Query<"auditList"> = {}) {
    return this.call("auditList", { query });
  }
  eventList(query: Query<"eventList"> = {}) {
    return this.call("eventList", { query });
  }
  webhookCreate(body: Body<"webhookCreate">) {
    return this.call("webhookCreate", { body });
  }
  webhookList() {
    return this.call("webhookList", {});
  }
  webhookDelete(webhook: string) {
    return this.call("webhookDelete", { params: { webhook } });
  }
  webhookTest(webhook: string) {
    return this.call("webhookTest", { params: { webhook }, body: {} });
  }
  taskList(query: Query<"taskList"> = {}) {
    return this.call("taskList", { query });
  }
  taskInfo(task: string) {
    return this.call("taskInfo", { params: { task } });
  }
  taskCancel(task: string) {
    return this.call("taskCancel", { params: { task }, body: {} });
  }
  /** `node`: host or uuid, or `self`. */
  nodeLogs(node: string, query: Query<"nodeLogs"> = {}) {
    return this.call("nodeLogs", { params: { node }, query });
  }
  poolList() {
    return this.call("poolList", {});
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

  volumeInfoAll(query: Query<"volumeInfoAll"> = {}) {
    return this.call("volumeInfoAll", { query });
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
  volumeReplaceBrick(volume: string, body: Body<"volumeReplaceBrick">) {
    return this.call("volumeReplaceBrick", { params: { volume }, body });
  }
  volumeResetBrick(volume: string, body: Body<"volumeResetBrick">) {
    return this.call("volumeResetBrick", { params: { volume }, body });
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
  volumeTop(volume: string, body: Body<"volumeTop"> = {}) {
    return this.call("volumeTop", { params: { volume }, body });
  }
  volumeClearLocks(volume: string, body: Body<"volumeClearLocks">) {
    return this.call("volumeClearLocks", { params: { volume }, body });
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

  volumeHealInfo(volume: string, query: Query<"volumeHealInfo"> = {}) {
    return this.call("volumeHealInfo", { params: { volume }, query });
  }
  volumeHealSwitch(volume: string, body: Body<"volumeHealSwitch">) {
    return this.call("volumeHealSwitch", { params: { volume }, body });
  }
  volumeHealStatistics(volume: string) {
    return this.call("volumeHealStatistics", { params: { volume } });
  }
  volumeHealCount(volume: string, query: Query<"volumeHealCount"> = {}) {
    return this.call("volumeHealCount", { params: { volume }, query });
  }
  volumeSplitBrain(volume: string, body: Body<"volumeSplitBrain">) {
    return this.call("volumeSplitBrain", { params: { volume }, body });
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
  snapshotFiles(snapshot: string, query: Query<"snapshotFiles"> = {}) {
    return this.call("snapshotFiles", { params: { snapshot }, query });
  }
  snapshotFileRestore(snapshot: string, body: Body<"snapshotFileRestore">) {
    return this.call("snapshotFileRestore", { params: { snapshot }, body });
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
  /** Nothing is changed. */
  schedulePreview(schedule: string, body: Body<"schedulePreview">) {
    return this.call("schedulePreview", { params: { schedule }, body });
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

  snapshotSend(body: Body<"snapshotSend">) {
    return this.call("snapshotSend", { body });
  }
  bookmarkList(query: Query<"bookmarkList"> = {}) {
    return this.call("bookmarkList", { query });
  }
  bookmarkBegin(body: Body<"bookmarkBegin">) {
    return this.call("bookmarkBegin", { body });
  }
  bookmarkFinish(bookmark: string, body: Body<"bookmarkFinish">) {
    return this.call("bookmarkFinish", { params: { bookmark }, body });
  }
  bookmarkDelete(bookmark: string) {
    return this.call("bookmarkDelete", { params: { bookmark } });
  }
  receiveList(query: Query<"receiveList"> = {}) {
    return this.call("receiveList", { query });
  }
  receiveBegin(body: Body<"receiveBegin">) {
    return this.call("receiveBegin", { body });
  }
  receiveProgress(volume: string, body: Body<"receiveProgress">) {
    return this.call("receiveProgress", { params: { volume }, body });
  }
  receiveFinish(volume: string, body: Body<"receiveFinish">) {
    return this.call("receiveFinish", { params: { volume }, body });
  }
  receiveAbandon(volume: string) {
    return this.call("receiveAbandon", { params: { volume } });
  }

  /** Calls any route by its name. Throws `ApiError` when no proper answer came. */
  async call<N extends RouteName>(name: N, input: CallInput<N>): Promise<Answer<Result<N>>> {
    return await this.#ask(name, input, routes[name].result, {});
  }

  /**
   * The same as a task, which is told at once and goes on by itself: `followTask` waits for it. Only of
   * routes for which `mayBeTask` is true.
   */
  async startTask<N extends RouteName>(name: N, input: CallInput<N>): Promise<Answer<Task>> {
    return await this.#ask(name, input, Task, { [PREFER_HEADER]: RESPOND_ASYNC });
  }

  /** All items of a list with pages, asked for as they are needed. Throws `PageRefused`, `ApiError`. */
  async *each<N extends PagedRoute>(
    name: N, query: Query<N> = {}, pageLimit = 200,
  ): AsyncGenerator<Result<N>[number]> {
    let after: string | undefined;
    do {
      const page = { ...query, limit: pageLimit, ...(after === undefined ? {} : { after }) };
      const answer = await this.call(name, { query: page });
      if (!answer.ok) throw new PageRefused(answer.problem);
      yield* answer.result;
      after = answer.next;
    } while (after !== undefined);
  }

  async #ask<N extends RouteName, S extends TSchema>(
    name: N, input: CallInput<N>, result: S, headers: Readonly<Record<string, string>>,
  ): Promise<Answer<Static<S>>> {
    const route = routes[name];
    const path = pathOf(route.path, input.params ?? {}, input.query ?? {});
    const { status, text } = await exchange(this.#place, {
      method: route.method, path, body: input.body, timeoutMs: this.#timeoutMs, headers,
    });
    const body = parse(text, status);
    if (status === OK || status === ACCEPTED) {
      if (!conforms(Envelope, body) || !conforms(result, body.result)) {
        throw new ApiError("bad-answer", `The answer to ${path} is not of its schema.`);
      }
      return { ok: true, ...body, result: body.result };
    }
    if (!conforms(Problem, body)) {
      throw new ApiError("bad-answer", `The answer to ${path} is HTTP ${status} and no problem.`);
    }
    return { ok: false, problem: body };
  }
}

const Envelope = successOf(Type.Unknown());

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
