/**
 * What happens by itself, found by looking each second: servers of bricks, other nodes, the majority.
 *
 * All nodes see that one is away. One of them tells it: of those that hear each other, the one with the
 * least uuid, the one that it is about left out. In two halves there is one in each.
 */
import type { Peer } from "@mortar/api";
import type { BrickView } from "../bricks/supervisor.ts";
import { isSelfHealDaemon } from "../bricks/self-heal-daemon.ts";
import type { EventNote } from "./event-log.ts";

export interface Sight {
  readonly uuid: string;
  readonly host: string;
  readonly bricks: readonly Pick<BrickView, "spec" | "state" | "restarts" | "reason">[];
  readonly peers: readonly Peer[];
  readonly isWritable: boolean;
  /** Why not. */
  readonly reason: string | undefined;
}

interface SeenServer {
  isUp: boolean;
  restarts: number;
}

interface SeenPeer {
  readonly hostname: string;
  /** It was heard at some time, and is silent since. */
  isAway: boolean;
  wasHeard: boolean;
}

export class NodeSights {
  readonly #servers = new Map<string, SeenServer>();
  #peers: Map<string, SeenPeer> | undefined;
  #isWritable: boolean | undefined;

  /** What has changed since the last look; nothing at the first. */
  look(sight: Sight): EventNote[] {
    return [...this.#lookAtServers(sight), ...this.#lookAtPeers(sight), ...this.#majority(sight)];
  }

  #lookAtServers({ bricks, host }: Sight): EventNote[] {
    const notes: EventNote[] = [];
    const watched = bricks.filter(({ spec }) =>
      spec.snapshot === undefined && (spec.path.startsWith("/") || isSelfHealDaemon(spec)));
    for (const brick of watched) {
      const { spec, state, restarts, reason } = brick;
      const isUp = state === "online";
      const seen = this.#servers.get(spec.path);
      // Until a command has ended nothing is said of it: it is as it was, or as it is to be.
      const counts = isUp || (isOrdered(state) && seen?.isUp !== false);
      this.#servers.set(spec.path, { isUp: counts, restarts });
      if (seen === undefined || isOrdered(state)) continue;
      const died = seen.isUp && (!isUp || restarts > seen.restarts);
      if (died) notes.push(down(brick, host, reason));
      if (isUp && (died || !seen.isUp)) notes.push(up(brick, host));
    }
    const paths = new Set(watched.map(({ spec }) => spec.path));
    for (const path of this.#servers.keys()) if (!paths.has(path)) this.#servers.delete(path);
    return notes;
  }

  #lookAtPeers(sight: Sight): EventNote[] {
    const notes: EventNote[] = [];
    const former = this.#peers;
    const now = new Map<string, SeenPeer>();
    for (const { uuid, hostname, connected, self } of sight.peers) {
      if (self) continue;
      const seen = former?.get(uuid);
      const speaks = isSpeaker(sight, uuid);
      if (former !== undefined && seen === undefined && speaks) notes.push(joined(hostname));
      const wasHeard = connected || seen?.wasHeard === true;
      const isAway = wasHeard && !connected;
      if (speaks && isAway && seen?.isAway !== true) notes.push(away(hostname, sight.host));
      if (speaks && seen?.isAway === true && connected) notes.push(back(hostname));
      now.set(uuid, { hostname, isAway, wasHeard });
    }
    for (const [uuid, { hostname }] of former ?? []) {
      if (!now.has(uuid) && isSpeaker(sight, uuid)) notes.push(left(hostname));
    }
    this.#peers = now;
    return notes;
  }

  #majority({ isWritable, reason, host }: Sight): EventNote[] {
    const former = this.#isWritable;
    this.#isWritable = isWritable;
    if (former === undefined || former === isWritable) return [];
    if (isWritable) {
      return [{
        kind: "majority-back", object: host,
        sentence: `The state of the cluster can be changed again from ${host}.`,
      }];
    }
    const why = reason === undefined ? "" : `: ${reason}`;
    return [{
      kind: "majority-lost", object: host,
      sentence: `The state of the cluster cannot be changed from ${host}${why}`,
      nextStep: "mortar peer status: which nodes are away? Lost for good: mortar peer recover",
    }];
  }
}

/** A command has it in its hands. */
function isOrdered(state: BrickView["state"]): boolean {
  return state === "starting" || state === "stopping";
}

function isSpeaker({ uuid, peers }: Sight, about: string): boolean {
  return peers.every((it) => it.self || !it.connected || it.uuid === about || it.uuid > uuid);
}

type Server = Sight["bricks"][number];

function down({ spec }: Server, host: string, reason: string | undefined): EventNote {
  const { volume, path } = spec;
  const why = reason ?? "its process died";
  if (isSelfHealDaemon(spec)) {
    return {
      kind: "heal-daemon-dead", object: volume, data: { host },
      sentence: `The self-heal daemon of ${volume} on ${host} is down: ${why}.`,
      nextStep: `gluster volume status ${volume}`,
    };
  }
  return {
    kind: "brick-down", object: `${spec.host}:${path}`, data: { volume },
    sentence: `The brick ${spec.host}:${path} of ${volume} is down: ${why}.`,
    nextStep: `gluster volume status ${volume}; it is started again by itself`,
  };
}

function up({ spec }: Server, host: string): EventNote {
  const { volume, path } = spec;
  if (isSelfHealDaemon(spec)) {
    return {
      kind: "heal-daemon-back", object: volume, data: { host },
      sentence: `The self-heal daemon of ${volume} on ${host} runs again.`,
    };
  }
  return {
    kind: "brick-up", object: `${spec.host}:${path}`, data: { volume },
    sentence: `The brick ${spec.host}:${path} of ${volume} is up again.`,
  };
}

function joined(hostname: string): EventNote {
  return { kind: "peer-joined", object: hostname, sentence: `${hostname} came into the pool.` };
}

function left(hostname: string): EventNote {
  return { kind: "peer-left", object: hostname, sentence: `${hostname} was taken out of the pool.` };
}

function away(hostname: string, from: string): EventNote {
  return {
    kind: "peer-away", object: hostname, data: { seenFrom: from },
    sentence: `${hostname} does not answer ${from}.`,
    nextStep: `Look at ${hostname}: does it run, and mortard on it (mortar status)?`,
  };
}

function back(hostname: string): EventNote {
  return { kind: "peer-back", object: hostname, sentence: `${hostname} answers again.` };
}
