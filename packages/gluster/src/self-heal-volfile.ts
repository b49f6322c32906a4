/**
 * The graph of the self-heal daemon: connections and sets of a volume as clients have them, each
 * set told that it is in the daemon, and one debug/io-stats on top of them.
 *
 * The daemon heals for bricks of its own node: those whose `trusted.glusterfs.node-uuid` is the
 * one on its command line, `--xlator-option *replicate*.node-uuid=UUID`.
 */
import { addSets } from "./client-volfile.ts";
import type { ClientVolfileOptions } from "./client-volfile.ts";
import { GlusterError } from "./error.ts";
import type { VolumeDescription } from "./volume-description.ts";
import { logOptions, VolfileGraph } from "./volfile-graph.ts";
import type { Volfile } from "./volfile.ts";

const DISPERSE_SECONDS_MIN = 60;

/** Throws GlusterError "bad-volume" for a volume without copies: there is nothing to heal. */
export function selfHealVolfile(
  volume: VolumeDescription,
  options: Pick<ClientVolfileOptions, "remotePorts"> = {},
): Volfile {
  if (volume.kind === "distribute") {
    throw new GlusterError("bad-volume", `volume ${volume.name} has no copies to heal from`);
  }
  const graph = new VolfileGraph(volume);
  const sets = addSets(graph, { ...options, trusted: true });
  graph.add(volume.name, "debug/io-stats", sets, logOptions(volume, "client"));
  graph.applyOptions();
  const type = volume.kind === "replicate" ? "cluster/replicate" : "cluster/disperse";
  const timeout = volume.options["cluster.heal-timeout"];
  graph.setEverywhere(type, "iam-self-heal-daemon", "yes");
  graph.setEverywhere(type, "self-heal-daemon", isOn(volume) ? "enable" : "off");
  if (timeout !== undefined) {
    // Disperse refuses to look more often, and takes the whole volfile with it.
    const least = volume.kind === "disperse" ? DISPERSE_SECONDS_MIN : 0;
    const seconds = String(Math.max(Number(timeout), least));
    graph.setEverywhere(type, "heal-timeout", seconds);
  }
  if (volume.kind === "replicate") {
    for (const kind of ["data", "metadata", "entry"]) {
      graph.setEverywhere(type, `${kind}-self-heal`, "on");
    }
  }
  return graph.finish();
}

function isOn(volume: VolumeDescription): boolean {
  const name = volume.kind === "replicate"
    ? "cluster.self-heal-daemon" : "cluster.disperse-self-heal-daemon";
  return !/^(off|no|false|disable|0)$/.test(volume.options[name] ?? "on");
}
