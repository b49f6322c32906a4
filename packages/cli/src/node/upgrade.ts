/**
 * `mortar upgrade`: this installation takes over what another one runs. Pools first, whose clients
 * see no more than a pause; then mortard, which is in nobody's way.
 */
import { basename } from "node:path";
import { replaceServers } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { nodeStatusOf, runDirectoryOf, startDaemon, waitForEnd } from "./daemon.ts";
import { servedBy } from "./served.ts";
import { upgradeBricks } from "./upgrade-bricks.ts";
import { checkOptions, type NodeContext, VerbError } from "./verb.ts";

const END_MS_MAX = 120_000;

export async function upgrade(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  checkOptions(args, "upgrade", ["--bricks"]);
  const failures: string[] = [];
  const pools: object[] = [];
  for await (const replaced of replaceServers(runDirectoryOf(root))) {
    const name = basename(replaced.directory);
    if (!replaced.ok) {
      failures.push(`pool ${name}: ${replaced.reason}`);
      continue;
    }
    const { before, after } = replaced.processes;
    pools.push({ name, before, after });
    io.stdout.write(
      `pool ${name}: version ${before.version} -> ${after.version}, ` +
        `server ${before.serverPid} -> ${after.serverPid}, ` +
        `holder ${before.holderPid} -> ${after.holderPid}\n`,
    );
  }
  if (failures.length > 0) {
    const lines = failures.map((line) => `  ${line}`).join("\n");
    throw new VerbError(
      `the old version goes on, mortard as well.\n${lines}`,
      "look at the log that is named, then: mortar upgrade",
    );
  }
  io.tell?.({ pools });
  await refreshPools(root);
  await upgradeDaemon(root, io);
  if (args.includes("--bricks")) await upgradeBricks(root, io);
  return 0;
}

/** What a server calls when its pool fills up is a program of the installation that started it. */
async function refreshPools(root: string): Promise<void> {
  const { lvs, groups } = await servedBy(root, undefined);
  const pools = lvs.filter(({ kind, servedHere }) => kind === "thin-pool" && servedHere);
  for (const vg of new Set(pools.map((pool) => pool.vg))) await groups.refreshPools(vg);
}

/** SIGTERM ends the daemon alone. The unit of systemd is of the version that installed it. */
async function upgradeDaemon(root: string, io: CliIo): Promise<void> {
  const before = await nodeStatusOf(root);
  if (before === undefined) return;
  process.kill(before.pid, "SIGTERM");
  if (!(await waitForEnd(before.pid, END_MS_MAX))) {
    throw new VerbError(
      `mortard (pid ${before.pid}) has not ended after ${END_MS_MAX / 1000} s.`,
      `look at ${before.logDirectory}/mortard.log`,
    );
  }
  const after = await startDaemon(root);
  io.tell?.({
    mortard: {
      before: { version: before.version, pid: before.pid }, after: { version: after.version, pid: after.pid },
    },
  });
  io.stdout.write(
    `mortard: version ${before.version} -> ${after.version}, pid ${before.pid} -> ${after.pid}\n`,
  );
}
