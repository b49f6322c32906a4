/** The words that commands are written in: perform one effect, perform several, commit. */
import type { Detail, Step } from "./command.ts";
import type {
  EffectError, LocalEffectKind, LocalEffects, NodeEffect, NodeEffectKind, NodeEffectResult,
  Outcome, SingleEffect,
} from "./effect.ts";
import { stepsFailed } from "./failure.ts";
import type { Change, ClusterState } from "./state.ts";

/** What one run of a command has: the state as of its last commit, and what it has to say. */
export class CommandContext {
  state: ClusterState;
  readonly warnings: string[] = [];
  readonly details: Detail[] = [];
  constructor(state: ClusterState) {
    this.state = state;
  }
}

/** Throws `EffectError`. */
export function* perform<Kind extends NodeEffectKind>(
  effect: NodeEffect<Kind> & { readonly kind: Kind },
): Step<NodeEffectResult<Kind>> {
  return (yield effect as NodeEffect) as NodeEffectResult<Kind>;
}

export function* performLocal<Kind extends LocalEffectKind>(
  kind: Kind,
  args: LocalEffects[Kind]["args"],
): Step<LocalEffects[Kind]["result"]> {
  return (yield { kind, ...args } as SingleEffect) as LocalEffects[Kind]["result"];
}

/** In parallel; does not throw. */
export function* attemptAll(effects: readonly SingleEffect[]): Step<readonly Outcome[]> {
  if (effects.length === 0) return [];
  return (yield { kind: "all", effects }) as readonly Outcome[];
}

export function errorsOf(outcomes: readonly Outcome[]): EffectError[] {
  return outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.error]));
}

/** In parallel; waits for all of them, then throws a failure that names every one that failed. */
export function* performAll<Kind extends NodeEffectKind>(
  effects: readonly (NodeEffect<Kind> & { readonly kind: Kind })[],
): Step<NodeEffectResult<Kind>[]> {
  const outcomes = yield* attemptAll(effects as readonly unknown[] as readonly NodeEffect[]);
  const errors = errorsOf(outcomes);
  if (errors.length > 0) throw stepsFailed(errors);
  return outcomes.map((outcome) => (outcome as { value: NodeEffectResult<Kind> }).value);
}

/**
 * One transaction; the context has the new state afterwards. It does not return when the
 * transaction did not succeed: the driver gives the command up then, for `recover` to settle.
 */
export function* commit(context: CommandContext, changes: readonly Change[]): Step<void> {
  context.state = (yield { kind: "commit", changes }) as ClusterState;
}

/** For the log and for listeners. */
export function* event(name: string, fields: Readonly<Record<string, string>>): Step<void> {
  yield* attemptAll([{ kind: "event", name, fields }]);
}

export function* newUuids(count: number): Step<readonly string[]> {
  return yield* performLocal("uuids", { count });
}
