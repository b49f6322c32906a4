/** What answers each route. Most are one command; the rest ask the node itself. */
import type {
  NodeStatus, PoolReclaim, ReclaimableBody, Result, RouteName, ShutdownResult,
} from "@mortar/api";
import type { Answer, CommandArgs, CommandName, CommandPayload } from "@mortar/cluster";
import type { Bearer } from "../access/tokens.ts";
import type { AccessRoute } from "./access-handlers.ts";
import { healHandlers, type HealRoute } from "./heal-handlers.ts";
import type { AskLogin } from "./operator.ts";
import { peerHandlers, type PoolControl } from "./peer-handlers.ts";
import type { NodeMetrics } from "../metrics/node-metrics.ts";
import type { PoolHistory } from "../pool-history.ts";
import { type EventControl, eventHandlers } from "./event-handlers.ts";
import { type FileControl, fileHandlers } from "./file-handlers.ts";
import type { IdempotentAnswers } from "./idempotency.ts";
import { type LogControl, logHandlers } from "./log-handlers.ts";
import { inPages } from "./pages.ts";
import { poolHandlers } from "./pool-handlers.ts";
import { problemOfGroup } from "./problem.ts";
import { plain, type Reply, replyOf } from "./reply.ts";
import { type TaskControl, taskHandlers } from "./task-handlers.ts";
import { transferHandlers } from "./transfer-handlers.ts";
import type { Transfers } from "../transfer/transfers.ts";
import { type WebhookControl, webhookHandlers } from "./webhook-handlers.ts";
import { type KeepRoute, scheduleHandlers } from "./schedule-handlers.ts";

/** The daemon, as far as routes need it. */
export interface NodeControl {
  run<N extends CommandName>(name: N, args: CommandArgs<N>): Promise<Answer<CommandPayload<N>>>;
  status(): NodeStatus;
  readonly pool: PoolControl;
  readonly transfers: Pick<Transfers, "read" | "write" | "digest" | "close">;
  /** Files of snapshots. */
  readonly files: FileControl;
  readonly poolHistory: Pick<PoolHistory, "of">;
  readonly events: EventControl;
  readonly webhooks: WebhookControl;
  readonly tasks: TaskControl;
  readonly logs: LogControl;
  /** Changes that came with a key. */
  readonly answers: Pick<IdempotentAnswers, "once">;
  readonly metrics: Pick<NodeMetrics, "text">;
  /** Throws VgError or Lvm2Error. */
  reclaimable(lvs: ReclaimableBody["lvs"]): Promise<PoolReclaim[]>;
  /** Stops what this node serves; the daemon ends after the answer has gone out. */
  shutDown(options: { readonly stopBricks: boolean }): Promise<ShutdownResult>;
}

export interface Input {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: object;
  /** Whose token came with it; undefined on the node's own socket. */
  readonly caller: Bearer | undefined;
  /** The login of who asks, or the name of the token. */
  readonly askLogin: AskLogin;
}

export type Handlers = {
  readonly [N in RouteName]: (input: Input) => Promise<Reply<Result<N>>>;
};

export function handlersOf(node: NodeControl): Omit<Handlers, AccessRoute> {
  return {
    ...nodeHandlers(node),
    ...peerHandlers(() => node.pool),
    ...storageHandlers(node),
    ...volumeHandlers(node),
    ...healHandlers(node),
    ...snapshotHandlers(node),
    ...scheduleHandlers(node),
    ...transferHandlers(node),
    ...poolHandlers(node),
    ...fileHandlers(node),
    ...eventHandlers(node),
    ...webhookHandlers(node),
    ...taskHandlers(node),
    ...logHandlers(node),
  };
}

type Part<Names extends RouteName> = Pick<Handlers, Names>;

function nodeHandlers(
  node: NodeControl,
): Part<"nodeStatus" | "nodeShutdown" | "nodeReclaimable" | "commandPlan"> {
  return {
    nodeStatus: async () => plain(node.status()),
    commandPlan: async ({ body }) =>
      replyOf(await node.run("commandPlan", body as CommandArgs<"commandPlan">)),
    nodeReclaimable: async ({ body }) => await reclaimable(node, (body as ReclaimableBody).lvs),
    nodeShutdown: async ({ body }) => {
      const { stopBricks } = body as { stopBricks?: boolean };
      return plain(await node.shutDown({ stopBricks: stopBricks ?? true }));
    },
  };
}

function storageHandlers(
  node: NodeControl,
): Part<Extract<RouteName, `brick${string}`> | "nodeLabel"> {
  return {
    brickList: async () => replyOf(await node.run("brickList", {})),
    brickCreate: async ({ body }) =>
      replyOf(await node.run("brickCreate", body as CommandArgs<"brickCreate">)),
    brickDelete: async ({ query }) =>
      replyOf(await node.run("brickDelete", query as CommandArgs<"brickDelete">)),
    brickPlace: async ({ body }) =>
      replyOf(await node.run("brickPlace", body as CommandArgs<"brickPlace">)),
    brickReadiness: async ({ query }) => replyOf(await node.run("brickReadiness", query)),
    nodeLabel: async ({ params, body }) => {
      const { zone } = body as { zone: string };
      return replyOf(await node.run("nodeLabel", { host: params["host"] ?? "", zone }));
    },
  };
}

function volumeHandlers(
  node: NodeControl,
): Part<Exclude<Extract<RouteName, `volume${string}`>, HealRoute>> {
  return {
    volumeInfoAll: async ({ query }) =>
      inPages(replyOf(await node.run("volumeInfo", {})), query, ({ name, id }) => [name, id]),
    volumeInfo: async ({ params }) => first(await node.run("volumeInfo", volume(params))),
    volumeCreate: async ({ body }) =>
      replyOf(await node.run("volumeCreate", body as CommandArgs<"volumeCreate">)),
    volumeDelete: async ({ params }) => replyOf(await node.run("volumeDelete", volume(params))),
    volumeStart: async ({ params, body }) =>
      replyOf(await node.run("volumeStart", { ...body, ...volume(params) })),
    volumeStop: async ({ params, body }) =>
      replyOf(await node.run("volumeStop", { ...body, ...volume(params) })),
    volumeStatusAll: async ({ query }) => replyOf(await node.run("volumeStatus", query)),
    volumeStatus: async ({ params, query }) =>
      first(await node.run("volumeStatus", { ...query, ...volume(params) })),
    volumeProfile: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"volumeProfile">, "volume">;
      return replyOf(await node.run("volumeProfile", { ...asked, ...volume(params) }));
    },
    volumeTop: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"volumeTop">, "volume">;
      return replyOf(await node.run("volumeTop", { ...asked, ...volume(params) }));
    },
    volumeClearLocks: async ({ params, body }) => {
      const locks = body as CommandArgs<"volumeClearLocks">["locks"];
      return replyOf(await node.run("volumeClearLocks", { locks, ...volume(params) }));
    },
    volumeStatedump: async ({ params }) =>
      replyOf(await node.run("volumeStatedump", volume(params))),
    volumeLogRotate: async ({ params, body }) =>
      replyOf(await node.run("volumeLogRotate", { ...body, ...volume(params) })),
    volumeBarrier: async ({ params, body }) => {
      const { enable } = body as { enable: boolean };
      return replyOf(await node.run("volumeBarrier", { enable, ...volume(params) }));
    },
    volumeOptionGet: async ({ params, query }) =>
      replyOf(await node.run("volumeOptionGet", { ...query, ...volume(params) })),
    volumeOptionSet: async ({ params, body }) => {
      const { options } = body as Pick<CommandArgs<"volumeOptionSet">, "options">;
      return replyOf(await node.run("volumeOptionSet", { options, ...volume(params) }));
    },
    volumeOptionReset: async ({ params, query }) =>
      replyOf(await node.run("volumeOptionReset", { ...query, ...volume(params) })),
    volumeAddBrick: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"volumeAddBrick">, "volume">;
      return replyOf(await node.run("volumeAddBrick", { ...asked, ...volume(params) }));
    },
    volumeRemoveBrick: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"volumeRemoveBrick">, "volume">;
      return replyOf(await node.run("volumeRemoveBrick", { ...asked, ...volume(params) }));
    },
    volumeReplaceBrick: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"volumeReplaceBrick">, "volume">;
      return replyOf(await node.run("volumeReplaceBrick", { ...asked, ...volume(params) }));
    },
    volumeResetBrick: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"volumeResetBrick">, "volume">;
      return replyOf(await node.run("volumeResetBrick", { ...asked, ...volume(params) }));
    },
    volumeRebalance: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"volumeRebalance">, "volume">;
      return replyOf(await node.run("volumeRebalance", { ...asked, ...volume(params) }));
    },
    volumeOptionHelp: async () => replyOf(await node.run("volumeOptionHelp", {})),
  };
}

function snapshotHandlers(
  node: NodeControl,
): Part<Exclude<Extract<RouteName, `snapshot${string}`>, KeepRoute | "snapshotSend" | `snapshotFile${string}`>> {
  return {
    snapshotList: async ({ query: { limit: _limit, after: _after, ...of }, query }) =>
      inPages(replyOf(await node.run("snapshotList", of)), query, ({ createdAt, uuid }) => [createdAt, uuid]),
    snapshotCreate: async ({ body }) =>
      replyOf(await node.run("snapshotCreate", body as CommandArgs<"snapshotCreate">)),
    snapshotDelete: async ({ params }) =>
      replyOf(await node.run("snapshotDelete", snapshot(params))),
    snapshotDeleteMany: async ({ query }) => replyOf(await node.run("snapshotDeleteMany", query)),
    snapshotInfo: async ({ query }) => replyOf(await node.run("snapshotInfo", query)),
    snapshotStatus: async ({ query }) => replyOf(await node.run("snapshotStatus", query)),
    snapshotReclaim: async ({ body }) =>
      replyOf(await node.run("snapshotReclaim", body as CommandArgs<"snapshotReclaim">)),
    snapshotSpace: async ({ query }) => replyOf(await node.run("snapshotSpace", query)),
    snapshotDiff: async ({ body }) =>
      replyOf(await node.run("snapshotDiff", body as CommandArgs<"snapshotDiff">)),
    snapshotActivate: async ({ params, body }) =>
      replyOf(await node.run("snapshotActivate", { ...body, ...snapshot(params) })),
    snapshotView: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"snapshotView">, "snapshot">;
      return replyOf(await node.run("snapshotView", { ...asked, ...snapshot(params) }));
    },
    snapshotDeactivate: async ({ params }) =>
      replyOf(await node.run("snapshotDeactivate", snapshot(params))),
    snapshotRestore: async ({ params, body }) =>
      replyOf(await node.run("snapshotRestore", { ...body, ...snapshot(params) })),
    snapshotClone: async ({ params, body }) => {
      const { name } = body as { name: string };
      return replyOf(await node.run("snapshotClone", { ...body, name, ...snapshot(params) }));
    },
    snapshotConfigGet: async ({ query }) => replyOf(await node.run("snapshotConfigGet", query)),
    snapshotConfigSet: async ({ body }) => replyOf(await node.run("snapshotConfigSet", body)),
  };
}

async function reclaimable(
  node: NodeControl,
  lvs: ReclaimableBody["lvs"],
): Promise<Reply<PoolReclaim[]>> {
  try {
    return plain(await node.reclaimable(lvs));
  } catch (error) {
    const isRefusal = error instanceof Error && /^(Vg|Lvm2)Error$/.test(error.name);
    if (isRefusal) return { ok: false, problem: problemOfGroup(error) };
    throw error;
  }
}

/** Of a question about one volume, asked in the form for many. */
function first<T>(answer: Answer<T[]>): Reply<T> {
  const reply = replyOf(answer);
  if (!reply.ok) return reply;
  const [result] = reply.result;
  if (result === undefined) throw new Error("a question about one volume had no answer");
  return { ...reply, result };
}

function volume(params: Readonly<Record<string, string>>): { volume: string } {
  return { volume: params["volume"] ?? "" };
}

function snapshot(params: Readonly<Record<string, string>>): { snapshot: string } {
  return { snapshot: params["snapshot"] ?? "" };
}
