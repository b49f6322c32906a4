/** `mortar status`: the daemon, its bricks, the pools below them, and who has mounted what. */
import type { NodeStatus } from "@mortar/api";
import { readPoolEvents, type PoolEvent, type PoolStatusOfVg } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { table } from "../table.ts";
import { nodeStatusOf, runDirectoryOf } from "./daemon.ts";
import { eventLine } from "./events.ts";
import type { Mount } from "./mounts.ts";
import { type Served, servedBy } from "./served.ts";
import { checkOptions, type NodeContext } from "./verb.ts";

const EVENTS_READ = 50;
const EVENTS_SHOWN = 3;

export async function status(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  checkOptions(args, "status", ["--json"]);
  const node = await nodeStatusOf(root);
  const served = await servedBy(root, node);
  const pools = await poolsOf(served);
  const happened = readPoolEvents(runDirectoryOf(root), EVENTS_READ);
  const exitCode = node === undefined || served.dead.length > 0 ? 1 : 0;
  if (args.includes("--json")) {
    const mounts = [
      ...served.lvMounts.map(({ mount, lv }) => ({ ...mount, vg: lv.vg, lv: lv.lv })),
      ...served.clientMounts,
    ];
    const told = { node: node ?? null, pools, dead: served.dead, mounts, events: happened };
    io.stdout.write(`${JSON.stringify(told, undefined, 2)}\n`);
    return exitCode;
  }
  io.stdout.write(
    daemonText(node, root) +
      bricksText(node) +
      poolsText(pools) +
      eventsText(happened) +
      served.dead.map((directory) => `\n${deadText(directory)}\n`).join("") +
      mountsText(served),
  );
  return exitCode;
}

async function poolsOf(served: Served): Promise<PoolStatusOfVg[]> {
  const pools: PoolStatusOfVg[] = [];
  for (const { vg, lv, kind } of served.lvs) {
    if (kind !== "thin-pool") continue;
    const pool = await served.groups.poolStatus({ vg, pool: lv });
    if (pool !== undefined) pools.push(pool);
  }
  return pools;
}

function daemonText(node: NodeStatus | undefined, root: string): string {
  if (node === undefined) {
    const option = root === "/" ? "" : ` --root ${root}`;
    return `mortard is not running. Next: mortar${option} up\n`;
  }
  const since = new Date(node.startedAt * 1000).toISOString().replace("T", " ").slice(0, 19);
  return (
    `mortard ${node.version} runs: pid ${node.pid}, since ${since} UTC\n` +
    `node ${node.host} (${node.uuid}), port ${node.glusterPort} on ${node.address}\n` +
    `volumes ${node.volumeCount}, snapshots ${node.snapshotCount}, ` +
    `clients ${node.glusterClients}\n` +
    majorityText(node)
  );
}

/** Only when something is wrong. */
function majorityText({ clusterState }: NodeStatus): string {
  if (clusterState === undefined || clusterState.writable) return "";
  return `The state of the cluster cannot be changed. ${clusterState.reason ?? ""}\n`;
}

function bricksText(node: NodeStatus | undefined): string {
  if (node === undefined || node.bricks.length === 0) return "";
  const rows = node.bricks.map((brick) => [
    brick.snapshot === undefined ? brick.volume : `${brick.volume} (snapshot ${brick.snapshot})`,
    brick.path,
    brick.reason === undefined ? brick.state : `${brick.state}: ${brick.reason}`,
    String(brick.port ?? "-"),
    String(brick.pid ?? "-"),
    String(brick.restarts),
  ]);
  return `\n${table([["VOLUME", "BRICK", "STATE", "PORT", "PID", "RESTARTS"], ...rows])}`;
}

function poolsText(pools: readonly PoolStatusOfVg[]): string {
  if (pools.length === 0) return "";
  const rows = pools.map((pool) => [
    `${pool.vg}/${pool.pool}`,
    modeOf(pool),
    percent(pool.dataPercent),
    percent(pool.metadataPercent),
    String(pool.serverPid ?? "-"),
    pool.serverVersion ?? "-",
  ]);
  return `\n${table([["THIN POOL", "MODE", "DATA", "METADATA", "PID", "VERSION"], ...rows])}`;
}

function modeOf({ mode, needsCheck, flushFailure }: PoolStatusOfVg): string {
  const failed = flushFailure === undefined ? "" : `, a flush failed (${flushFailure})`;
  return `${mode ?? "?"}${failed}${needsCheck ? ", needs check" : ""}`;
}

/** The last few that an operator should have seen. */
function eventsText(happened: readonly PoolEvent[]): string {
  const told = happened.filter(({ severity }) => severity !== "note").slice(-EVENTS_SHOWN);
  return told.length === 0 ? "" : `\n${told.map((event) => `${eventLine(event)}\n`).join("")}`;
}

function deadText(directory: string): string {
  return (
    `The pool of ${directory} is dead: its server and holder were killed together. What was ` +
    "acknowledged is on its disk. Next: mortar down; mortar up"
  );
}

function percent(value: number | undefined): string {
  return value === undefined ? "-" : `${value.toFixed(2)}%`;
}

function mountsText({ lvMounts, clientMounts }: Served): string {
  if (lvMounts.length + clientMounts.length === 0) return "";
  const row = (mount: Mount, what: string) => [mount.point, mount.type, what];
  const rows = [
    ...lvMounts.map(({ mount, lv }) => row(mount, `${lv.vg}/${lv.lv}`)),
    ...clientMounts.map((mount) => row(mount, mount.source)),
  ];
  return `\n${table([["MOUNT", "TYPE", "OF"], ...rows])}`;
}
