/** Follows a task to its end: what a progress bar is drawn from. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "./answer.ts";
import { ApiError } from "./http-exchange.ts";
import { isTaskOver, type Task } from "./task.ts";

const LOOK_MS = 500;
/** A daemon that is started again is back by then. */
const AWAY_MS_MAX = 60_000;

export interface FollowTaskOptions {
  /** Told at once, and whenever something of it changed. */
  readonly onProgress?: (task: Task) => void;
  /** Ends the following, not the task. */
  readonly signal?: AbortSignal;
  readonly lookMs?: number;
}

/** What is asked: `MortarClient` is one. */
export interface TaskSource {
  taskInfo(task: string): Promise<Answer<Task>>;
}

/**
 * The task as it ended, with its result, or as it is when the signal came. A refusal is that of asking
 * for it. Throws `ApiError` when the daemon is away for longer than a minute.
 */
export async function followTask(
  client: TaskSource, id: string, { onProgress, signal, lookMs = LOOK_MS }: FollowTaskOptions = {},
): Promise<Answer<Task>> {
  let told = "";
  let heardMs = performance.now();
  for (;;) {
    const answer = await client.taskInfo(id).catch((error: unknown) => {
      const isAway = error instanceof ApiError && error.code === "connection-failed";
      if (isAway && performance.now() - heardMs < AWAY_MS_MAX) return undefined;
      throw error;
    });
    if (answer !== undefined) {
      heardMs = performance.now();
      if (!answer.ok) return answer;
      const text = JSON.stringify(answer.result);
      if (text !== told) onProgress?.(answer.result);
      told = text;
      if (isTaskOver(answer.result) || signal?.aborted === true) return answer;
    }
    await sleep(lookMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}
