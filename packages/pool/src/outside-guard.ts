/**
 * The guard of a pool that another engine carries, such as the kernel: it is asked how full it is
 * again and again, for it tells nobody. Events and the command that extends the pool are the same
 * as with a server of our own.
 */
import type { ControlReply } from "./control.ts";
import { PoolGuard } from "./pool-guard.ts";
import { runFiles } from "./run-directory.ts";
import type { ThinPoolSpec } from "./spec.ts";
import type { EngineStatus } from "./status.ts";
import type { PoolFill } from "./worker-messages.ts";

/** Returns what looks at the pool once. `directory`: RUN/pools/VG-POOL, for its name and events. */
export function outsideGuard(
  directory: string,
  spec: () => ThinPoolSpec,
  status: () => Promise<EngineStatus>,
): () => Promise<void> {
  const ask = async (): Promise<ControlReply> => {
    let pool: EngineStatus;
    try {
      pool = await status();
    } catch (error) {
      // It is going, or suspended for a moment; the next look tells.
      const message = error instanceof Error ? error.message : String(error);
      return { ok: false, code: "unreachable", message };
    }
    const waiting = pool.mode === "out-of-data-space" ? 1 : 0;
    const result: PoolFill = { pool, waiting, timedOut: false };
    return { ok: true, result };
  };
  const guard = new PoolGuard(runFiles(directory), spec, ask);
  return async () => void (await guard.commit());
}
