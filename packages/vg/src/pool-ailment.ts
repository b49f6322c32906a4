/** What is said of a pool that takes no changes, and what to type about it. */
import type { EngineStatus } from "@mortar/pool";

/** A sentence. `name`: VG/POOL. */
export function ailmentOf(name: string, engine: EngineStatus): string {
  const { mode, needsCheck, flushFailure } = engine;
  if (flushFailure !== undefined && !needsCheck) {
    const [vg = name] = name.split("/");
    return (
      `thin pool ${name} is read-only: a flush of its devices failed with ${flushFailure}, what ` +
      "was written since its last commit is in doubt. " +
      `Next: look at the disk (dmesg); vgchange -an ${vg}; vgchange -ay ${vg}`
    );
  }
  const state = needsCheck ? "needs a check of its metadata and is read-only" : `is ${mode}`;
  return `thin pool ${name} ${state}. Next: ${repairSteps(name)}`;
}

export function repairSteps(name: string): string {
  const [vg = name] = name.split("/");
  return `vgchange -an ${vg}; mortar pool check ${name}; mortar pool repair ${name}; vgchange -ay ${vg}`;
}
