/** How this node's thin pools are kept from running full: configuration, and Mortar's program. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readPoolSettings, type PoolPolicy } from "@mortar/vg";
import type { NodePaths } from "./paths.ts";

export function poolPolicyOf(paths: NodePaths): Partial<PoolPolicy> {
  const program = commandLineProgram();
  const words = ["--root", paths.root, "lvextend", "--use-policies"];
  return {
    ...readPoolSettings(paths.root),
    extendCommand: program === undefined ? [] : [process.execPath, program, ...words],
    backupDirectory: join(paths.stateDirectory, "pools"),
  };
}

/** Installed beside the daemon; where it is not, pools do not grow by themselves. */
export function commandLineProgram(): string | undefined {
  try {
    return join(dirname(fileURLToPath(import.meta.resolve("@mortar/cli"))), "main.js");
  } catch {
    return undefined;
  }
}
