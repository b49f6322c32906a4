/**
 * The driver: runs commands against a host.
 *
 * Invariants:
 * - Commands that change something run one after the other; questions run at once, each against
 *   the state of the moment it began.
 * - A commit that was not acknowledged ends its command then and there, undoing nothing: whether
 *   it happened is only known from the store. The state is read again and intents are settled
 *   before the next command that changes something. An intent is in the store exactly when its
 *   command's commit point is not, so this decides rightly.
 * - A host that throws anything but `EffectError` is taken for a death of the coordinator: the
 *   command's `finally` blocks do not run.
 */
import type {
  Answer,
  CommandArgs,
  CommandName,
  CommandPayload,
  RecoveryReport,
  Step,
} from "./command.ts";
import { commands } from "./commands.ts";
import { type Effect, EffectError, type Outcome, type SingleEffect } from "./effect.ts";
import { answerOf, COMMIT_FAILED, detailOf, errno } from "./failure.ts";
import { applyChanges } from "./key-space.ts";
import { CommandContext } from "./steps.ts";
import { text } from "./stock-text.ts";
import type { Change, ClusterState } from "./state.ts";

export type CommitResult =
  | { readonly committed: true; readonly revision: number }
  | { readonly committed: false };

/** What the daemon hands in. */
export interface Host {
  /** All documents, from the store. */
  load(): Promise<ClusterState>;
  /** Performs one effect; rejects with `EffectError`. */
  perform(effect: SingleEffect): Promise<unknown>;
  /**
   * One transaction. Resolves after it is durable, `revision` being what every key put by it now
   * has. A conflict changed nothing. Rejecting means that the outcome is not known.
   */
  commit(changes: readonly Change[]): Promise<CommitResult>;
}

/** A command ended without knowing whether its commit succeeded. */
class CommitLost extends Error {
  override readonly name = "CommitLost";
  readonly error: EffectError;
  constructor(error: EffectError) {
    super(error.message);
    this.error = error;
  }
}

export class Coordinator {
  readonly #host: Host;
  #state: ClusterState;
  /** The tail of the queue of changing commands. */
  #tail: Promise<unknown> = Promise.resolve();
  #stateInDoubt = false;

  private constructor(host: Host, state: ClusterState) {
    this.#host = host;
    this.#state = state;
  }

  /** Reads the state. Run `recover` and then `bringUp` next. */
  static async open(host: Host): Promise<Coordinator> {
    return new Coordinator(host, await host.load());
  }

  /** As of the last commit. */
  get state(): ClusterState {
    return this.#state;
  }

  /** To be called when somebody else may have changed the store. */
  invalidate(): void {
    this.#stateInDoubt = true;
  }

  run<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
  ): Promise<Answer<CommandPayload<Name>>> {
    if (!commands[name].changes) return this.#answer(name, args);
    const turn = this.#tail.then(() => this.#change(name, args));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async #change<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
  ): Promise<Answer<CommandPayload<Name>>> {
    if (this.#stateInDoubt) {
      const refusal = await this.#clearDoubt();
      if (refusal !== undefined) return refusal;
    }
    return this.#answer(name, args);
  }

  async #answer<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
  ): Promise<Answer<CommandPayload<Name>>> {
    const context = new CommandContext(this.#state);
    const { run } = commands[name];
    try {
      return await this.#drive(answerOf(context, run(context, args)));
    } catch (error) {
      // Whatever ended the command, its intent may be left: it is settled before the next one.
      if (commands[name].changes) this.#stateInDoubt = true;
      if (!(error instanceof CommitLost)) throw error;
      return commitLostAnswer(error.error, context);
    }
  }

  async #clearDoubt(): Promise<Extract<Answer<never>, { ok: false }> | undefined> {
    try {
      this.#state = await this.#host.load();
    } catch (cause) {
      const message = `The state cannot be read: ${(cause as Error).message}`;
      const where = { node: this.#state.self, object: "state", cause };
      const context = new CommandContext(this.#state);
      return commitLostAnswer(new EffectError("store", message, where), context);
    }
    this.#stateInDoubt = false;
    const answer: Answer<RecoveryReport> = await this.#answer("recover", {});
    if (answer.ok || !this.#stateInDoubt) return undefined;
    return answer;
  }

  async #drive<Result>(steps: Step<Result>): Promise<Result> {
    let next = steps.next();
    while (next.done !== true) {
      const outcome = await this.#outcome(next.value);
      next = outcome.ok ? steps.next(outcome.value) : steps.throw(outcome.error);
    }
    return next.value;
  }

  async #outcome(effect: Effect): Promise<Outcome> {
    if (effect.kind === "commit") {
      return { ok: true, value: await this.#commit(effect.changes) };
    }
    if (effect.kind === "all") {
      const all = effect.effects.map((single) => this.#perform(single));
      return { ok: true, value: await Promise.all(all) };
    }
    return this.#perform(effect);
  }

  async #perform(effect: SingleEffect): Promise<Outcome> {
    try {
      return { ok: true, value: await this.#host.perform(effect) };
    } catch (error) {
      if (error instanceof EffectError) return { ok: false, error };
      throw error;
    }
  }

  async #commit(changes: readonly Change[]): Promise<ClusterState> {
    const where = { node: this.#state.self, object: changes.map((it) => it.key).join(", ") };
    let result;
    try {
      result = await this.#host.commit(changes);
    } catch (cause) {
      const message = `The state could not be written: ${(cause as Error).message}`;
      throw new CommitLost(new EffectError("store", message, { ...where, cause }));
    }
    if (!result.committed) {
      const message = "The state was changed by another command meanwhile.";
      throw new CommitLost(new EffectError("conflict", message, where));
    }
    this.#state = applyChanges(this.#state, changes, result.revision);
    return this.#state;
  }
}

function commitLostAnswer(
  error: EffectError,
  context: CommandContext,
): Extract<Answer<never>, { ok: false }> {
  const conflict = error.code === "conflict";
  return {
    ok: false,
    code: conflict ? "busy" : "effect-failed",
    opErrno: conflict ? errno.EG_ANOTRANS : errno.EG_INTRNL,
    opErrstr: conflict ? text.anotherTransaction() : COMMIT_FAILED,
    warnings: context.warnings,
    details: [detailOf(error), ...context.details],
  };
}
