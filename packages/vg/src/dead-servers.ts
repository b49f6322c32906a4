/** Servers that left their run directory behind: killed together with their holder, or by a reboot. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { connectPool } from "@mortar/pool";

/** Their run directories. A server that ends in order removes its own. */
export async function deadServers(runDirectory: string): Promise<string[]> {
  const pools = join(runDirectory, "pools");
  if (!existsSync(pools)) return [];
  const dead: string[] = [];
  for (const name of readdirSync(pools).sort()) {
    const directory = join(pools, name);
    if (!existsSync(join(directory, "spec.json"))) continue;
    if ((await connectPool(directory)) === undefined) dead.push(directory);
  }
  return dead;
}
