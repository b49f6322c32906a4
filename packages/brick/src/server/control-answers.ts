/** What the brick's owner can ask for over the control socket: `{"command": …}`. */
import type { Brick } from "../brick.ts";
import { reconfigure } from "../reconfigure.ts";
import type { BrickServer } from "./brick-server.ts";
import type { ControlRequest } from "./control-connection.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { DrainLeave } from "../services/lock-drain.ts";
import { clearLocks } from "./clear-locks.ts";
import type { Client } from "./client.ts";
import { topReport } from "./top-report.ts";
import { callReport, clientReports, descriptorReports, lockReports } from "./reports.ts";

export interface BrickStatus {
  readonly pid: number;
  readonly port: number;
  readonly path: string;
  readonly volume: string;
  readonly clients: number;
  readonly openFiles: number;
  readonly uptimeSeconds: number;
}

export function controlAnswers(
  brick: Brick, dispatcher: Dispatcher, server: () => BrickServer, port: number,
): ControlRequest {
  const status = (): BrickStatus => ({
    pid: process.pid,
    port,
    path: brick.spec.path,
    volume: brick.spec.volume,
    clients: server().clients.filter(({ client }) => client !== undefined).length,
    openFiles: brick.openFiles.count,
    uptimeSeconds: Math.round(process.uptime()),
  });
  let intervalNumber = 0;
  const commands: Readonly<Record<string, ControlRequest>> = {
    status,
    profile: () => {
      const now = performance.now();
      const { statistics } = brick;
      const cumulative = statistics.cumulative(now);
      return { cumulative, interval: statistics.interval(now), intervalNumber };
    },
    ...fileAnswers(brick, dispatcher),
    "profile-next": () => {
      intervalNumber++;
      brick.statistics.nextInterval(performance.now());
    },
    "profile-clear": () => {
      intervalNumber = 0;
      brick.statistics.clear(performance.now());
    },
    "barrier-raise": () => brick.barrier.raise(performance.now()),
    "barrier-lower": () => {
      const replies = brick.barrier.lower();
      dispatcher.answerHeld(replies ?? []);
      return replies === undefined ? null : replies.length;
    },
    drain: ({ leaves, timeoutMs, holds }) => {
      const now = performance.now();
      const clients = clientsOf(server());
      brick.drain.begin(now, checkedTimeout(timeoutMs), holds === true);
      brick.drain.letGo(checkedLeaves(leaves), clients, now);
      dispatcher.settleLocks();
      return brick.drain.report(clients);
    },
    "drain-end": () => {
      const wasOn = brick.drain.end(performance.now());
      dispatcher.settleLocks();
      return wasOn;
    },
    clients: () => clientReports(server()),
    descriptors: () => descriptorReports(server()),
    calls: () => callReport(brick),
    memory: () => process.memoryUsage(),
    statedump: () => ({ ...status(), ...stateOf(brick, server()), cpu: process.cpuUsage() }),
    reconfigure: ({ volfile }) => {
      if (typeof volfile !== "string") throw new RangeError("volfile is not a text");
      return reconfigure(brick, dispatcher, server(), volfile);
    },
    stop: () => server().stop(),
  };
  return (request) => {
    const { command } = request;
    const perform = commands[String(command)];
    if (perform === undefined) {
      const known = Object.keys(commands).join();
      throw new RangeError(`no command ${JSON.stringify(command)}: ${known}`);
    }
    return perform(request);
  };
}

/** About single files. */
function fileAnswers(
  brick: Brick, dispatcher: Dispatcher,
): Readonly<Record<string, ControlRequest>> {
  return {
    top: () => topReport(brick),
    "clear-locks": ({ locks }) => {
      const cleared = clearLocks(brick, locks, performance.now());
      dispatcher.settleLocks();
      return cleared;
    },
    "top-clear": () => {
      brick.top.clear();
    },
    inodes: () => {
      const { size, capacity } = brick.objects.table;
      return { limit: capacity, active: brick.openFiles.count, known: size };
    },
  };
}

const DRAIN_TIMEOUT_MS_MAX = 120_000;

function checkedTimeout(timeoutMs: unknown): number {
  const isFit = typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs <= DRAIN_TIMEOUT_MS_MAX;
  if (isFit) return timeoutMs;
  throw new RangeError(`timeoutMs is not a number of at most ${DRAIN_TIMEOUT_MS_MAX}`);
}

function checkedLeaves(leaves: unknown): DrainLeave[] {
  if (leaves === undefined) return [];
  if (Array.isArray(leaves) && leaves.every((it) => typeof it === "object" && it !== null)) {
    return leaves as DrainLeave[];
  }
  throw new RangeError("leaves is not a list of owners");
}

function clientsOf(server: BrickServer): Client[] {
  return server.clients.flatMap(({ client }) => (client === undefined ? [] : [client]));
}

function stateOf(brick: Brick, server: BrickServer): object {
  return {
    memory: process.memoryUsage(),
    inodes: brick.objects.table.size,
    queuedJobs: brick.workers.queued,
    isFull: brick.space.isFull,
    barrier: { isUp: brick.barrier.isUp, held: brick.barrier.heldCount },
    locks: lockReports(brick),
    connections: server.clients.map((each) => ({
      address: `${each.peer.address}:${each.peer.port}`,
      identity: each.client?.identity ?? null,
      openFiles: each.client?.openCount ?? 0,
      memoryBytes: each.memoryBytes,
    })),
  };
}
