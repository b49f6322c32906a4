import { Worker } from "node:worker_threads";
import { LANE_COUNT } from "./lane-words.ts";
import type { ExecutorSetup } from "./worker-messages.ts";

/** They hold nothing but a loop: the smallest heap will do. */
const LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 };

/** One executor for each lane; without them the worker does all by itself. */
export function startExecutors(
  shared: SharedArrayBuffer,
  flushFailure: string,
  died: (reason: string) => void,
): void {
  for (let lane = 0; lane < LANE_COUNT; lane++) {
    const executor = new Worker(new URL("./executor-host.js", import.meta.url), {
      workerData: { lane, shared, flushFailure } satisfies ExecutorSetup,
      resourceLimits: LIMITS,
    });
    executor.on("error", (error) => died(`executor ${lane}: ${error.stack ?? error.message}`));
    executor.on("exit", (code) => died(`executor ${lane} ended with code ${code}`));
  }
}
