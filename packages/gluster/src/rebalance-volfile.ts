/**
 * The graph of the process that moves files to where they belong: the sets of the volume and
 * distribute on them, nothing that caches. It presents the credentials of the trusted pool.
 */

import { addDistribute, addSets, type ClientVolfileOptions } from "./client-volfile.ts";
import type { VolumeDescription } from "./volume-description.ts";
import { logOptions, VolfileGraph } from "./volfile-graph.ts";
import type { Volfile } from "./volfile.ts";

export function rebalanceVolfile(
  volume: VolumeDescription,
  options: Pick<ClientVolfileOptions, "remotePorts"> = {},
): Volfile {
  const graph = new VolfileGraph(volume);
  addDistribute(graph, addSets(graph, { ...options, trusted: true }));
  graph.add(volume.name, "debug/io-stats", [graph.top], logOptions(volume, "client"));
  graph.applyOptions();
  return graph.finish();
}
