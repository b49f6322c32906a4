/** What the brick's owner can ask for over the control socket: `{"command": …}`. */
import type { Brick } from "../brick.ts";
import type { BrickServer } from "./brick-server.ts";
import type { ControlRequest } from "./control-connection.ts";
import type { Dispatcher } from "./dispatch.ts";

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
  const commands: Readonly<Record<string, () => unknown>> = {
    status,
    profile: () => {
      const now = performance.now();
      const { statistics } = brick;
      return { cumulative: statistics.cumulative(now), interval: statistics.interval(now) };
    },
    "profile-next": () => brick.statistics.nextInterval(performance.now()),
    "profile-clear": () => brick.statistics.clear(performance.now()),
    "barrier-raise": () => brick.barrier.raise(performance.now()),
    "barrier-lower": () => {
      const replies = brick.barrier.lower();
      dispatcher.answerHeld(replies ?? []);
      return replies?.length ?? 0;
    },
    statedump: () => ({ ...status(), ...stateOf(brick, server()), cpu: process.cpuUsage() }),
    stop: () => server().stop(),
  };
  return ({ command }) => {
    const perform = commands[String(command)];
    if (perform === undefined) {
      const known = Object.keys(commands).join();
      throw new RangeError(`no command ${JSON.stringify(command)}: ${known}`);
    }
    return perform();
  };
}

function stateOf(brick: Brick, server: BrickServer): object {
  return {
    memory: process.memoryUsage(),
    inodes: brick.objects.table.size,
    queuedJobs: brick.workers.queued,
    isFull: brick.space.isFull,
    barrier: { isUp: brick.barrier.isUp, held: brick.barrier.heldCount },
    connections: server.clients.map((each) => ({
      address: `${each.peer.address}:${each.peer.port}`,
      identity: each.client?.identity ?? null,
      openFiles: each.client?.openCount ?? 0,
      memoryBytes: each.memoryBytes,
    })),
  };
}
