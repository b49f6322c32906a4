/** How this node's thin pools are kept from running full: configuration, and this program. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readPoolSettings, type PoolPolicy } from "@mortar/vg";

const PROGRAM = fileURLToPath(new URL("../main.js", import.meta.url));

export function poolPolicyOf(root: string): Partial<PoolPolicy> {
  return {
    ...readPoolSettings(root),
    extendCommand: [process.execPath, PROGRAM, "--root", root, "lvextend", "--use-policies"],
    backupDirectory: join(root, "var/lib/mortar/pools"),
  };
}
