/** All servers below a run directory: those that are dead, and replacing those that live. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { connectPool, replaceProcesses, type ReplacedProcesses } from "@mortar/pool";

/**
 * Run directories that a server left behind: killed together with its holder, or by a reboot. One
 * that ends in order removes its own.
 */
export async function deadServers(runDirectory: string): Promise<string[]> {
  const dead: string[] = [];
  for (const directory of serverDirectories(runDirectory)) {
    if ((await connectPool(directory)) === undefined) dead.push(directory);
  }
  return dead;
}

export type ReplacedServer = { readonly directory: string } & (
  | { readonly ok: true; readonly processes: ReplacedProcesses }
  | { readonly ok: false; readonly reason: string }
);

/** Have each server that runs replaced by one of this installation, one after the other. */
export async function* replaceServers(runDirectory: string): AsyncGenerator<ReplacedServer> {
  for (const directory of serverDirectories(runDirectory)) {
    if ((await connectPool(directory)) === undefined) continue;
    try {
      yield { directory, ok: true, processes: await replaceProcesses(directory) };
    } catch (error) {
      yield { directory, ok: false, reason: (error as Error).message };
    }
  }
}

function serverDirectories(runDirectory: string): string[] {
  const pools = join(runDirectory, "pools");
  if (!existsSync(pools)) return [];
  const directories = readdirSync(pools).sort().map((name) => join(pools, name));
  return directories.filter((directory) => existsSync(join(directory, "spec.json")));
}
