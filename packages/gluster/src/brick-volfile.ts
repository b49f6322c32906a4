/**
 * The graph of a brick process, from the file system up: posix, [arbiter], trash, changelog,
 * bitrot-stub, access-control, locks, worm, read-only, leases, upcall, io-threads, selinux, marker,
 * barrier, index, quota, [cdc], [namespace], [sdfs], io-stats (named as the brick's path: the name
 * under which clients ask for it), server.
 *
 * Both barrier and changelog have to be there for a snapshot to hold the brick.
 */

import { GlusterError } from "./error.ts";
import { setSize } from "./volume-description.ts";
import type { VolumeBrick, VolumeDescription } from "./volume-description.ts";
import {
  logOptions, optionIsOn, optionText, socketOptions, VolfileGraph,
} from "./volfile-graph.ts";
import type { Volfile } from "./volfile.ts";

export interface BrickVolfileOptions {
  /** The volume's own directory of state on the node; holds the marker's time stamp. */
  readonly stateDirectory: string;
  /** The only address to listen on. */
  readonly bindAddress?: string;
  /** Fixed in the volfile; otherwise the process is told on its command line. */
  readonly listenPort?: number;
  /** How many bricks of this volume share the file system; sizes are divided by it. */
  readonly sharedBrickCount?: number;
}

export function brickVolfile(
  volume: VolumeDescription,
  brickIndex: number,
  options: BrickVolfileOptions,
): Volfile {
  const brick = volume.bricks[brickIndex];
  if (brick === undefined) {
    throw new GlusterError("bad-volume", `volume ${volume.name} has no brick ${brickIndex}`);
  }
  const graph = new VolfileGraph(volume);
  addStorage(graph, brick, isArbiter(volume, brickIndex), options.sharedBrickCount ?? 1);
  addSemantics(graph);
  addAccounting(graph, brick, options.stateDirectory);
  graph.add(brick.path, "debug/io-stats", [graph.top], {
    "unique-id": brick.path,
    "volume-id": volume.id,
    ...logOptions(volume, "brick"),
  });
  addServer(graph, brick, options);
  graph.applyOptions();
  if (optionIsOn(volume, "features.trash")) {
    graph.setEverywhere("storage/posix", "update-link-count-parent", "on");
  }
  return graph.finish();
}

function isArbiter(volume: VolumeDescription, brickIndex: number): boolean {
  if (!volume.arbiterCount) return false;
  const size = setSize(volume);
  return brickIndex % size === size - 1;
}

function addStorage(
  graph: VolfileGraph,
  brick: VolumeBrick,
  arbiter: boolean,
  sharedBrickCount: number,
): void {
  const { volume } = graph;
  const { path } = brick;
  graph.add(`${volume.name}-posix`, "storage/posix", [], {
    directory: path,
    "volume-id": volume.id,
    "shared-brick-count": String(sharedBrickCount),
  });
  if (arbiter) graph.stack("arbiter", "features/arbiter");
  graph.stack("trash", "features/trash", {
    "trash-dir": ".trashcan",
    "brick-path": path,
    "trash-internal-op": "off",
  });
  graph.stack("changelog", "features/changelog", {
    "changelog-brick": path,
    "changelog-dir": `${path}/.glusterfs/changelogs`,
    "changelog-notification": "off",
  });
  graph.stack("bitrot-stub", "features/bitrot-stub", { export: path, bitrot: "disable" });
}

function addSemantics(graph: VolfileGraph): void {
  if (optionIsOn(graph.volume, "features.acl")) {
    graph.stack("access-control", "features/access-control");
  }
  graph.stack("locks", "features/locks");
  graph.stack("worm", "features/worm");
  graph.stack("read-only", "features/read-only", { "read-only": "off" });
  graph.stack("leases", "features/leases");
  graph.stack("upcall", "features/upcall");
  graph.stack("io-threads", "performance/io-threads");
  graph.stack("selinux", "features/selinux");
}

function addAccounting(graph: VolfileGraph, brick: VolumeBrick, stateDirectory: string): void {
  const { volume } = graph;
  const { options } = volume;
  graph.stack("marker", "features/marker", {
    "volume-uuid": volume.id,
    "timestamp-file": `${stateDirectory}/marker.tstamp`,
    "quota-version": String(volume.quotaVersion ?? 0),
    xtime: options["geo-replication.indexing"] ?? "off",
    "gsync-force-xtime": options["geo-replication.ignore-pid-check"] ?? "off",
  });
  graph.stack("barrier", "features/barrier");
  graph.stack("index", "features/index", {
    "index-base": `${brick.path}/.glusterfs/indices`,
    ...(volume.kind === "disperse"
      ? { "xattrop64-watchlist": "trusted.ec.dirty" }
      : {
          "xattrop-dirty-watchlist": "trusted.afr.dirty",
          "xattrop-pending-watchlist": `trusted.afr.${volume.name}-`,
        }),
  });
  graph.stack("quota", "features/quota", {
    "volume-uuid": volume.name,
    "server-quota": options["features.quota"] ?? "off",
  });
  if (optionIsOn(volume, "network.compression")) {
    graph.stack("cdc", "features/cdc", { mode: "server" });
  }
  if (optionIsOn(volume, "features.tag-namespaces")) graph.stack("namespace", "features/namespace");
  if (optionIsOn(volume, "features.sdfs")) {
    graph.stack("sdfs", "features/sdfs", { "pass-through": "false" });
  }
}

function addServer(graph: VolfileGraph, brick: VolumeBrick, options: BrickVolfileOptions): void {
  const { volume } = graph;
  const { path } = brick;
  const { username, password } = volume.credentials;
  const reject = optionText(volume, "auth.reject");
  const sslAllow = volume.options["auth.ssl-allow"];
  graph.stack("server", "protocol/server", {
    "transport-type": "tcp",
    ...socketOptions(volume),
    ...(options.bindAddress === undefined
      ? {}
      : { "transport.socket.bind-address": options.bindAddress }),
    ...(options.listenPort === undefined
      ? {}
      : { "transport.socket.listen-port": String(options.listenPort) }),
    [`auth.login.${path}.allow`]: username,
    [`auth.login.${username}.password`]: password,
    "auth-path": path,
    [`auth.addr.${path}.allow`]: optionText(volume, "auth.allow") ?? "*",
    ...(reject === undefined ? {} : { [`auth.addr.${path}.reject`]: reject }),
    ...(sslAllow === undefined ? {} : { [`auth.login.${path}.ssl-allow`]: sslAllow }),
  });
}
