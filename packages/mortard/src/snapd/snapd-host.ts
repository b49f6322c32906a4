/**
 * The snapshot daemon of a volume on a node:
 *
 *     node snapd-host.js SPEC.json
 *
 * It serves `.snaps` to stock clients, over the brick's protocol: snapshot-tree.ts tells what there
 * is to see, snapshot-catalogue.ts where it comes from. It is a process of mortard's, and goes on
 * when that ends: open snapshots stay open, others wait for the next mortard.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { MortarClient } from "@mortar/api";
import { requireGfapi } from "@mortar/linux";
import { type RpcConnection, RpcServer } from "../glusterd/rpc-server.ts";
import { openLog } from "../log.ts";
import { listenForOwner } from "./control-socket.ts";
import { FopServices } from "./fop-services.ts";
import type { Session } from "./session.ts";
import { sessionServices } from "./session-services.ts";
import { SnapshotCatalogue } from "./snapshot-catalogue.ts";
import { SnapshotTree } from "./snapshot-tree.ts";
import { accessOf, type SnapdSpec } from "./snapd-spec.ts";

const CALLS_AT_ONCE = 32;
const CLIENTS_MAX = 10_000;

async function main(): Promise<void> {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error("usage: snapd-host.js SPEC.json");
  const spec = JSON.parse(readFileSync(file, "utf8")) as SnapdSpec;
  writeFileSync(spec.pidFile, `${process.pid}\n`);
  requireGfapi();
  let access = accessOf(spec, spec.volfile);
  const { log } = openLog("/dev/stderr", "info");
  const catalogue = new SnapshotCatalogue({
    volume: spec.volume,
    client: new MortarClient({ socketPath: spec.mortardSocket }),
    server: spec.address ?? "127.0.0.1",
    port: spec.managementPort,
    logFile: spec.clientLog,
    idleMs: spec.idleMs,
    log,
  });
  const sessions = new Map<RpcConnection, Session>();
  const fops = new FopServices({
    tree: new SnapshotTree(catalogue), catalogue, sessions, log,
    squashRule: () => access.squash,
  });
  const server = new RpcServer({
    services: [...sessionServices(() => access, sessions, log), ...fops.services()],
    log, connectionsMax: CLIENTS_MAX, atOnce: CALLS_AT_ONCE,
  });
  await server.listen(spec.address, spec.port);
  const status = () => ({
    pid: process.pid, port: spec.port, path: "/", volume: spec.volume, clients: sessions.size,
    openFiles: [...sessions.values()].reduce((sum, it) => sum + it.openCount, 0),
    uptimeSeconds: Math.round(process.uptime()),
    snapshots: catalogue.openOnes().map(({ name }) => name),
  });
  const stop = async (): Promise<void> => {
    await server.close();
    await catalogue.close();
    // There is nothing left to do, and threads that wait for bricks would hold up an orderly exit.
    process.kill(process.pid, "SIGKILL");
  };
  await listenForOwner(spec.controlSocket, ({ command, volfile }) => {
    if (command === "status" || command === "statedump") return status();
    if (command === "memory") return process.memoryUsage();
    if (command === "stop") return void setImmediate(() => void stop());
    if (command === "reconfigure") {
      access = accessOf(spec, String(volfile));
      return { needsRestart: [] };
    }
    throw new Error(`the snapshot daemon knows no ${String(command)}`);
  });
  process.once("SIGTERM", () => void stop());
  void catalogue.releaseLeftovers();
}

try {
  await main();
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
  process.exit(1);
}
