/**
 * A client for a person at a terminal: what takes long is asked for as a task, and followed with a progress line. Its
 * answer is the one that the route gives anyway.
 *
 * Only operations that have ended when they answer: those that go on behind their answer are not waited for.
 */
import {
  type Answer, ApiError, type CallInput, followTask, MortarClient, type MortarClientOptions, type Result,
  type RouteName, type Task,
} from "@mortar/api";
import type { Output } from "./io.ts";
import { ProgressLine } from "./progress-line.ts";
import type { Terminal } from "./style.ts";

const LOOK_MS = 200;
const titles: { readonly [N in RouteName]?: string } = {
  brickCreate: "brick create", brickPlace: "volume create", snapshotDeleteMany: "snapshot delete",
  snapshotFileRestore: "snapshot restore-file", snapshotRestore: "snapshot restore", schedulePrune: "snapshot prune",
};

export function clientFor(options: MortarClientOptions, output: Output & Terminal): MortarClient {
  return output.isTTY === true ? new WatchedClient(options, output) : new MortarClient(options);
}

class WatchedClient extends MortarClient {
  readonly #output: Output & Terminal;

  constructor(options: MortarClientOptions, output: Output & Terminal) {
    super(options);
    this.#output = output;
  }

  override async call<N extends RouteName>(name: N, input: CallInput<N>): Promise<Answer<Result<N>>> {
    const title = titles[name];
    if (title === undefined || !isLong(input)) return await super.call(name, input);
    const begun = await this.startTask(name, input);
    if (!begun.ok) return begun;
    const line = new ProgressLine(title, this.#output);
    try {
      const ended = await followTask(this, begun.result.id, {
        lookMs: LOOK_MS, onProgress: ({ progress }) => progress === undefined || line.tell(progress),
      });
      return ended.ok ? answerOf(ended.result) : ended;
    } finally {
      line.end();
    }
  }
}

/** A plan is made at once; and what is about all volumes may have an answer that is too long for a task to keep. */
function isLong({ body }: { readonly body?: unknown }): boolean {
  const { dryRun = false, all = false } = (body ?? {}) as { readonly dryRun?: boolean; readonly all?: boolean };
  return !dryRun && !all;
}

/** As the route would have answered. Throws ApiError where nothing more is known than that it ended. */
function answerOf<T>({ id, state, sentence, result, problem, warnings = [], details = [] }: Task): Answer<T> {
  if (problem !== undefined) return { ok: false, problem };
  if (state !== "done" || result === undefined) {
    throw new ApiError("bad-answer", `${sentence}: the task ${id} is ${state}, and nothing more is known of it.`);
  }
  return { ok: true, result: result as T, warnings, details };
}
