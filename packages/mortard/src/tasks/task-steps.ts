/**
 * What a command does for a task, step by step: each effect on a node is one. Which task it is for is
 * carried along the command's own calls, so that commands know nothing of tasks.
 *
 * A task that is to be cancelled has the next effect of a kind that makes something refused. For
 * the command that is the failure of a disk: it undoes what it made, as it always does. Nothing that
 * releases, thaws or removes is ever refused.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { EffectError, type NodeEffect } from "@mortar/cluster";

/** They make what is removed again when the command fails. */
const making: ReadonlySet<NodeEffect["kind"]> = new Set<NodeEffect["kind"]>([
  "makeBrickStorage", "makeBareLv",
]);

export class TaskSteps {
  #done = 0;
  #note: string | undefined;
  #isCancelled = false;
  #isRefused = false;

  get done(): number {
    return this.#done;
  }

  get note(): string | undefined {
    return this.#note;
  }

  /** An effect was refused since it is to be cancelled. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  cancel(): void {
    this.#isCancelled = true;
  }

  begins(effect: NodeEffect): void {
    this.#note = effect.kind;
    if (!this.#isCancelled || this.#isRefused || !making.has(effect.kind)) return;
    this.#isRefused = true;
    throw new EffectError("failed", "The task was cancelled", {
      node: effect.node, object: effect.kind,
    });
  }

  ended(): void {
    this.#done += 1;
  }
}

const current = new AsyncLocalStorage<TaskSteps>();

export function withSteps<T>(steps: TaskSteps, work: () => Promise<T>): Promise<T> {
  return current.run(steps, work);
}

/** Around an effect of a command that has the turn. */
export async function asStep<T>(effect: NodeEffect, perform: () => Promise<T>): Promise<T> {
  const steps = current.getStore();
  if (steps === undefined) return await perform();
  steps.begins(effect);
  try {
    return await perform();
  } finally {
    steps.ended();
  }
}
