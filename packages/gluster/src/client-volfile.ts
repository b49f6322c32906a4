/**
 * The graph of a client, from the connections up:
 *
 *     protocol/client, one a brick
 *     cluster/replicate or cluster/disperse, one a set      (performance/readdir-ahead on each)
 *     cluster/distribute                                    always, even for one set
 *     features/cloudsync, shard, utime, read-only, cdc      as switched on
 *     performance/…                                         as switched on
 *     features/snapview-client                              snapshots as .snaps
 *     debug/io-stats                                        named after the volume
 */

import { brickSets } from "./volume-description.ts";
import type { VolumeBrick, VolumeDescription } from "./volume-description.ts";
import {
  logOptions, optionIsOn, optionText, socketOptions, VolfileGraph,
} from "./volfile-graph.ts";
import type { Volfile } from "./volfile.ts";

export interface ClientVolfileOptions {
  /** For a client in the trusted pool: with the volume's user name and password. */
  readonly trusted: boolean;
  /** Fixed ports of the bricks, in order: then clients ask no portmap. */
  readonly remotePorts?: readonly number[];
}

/** From below to above: the switch, and the translator that it brings in. */
const PERFORMANCE = [
  ["performance.write-behind", "write-behind"],
  ["performance.read-ahead", "read-ahead"],
  ["performance.readdir-ahead", "readdir-ahead"],
  ["performance.io-cache", "io-cache"],
  ["performance.open-behind", "open-behind"],
  ["performance.quick-read", "quick-read"],
  ["performance.nl-cache", "nl-cache"],
  ["performance.stat-prefetch", "md-cache"],
  ["performance.client-io-threads", "io-threads"],
] as const;

export function clientVolfile(volume: VolumeDescription, options: ClientVolfileOptions): Volfile {
  const graph = new VolfileGraph(volume);
  const sets = addSets(graph, options);
  addDistribute(graph, sets);
  addFeatures(graph);
  const parallel = optionIsOn(volume, "performance.parallel-readdir");
  for (const [name, translator] of PERFORMANCE) {
    if (name === "performance.readdir-ahead" && parallel) continue;
    if (optionIsOn(volume, name)) graph.stack(translator, `performance/${translator}`);
  }
  addSnapshotView(graph, options);
  graph.add(volume.name, "debug/io-stats", [graph.top], logOptions(volume, "client"));
  applyClientOptions(graph);
  return graph.finish();
}

/** The connections and the sets on them; the names of the sets. */
export function addSets(graph: VolfileGraph, options: ClientVolfileOptions): string[] {
  const { volume } = graph;
  const { name } = volume;
  const sets = brickSets(volume);
  let index = 0;
  const clients = sets.map((set) =>
    set.map((brick) => {
      const port = options.remotePorts?.[index];
      // Files that were moved name the subvolume they are on: the name stays when others go.
      const own = volume.snapshot ? undefined : brick.id;
      const numbered = `${name}-client-${index++}`;
      return addConnection(graph, own ?? numbered, options.trusted, {
        "remote-host": brick.host,
        "remote-subvolume": brick.path,
        ...(port === undefined ? {} : { "remote-port": String(port) }),
      });
    }),
  );
  return sets.map((set, setIndex) => {
    const subvolumes = clients[setIndex] ?? [];
    return addSet(graph, setIndex, set, subvolumes);
  });
}

function addSet(
  graph: VolfileGraph,
  index: number,
  set: readonly VolumeBrick[],
  subvolumes: readonly string[],
): string {
  const { volume } = graph;
  const { name, kind } = volume;
  if (kind === "distribute") return subvolumes[0] ?? "";
  if (kind === "disperse") {
    return graph.add(`${name}-disperse-${index}`, "cluster/disperse", subvolumes, {
      redundancy: String(volume.redundancyCount ?? 0),
    });
  }
  return graph.add(`${name}-replicate-${index}`, "cluster/replicate", subvolumes, {
    "afr-pending-xattr": pendingNames(volume, index, set).join(","),
    "volume-id": volume.id,
    ...(volume.arbiterCount ? { "arbiter-count": String(volume.arbiterCount) } : {}),
  });
}

function pendingNames(
  volume: VolumeDescription,
  setIndex: number,
  set: readonly VolumeBrick[],
): string[] {
  return set.map((brick, at) => brick.id ?? `${volume.name}-client-${setIndex * set.length + at}`);
}

function addConnection(
  graph: VolfileGraph,
  name: string,
  trusted: boolean,
  target: Readonly<Record<string, string>>,
): string {
  const { volume } = graph;
  const { username, password } = volume.credentials;
  return graph.add(name, "protocol/client", [], {
    "ping-timeout": "42",
    ...target,
    "transport-type": "tcp",
    ...(trusted ? { username, password } : {}),
    ...socketOptions(volume),
  });
}

/** Also of the rebalance process; sets that are being emptied get no new files. */
export function addDistribute(graph: VolfileGraph, sets: readonly string[]): void {
  const { volume } = graph;
  const { name } = volume;
  const subvolumes = optionIsOn(volume, "performance.parallel-readdir")
    ? sets.map((set, index) =>
        graph.add(`${name}-readdir-ahead-${index}`, "performance/readdir-ahead", [set], {
          "performance.readdir-ahead": "on",
        }),
      )
    : sets;
  const nufa = optionIsOn(volume, "cluster.nufa");
  const switched = optionIsOn(volume, "cluster.switch");
  const type = nufa ? "cluster/nufa" : switched ? "cluster/switch" : "cluster/distribute";
  const emptied = brickSets(volume).flatMap((set, index) =>
    set.some((brick) => brick.decommissioned === true) ? [subvolumes[index] ?? ""] : []);
  const emptying = emptied.length === 0 ? {} : { "decommissioned-bricks": emptied.join(",") };
  graph.add(`${name}-dht`, type, subvolumes, emptying);
}

function addFeatures(graph: VolfileGraph): void {
  const { volume } = graph;
  if (optionIsOn(volume, "features.cloudsync")) {
    graph.stack("cloudsync", "features/cloudsync", { cloudsync: "on" });
  }
  if (optionIsOn(volume, "features.shard")) graph.stack("shard", "features/shard");
  if (optionIsOn(volume, "features.ctime")) graph.stack("utime", "features/utime");
  if (volume.snapshot) graph.stack("read-only", "features/read-only", { "read-only": "on" });
  if (optionIsOn(volume, "network.compression")) {
    graph.stack("cdc", "features/cdc", { mode: "client" });
  }
}

/** The snapshot daemon's connection has no host: the client takes the one that it mounted from. */
function addSnapshotView(graph: VolfileGraph, options: ClientVolfileOptions): void {
  const { volume } = graph;
  if (volume.snapshot || !optionIsOn(volume, "features.uss")) return;
  const below = graph.top;
  const connection = addConnection(graph, `${volume.name}-snapd-client`, options.trusted, {
    "remote-subvolume": `snapd-${volume.name}`,
  });
  graph.add(`${volume.name}-snapview-client`, "features/snapview-client", [below, connection], {
    "snapshot-directory": optionText(volume, "features.snapshot-directory") ?? ".snaps",
  });
}

function applyClientOptions(graph: VolfileGraph): void {
  const { volume } = graph;
  graph.applyOptions();
  const ownGroups = optionIsOn(volume, "server.manage-gids");
  graph.setEverywhere("protocol/client", "send-gids", ownGroups ? "false" : "true");
  if (optionIsOn(volume, "server.root-squash")) {
    graph.setEverywhere("performance/open-behind", "read-after-open", "yes");
  }
  // A snapshot stays read-only whatever its origin's options say.
  if (volume.snapshot) graph.setEverywhere("features/read-only", "read-only", "on");
}
