/**
 * The driver: runs commands against a host. Each node has one; they share the store.
 *
 * Invariants:
 * - Commands that change something run one after the other, over all nodes: each holds the turn,
 *   and starts from all that was committed before. Questions run at once, each against the state
 *   of the moment it began.
 * - An intent that is found when the turn was taken belongs to nobody alive: it is settled first.
 * - A commit that was not acknowledged, or a turn that was lost, ends its command then and there,
 *   undoing nothing: whether it happened is only known from the store. The state is read again
 *   and intents are settled before the next command that changes something. An intent is in the
 *   store exactly when its command's commit point is not, so this decides rightly.
 * - Each revision is applied to the state once, whether its commit or the watch is first.
 * - A host that throws anything but `EffectError` is taken for a death of the coordinator: the
 *   command's `finally` blocks do not run.
 */
import type { Answer, CommandArgs, CommandName, CommandPayload, Step } from "./command.ts";
import type { RecoveryReport } from "./nodes/node-command.ts";
import { commands } from "./commands.ts";
import { type Effect, EffectError, type Outcome, type SingleEffect } from "./effect.ts";
import { answerOf, COMMIT_FAILED, detailOf, errno } from "./failure.ts";
import { applyChanges, applyTold, newestRevision, type ToldChange } from "./key-space.ts";
import { CommandContext } from "./steps.ts";
import { text } from "./stock-text.ts";
import type { Change, ClusterState } from "./state.ts";

export type CommitResult =
  | { readonly committed: true; readonly revision: number }
  | { readonly committed: false };

/** What only one command of all nodes has at a time. */
export interface Turn {
  /** Greater than that of every turn before. */
  readonly token: number;
  /** Somebody else may have it now. */
  isLost(): boolean;
  release(): Promise<void>;
}

/** What the daemon hands in. */
export interface Host {
  /** All documents, from the store. */
  load(): Promise<ClusterState>;
  /** Resolves when `told` has heard of all that was committed, anywhere, before the call. */
  catchUp(): Promise<void>;
  /** Rejects with `EffectError`: `busy` when another command has it for too long, or `store`. */
  turn(command: string): Promise<Turn>;
  /**
   * Performs one effect; rejects with `EffectError`. Of a question there is no token; a node
   * refuses a token that is lower than one it has seen.
   */
  perform(effect: SingleEffect, token: number | undefined): Promise<unknown>;
  /**
   * One transaction, if the turn is still held. Resolves after it is durable, `revision` being
   * what every key put by it now has. A conflict changed nothing. Rejecting means that the
   * outcome is not known.
   */
  commit(changes: readonly Change[], turn: Turn): Promise<CommitResult>;
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

/** What a command runs with; questions have no turn. */
interface Run {
  readonly context: CommandContext;
  readonly turn: Turn | undefined;
}

type Refusal = Extract<Answer<never>, { ok: false }>;

/** Transactions of other nodes that came while the state was read. */
interface Told {
  readonly revision: number;
  readonly changes: readonly ToldChange[];
}

export class Coordinator {
  readonly #host: Host;
  #state: ClusterState;
  /** Of the last transaction that is in the state. */
  #revision: number;
  /** The tail of the queue of changing commands. */
  #tail: Promise<unknown> = Promise.resolve();
  #stateInDoubt = false;
  #toldMeanwhile: Told[] | undefined;
  /** Intents that could not be settled when it was tried last: not tried at every command. */
  #pending: ReadonlySet<string> = new Set();

  private constructor(host: Host, state: ClusterState) {
    this.#host = host;
    this.#state = state;
    this.#revision = newestRevision(state);
  }

  /** Reads the state. Run `recover` and then `bringUp` next. */
  static async open(host: Host): Promise<Coordinator> {
    return new Coordinator(host, await host.load());
  }

  /** As of the last commit that was heard of. */
  get state(): ClusterState {
    return this.#state;
  }

  /** To be called when somebody else may have changed the store and was not told of. */
  invalidate(): void {
    this.#stateInDoubt = true;
  }

  /** To be called when the store is another one. Throws what `load` throws. */
  async reload(): Promise<void> {
    this.#revision = 0;
    await this.#load();
  }

  /** A transaction of the store, of this node's or of another's commands, in order. */
  told(revision: number, changes: readonly ToldChange[]): void {
    if (this.#toldMeanwhile !== undefined) {
      this.#toldMeanwhile.push({ revision, changes });
      return;
    }
    if (revision <= this.#revision) return;
    try {
      this.#state = applyTold(this.#state, changes, revision);
      this.#revision = revision;
    } catch {
      // A document of a newer version: reading all says which one, to whoever asks next.
      this.#stateInDoubt = true;
    }
  }

  run<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
  ): Promise<Answer<CommandPayload<Name>>> {
    if (!commands[name].changes) return this.#answer(name, args, undefined);
    const change = this.#tail.then(() => this.#change(name, args));
    this.#tail = change.catch(() => undefined);
    return change;
  }

  /**
   * Work that must meet no command of any node, after what was interrupted is settled as far as it
   * can be. Rejects with `EffectError` when there is no turn to be had.
   */
  alone<Result>(name: string, work: (turn: Turn) => Promise<Result>): Promise<Result> {
    const run = this.#tail.then(async () => {
      const turn = await this.#host.turn(name);
      try {
        const refusal = await this.#prepare(turn, true);
        if (refusal === undefined) return await work(turn);
        const where = { node: this.#state.self, object: "state" };
        throw new EffectError("store", refusal.details[0]?.detail ?? refusal.opErrstr, where);
      } finally {
        await turn.release();
      }
    });
    this.#tail = run.catch(() => undefined);
    return run;
  }

  async #change<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
  ): Promise<Answer<CommandPayload<Name>>> {
    let turn: Turn;
    try {
      turn = await this.#host.turn(name);
    } catch (error) {
      if (error instanceof EffectError) return turnRefused(error);
      throw error;
    }
    try {
      const refusal = await this.#prepare(turn, name !== "recover");
      if (refusal !== undefined) return refusal;
      const answer = await this.#answer(name, args, turn);
      // What this command left has just been tried.
      if (!this.#stateInDoubt) this.#pending = new Set(this.#state.intents.keys());
      return answer;
    } finally {
      await turn.release();
    }
  }

  async #answer<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
    turn: Turn | undefined,
  ): Promise<Answer<CommandPayload<Name>>> {
    const context = new CommandContext(this.#state);
    const { run } = commands[name];
    try {
      return await this.#drive(answerOf(context, run(context, args)), { context, turn });
    } catch (error) {
      // Whatever ended the command, its intent may be left: it is settled before the next one.
      if (commands[name].changes) this.#stateInDoubt = true;
      if (!(error instanceof CommitLost)) throw error;
      return commitLostAnswer(error.error, context);
    }
  }

  /** The state as of now, and nothing of a dead coordinator in it that can be settled. */
  async #prepare(turn: Turn, settles: boolean): Promise<Refusal | undefined> {
    try {
      await this.#host.catchUp();
      if (this.#stateInDoubt) await this.#load();
    } catch (cause) {
      this.#stateInDoubt = true;
      const message = `The state cannot be read: ${(cause as Error).message}`;
      const where = { node: this.#state.self, object: "state", cause };
      const context = new CommandContext(this.#state);
      return commitLostAnswer(new EffectError("store", message, where), context);
    }
    if (!settles) return undefined;
    const left = [...this.#state.intents.keys()].some((id) => !this.#pending.has(id));
    if (!left) return undefined;
    const answer: Answer<RecoveryReport> = await this.#answer("recover", {}, turn);
    if (!answer.ok && this.#stateInDoubt) return answer;
    this.#pending = new Set(this.#state.intents.keys());
    return undefined;
  }

  async #load(): Promise<void> {
    this.#toldMeanwhile = [];
    let told: Told[] = [];
    try {
      this.#state = await this.#host.load();
      this.#revision = Math.max(this.#revision, newestRevision(this.#state));
      this.#stateInDoubt = false;
      this.#pending = new Set();
    } finally {
      told = this.#toldMeanwhile;
      this.#toldMeanwhile = undefined;
    }
    for (const { revision, changes } of told) this.told(revision, changes);
  }

  async #drive<Result>(steps: Step<Result>, run: Run): Promise<Result> {
    let next = steps.next();
    while (next.done !== true) {
      const outcome = await this.#outcome(next.value, run);
      next = outcome.ok ? steps.next(outcome.value) : steps.throw(outcome.error);
    }
    return next.value;
  }

  async #outcome(effect: Effect, run: Run): Promise<Outcome> {
    this.#endWhenLost(run);
    if (effect.kind === "commit") {
      return { ok: true, value: await this.#commit(effect.changes, run) };
    }
    if (effect.kind === "all") {
      const all = effect.effects.map((single) => this.#perform(single, run));
      return { ok: true, value: await Promise.all(all) };
    }
    return this.#perform(effect, run);
  }

  #endWhenLost({ turn }: Run): void {
    if (turn?.isLost() !== true) return;
    const message = "The turn of this command was lost: the state could not be reached in time.";
    throw new CommitLost(new EffectError("store", message, this.#where("state")));
  }

  async #perform(effect: SingleEffect, { turn }: Run): Promise<Outcome> {
    try {
      return { ok: true, value: await this.#host.perform(effect, turn?.token) };
    } catch (error) {
      if (error instanceof EffectError) return { ok: false, error };
      throw error;
    }
  }

  async #commit(changes: readonly Change[], { turn }: Run): Promise<ClusterState> {
    const where = this.#where(changes.map((it) => it.key).join(", "));
    let result;
    try {
      if (turn === undefined) throw new Error("A question changes nothing");
      result = await this.#host.commit(changes, turn);
    } catch (cause) {
      const message = `The state could not be written: ${(cause as Error).message}`;
      throw new CommitLost(new EffectError("store", message, { ...where, cause }));
    }
    if (!result.committed) {
      const message = "The state was changed by another command meanwhile.";
      throw new CommitLost(new EffectError("conflict", message, where));
    }
    if (result.revision > this.#revision) {
      this.#state = applyChanges(this.#state, changes, result.revision);
      this.#revision = result.revision;
    }
    return this.#state;
  }

  #where(object: string): { readonly node: string; readonly object: string } {
    return { node: this.#state.self, object };
  }
}

function turnRefused(error: EffectError): Refusal {
  const busy = error.code === "busy";
  return {
    ok: false,
    code: busy ? "busy" : "no-majority",
    opErrno: busy ? errno.EG_ANOTRANS : errno.EG_INTRNL,
    opErrstr: busy ? text.anotherTransaction() : text.noMajority(),
    warnings: [],
    details: [detailOf(error)],
  };
}

function commitLostAnswer(error: EffectError, context: CommandContext): Refusal {
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
