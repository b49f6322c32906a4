/**
 * The snapshot daemon of a volume, supervised as if it were a brick: it has the same files, is
 * started and ended in the same way, and its port is told by the portmapper under its name.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type StartedBrick, startServer } from "@mortar/brick";
import { snapshotDaemonName } from "@mortar/gluster";
import type { SnapdSpec } from "../snapd/snapd-spec.ts";
import type { BrickStart } from "./brick-engine.ts";
import type { BrickSpec } from "./brick-process.ts";

const HOST = fileURLToPath(new URL("../snapd/snapd-host.js", import.meta.url));
const KEY = "snapd/";

export function snapshotDaemonSpec(volume: string, host: string): BrickSpec {
  return { volume, host, path: snapshotDaemonName(volume), volfileId: `${KEY}${volume}` };
}

export function isSnapshotDaemon({ volfileId }: BrickSpec): boolean {
  return volfileId.startsWith(KEY);
}

/** Rejects with what `startServer` throws. */
export async function startSnapshotDaemon(
  { spec, files, port, volfile, node }: BrickStart,
): Promise<StartedBrick> {
  const told: SnapdSpec = {
    volume: spec.volume,
    volfile,
    controlSocket: files.socket,
    pidFile: files.pid,
    ...(node.address === undefined ? {} : { address: node.address }),
    port,
    managementPort: node.managementPort,
    mortardSocket: node.commandSocket,
    clientLog: join(dirname(files.log), `${spec.path}-client.log`),
    idleMs: node.snapshotIdleMs,
  };
  return await startServer(HOST, told, files.log);
}
