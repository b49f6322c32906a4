/** What the brick's owner can ask for over the control socket: `{"command": …}`. */
import type { Brick } from "../brick.ts";
import { reconfigure } from "../reconfigure.ts";
import type { BrickServer } from "./brick-server.ts";
import type { ControlRequest } from "./control-connection.ts";
import type { Dispatcher } from "./dispatch.ts";
import { callReport, clientReports, descriptorReports } from "./reports.ts";

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
