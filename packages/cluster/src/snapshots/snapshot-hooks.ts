/**
 * Hooks around the moment of a snapshot, on the nodes that have its bricks: programs and guest agents that make what
 * uses the volume quiet, so that the snapshot is consistent for the application.
 *
 * A required hook that fails fails the snapshot; another one costs it the word "application". The
 * parts after are run as soon as the thin snapshots exist, and by each node's watchdog if nobody
 * asks for them.
 */
import type { Step } from "../command.ts";
import type { HookReport } from "./hold-effects.ts";
import type { NodeEffect, NodeEffectResult } from "../effect.ts";
import { CommandFailure, errno } from "../failure.ts";
import type { ClusterState, VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext } from "../steps.ts";

/** Longer than the hooks' own limits, and than what is done while they hold. */
const WATCHDOG_MS = 60_000;
const END_TRIES = 3;

export interface HookPlan {
  readonly snapshot: string;
  readonly volumes: readonly string[];
  readonly nodes: readonly string[];
}

/** What is kept in the snapshot's record. */
export interface HookResult {
  readonly node: string;
  readonly name: string;
  readonly error?: string;
}

export function hookPlan(snapshot: string, volumes: readonly VolumeDocument[]): HookPlan {
  const nodes = new Set(volumes.flatMap((it) => it.bricks.map((brick) => brick.node)));
  return { snapshot, volumes: volumes.map((it) => it.name), nodes: [...nodes] };
}

/** Throws `CommandFailure` when a required hook failed; the parts after are still to be run. */
export function* hooksBefore(context: CommandContext, plan: HookPlan): Step<HookResult[]> {
  const { snapshot, volumes, nodes } = plan;
  const outcomes = yield* attemptAll(
    nodes.map((node): NodeEffect<"hooksBefore"> => ({
      kind: "hooksBefore", node, snapshot, volumes, watchdogMs: WATCHDOG_MS,
    })),
  );
  const results: HookResult[] = [];
  const required: HookResult[] = [];
  outcomes.forEach((outcome, index) => {
    const node = hostOf(context.state, nodes[index]!);
    if (!outcome.ok) {
      results.push({ node, name: "hooks", error: outcome.error.message });
      return;
    }
    for (const report of outcome.value as NodeEffectResult<"hooksBefore">) {
      const result = resultOf(node, report);
      results.push(result);
      if (report.required && report.error !== undefined) required.push(result);
    }
  });
  if (required.length > 0) {
    const [first] = required;
    throw new CommandFailure(
      "effect-failed",
      errno.EG_INTRNL,
      `The hook ${first!.name} on ${first!.node} failed. The snapshot was not taken.`,
      required.map((it) => ({
        node: it.node,
        object: it.name,
        detail: it.error ?? "",
        nextStep: "Mend the hook, or say in mortar.json that it is not required.",
      })),
    );
  }
  return results;
}

/** *Idempotent*; also the undoing of an interrupted snapshot. */
export function hookEnds({ snapshot, nodes }: HookPlan): NodeEffect<"hooksAfter">[] {
  return nodes.map((node) => ({ kind: "hooksAfter", node, snapshot }));
}

/**
 * Gives the failures. A hook whose time was over before the snapshot existed is one: what it had
 * made quiet was awake again.
 */
export function* hooksAfter(context: CommandContext, plan: HookPlan): Step<HookResult[]> {
  const effects = hookEnds(plan);
  const outcomes = [...(yield* attemptAll(effects))];
  for (let tries = 1; tries < END_TRIES; tries++) {
    const failed = effects.filter((_, index) => outcomes[index]?.ok !== true);
    const again = yield* attemptAll(failed);
    failed.forEach((effect, index) => {
      outcomes[effects.indexOf(effect)] = again[index]!;
    });
  }
  return outcomes.flatMap((outcome, index): HookResult[] => {
    const node = hostOf(context.state, plan.nodes[index]!);
    if (!outcome.ok) return [{ node, name: "hooks", error: outcome.error.message }];
    const { held, reports } = outcome.value as NodeEffectResult<"hooksAfter">;
    const failed = reports.filter((it) => it.error !== undefined);
    const early = { node, name: "hooks", error: "their time was over before the snapshot was taken" };
    return [...failed.map((it) => resultOf(node, it)), ...(held ? [] : [early])];
  });
}

/** How they ended, for people; nothing when all is well. */
export function hookWarnings(results: readonly HookResult[]): string[] {
  return results.flatMap(({ node, name, error }) =>
    error === undefined ? [] : [`The hook ${name} on ${node} failed: ${error}`],
  );
}

function resultOf(node: string, { name, error }: HookReport): HookResult {
  return { node, name, ...(error === undefined ? {} : { error }) };
}

function hostOf(state: ClusterState, uuid: string): string {
  return state.nodes.get(uuid)?.document.hostname ?? uuid;
}
