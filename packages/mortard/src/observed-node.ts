/** What looks at a node and tells of it: its events, its figures, and how its pools filled up. */
import { join } from "node:path";
import type { Answer, PoolReport } from "@mortar/cluster";
import { NodeEvents } from "./events/node-events.ts";
import type { NodeControl } from "./http/handlers.ts";
import type { LogControl } from "./http/log-handlers.ts";
import { NodeMetrics, type NodeMetricsOptions } from "./metrics/node-metrics.ts";
import { PoolHistory } from "./pool-history.ts";
import type { NodeParts, NodePartsOptions } from "./node-parts.ts";

type Options = Pick<NodePartsOptions, "uuid" | "paths" | "log"> & { readonly host: string };

export function eventsOf({ uuid, paths, log, host }: Options, parts: NodeParts): NodeEvents {
  const { pool, supervisor, events } = parts;
  return new NodeEvents({
    uuid, host, events, runDirectory: paths.runDirectory, log,
    peers: () => pool.otherHosts(),
    ask: (node, question) => pool.eventsOf(node, question),
    sight: () => {
      const { writable, reason } = pool.clusterState;
      return { bricks: supervisor.all(), peers: pool.peers(), isWritable: writable, reason };
    },
  });
}

export function logsOf({ logs, pool }: NodeParts): LogControl {
  return { read: (query) => logs.read(query), ask: (node, query) => pool.logsOf(node, query) };
}

export function historyOf(
  { paths, log }: Pick<Options, "paths" | "log">, list: () => Promise<Answer<PoolReport[]>>,
): PoolHistory {
  return new PoolHistory({
    file: join(paths.stateDirectory, "pool-history.json"),
    look: async () => {
      const answer = await list();
      if (!answer.ok) return [];
      return answer.payload.filter(({ state }) => state !== "inactive");
    },
    nowMs: () => Date.now(),
    log,
  });
}

type Node = Pick<NodeControl, "status" | "reclaimable" | "poolHistory" | "tasks"> &
  Pick<NodeMetricsOptions, "events" | "etcdPid">;

export function metricsOf(uuid: string, parts: NodeParts, node: Node): NodeMetrics {
  const { pool, supervisor, coordinator, performer } = parts;
  return new NodeMetrics({
    uuid,
    status: () => node.status(),
    state: () => coordinator.state,
    peers: () => pool.peers(),
    servers: () => supervisor.all(),
    events: node.events,
    history: node.poolHistory,
    perform: (effect) => performer.perform(effect),
    reclaimable: (lvs) => node.reclaimable(lvs),
    tasks: () => node.tasks.list(),
    etcdPid: () => node.etcdPid(),
  });
}
