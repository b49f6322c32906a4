/**
 * The graph of a volume's snapshot daemon: snapview-server, io-threads, io-stats (named as clients
 * ask for it, snapd-VOLUME), server.
 */
import { logOptions, optionText, socketOptions, VolfileGraph } from "./volfile-graph.ts";
import type { Volfile } from "./volfile.ts";
import type { VolumeDescription } from "./volume-description.ts";

/** Under which clients ask for the daemon: its name at the portmapper, and its subvolume. */
export function snapshotDaemonName(volume: string): string {
  return `snapd-${volume}`;
}

export function snapshotDaemonVolfile(
  volume: VolumeDescription,
  options: { readonly bindAddress?: string },
): Volfile {
  const name = snapshotDaemonName(volume.name);
  const { username, password } = volume.credentials;
  const reject = optionText(volume, "auth.reject");
  const graph = new VolfileGraph(volume);
  graph.add("snapview-server", "features/snapview-server", [], { volname: volume.name });
  graph.add("io-threads", "performance/io-threads", [graph.top]);
  graph.add(name, "debug/io-stats", [graph.top], {
    "unique-id": `snapd/${volume.name}`,
    "volume-id": volume.id,
    ...logOptions(volume, "brick"),
  });
  graph.add(`server-${volume.name}`, "protocol/server", [name], {
    "transport-type": "tcp",
    ...socketOptions(volume),
    ...(options.bindAddress === undefined
      ? {}
      : { "transport.socket.bind-address": options.bindAddress }),
    [`auth.login.${name}.allow`]: username,
    [`auth.login.${username}.password`]: password,
    "auth-path": name,
    [`auth.addr.${name}.allow`]: optionText(volume, "auth.allow") ?? "*",
    ...(reject === undefined ? {} : { [`auth.addr.${name}.reject`]: reject }),
  });
  graph.applyOptions();
  return graph.finish();
}
