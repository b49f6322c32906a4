/**
 * Intents: how a command that dies half-way is finished or undone.
 *
 * An intent is committed before the first effect that outlives its command. It holds, as data,
 * either the undoing of the command (whose commit point removes it: intent in the store = not
 * committed = undo) or the rest of the work (delete: once begun it is finished). All its effects
 * are idempotent. While an intent is in the store no other command touches what it holds.
 */
import type { Detail, Step } from "./command.ts";
import type { EffectError, NodeEffect } from "./effect.ts";
import { CommandFailure, detailOf, errno } from "./failure.ts";
import { changeOf, revisionOf } from "./key-space.ts";
import { type Change, type IntentDocument, SCHEMA } from "./state.ts";
import {
  attemptAll,
  commit,
  type CommandContext,
  errorsOf,
  newUuids,
  performLocal,
} from "./steps.ts";
import { text } from "./stock-text.ts";

type IntentDraft = Omit<IntentDocument, "schema" | "id" | "startedAtMs">;

/** The document, to be committed by the caller, together with other changes if it likes. */
export function* draftIntent(draft: IntentDraft): Step<IntentDocument> {
  const [id = ""] = yield* newUuids(1);
  const { nowMs } = yield* performLocal("clock", {});
  return { schema: SCHEMA, id, startedAtMs: nowMs, ...draft };
}

/** Commits a new intent, and with it what has to be so from then on. */
export function* begin(
  context: CommandContext,
  draft: IntentDraft,
  changes: readonly Change[] = [],
): Step<IntentDocument> {
  const intent = yield* draftIntent(draft);
  yield* commit(context, [changeOf.intent(context.state, intent), ...changes]);
  return intent;
}

/**
 * Performs an intent's effects and commits its end. Gives the failures; with any, the intent
 * stays, to be tried again.
 */
export function* settle(context: CommandContext, intent: IntentDocument): Step<EffectError[]> {
  const failed =
    intent.direction === "finish" ? yield* finish(context, intent) : yield* inOrder(intent);
  if (failed.length > 0) return failed;
  const { state } = context;
  const afterwards = intent.afterwards.map(
    (it): Change => ({ ...it, expected: revisionOf(state, it.key) }),
  );
  // A document that was never written, or is gone already, needs no removal.
  const needed = afterwards.filter((it) => "put" in it || it.expected !== "absent");
  yield* commit(context, [changeOf.intentGone(state, intent.id), ...needed]);
  return [];
}

function* inOrder(intent: IntentDocument): Step<EffectError[]> {
  for (const group of intent.groups) {
    const errors = errorsOf(yield* attemptAll(group));
    if (errors.length > 0) return errors;
  }
  return [];
}

/**
 * A node on which something fails does not keep the others from going on. A node that left the pool
 * took what it had with it. What was done for a document that goes away is done for good, and is
 * dropped from the intent; what was stopped for another one may have been started again meanwhile.
 */
function* finish(context: CommandContext, intent: IntentDocument): Step<EffectError[]> {
  const { afterwards } = intent;
  const isForGood = afterwards.length > 0 && afterwards.every((it) => "delete" in it);
  const errors: EffectError[] = [];
  const failedNodes = new Set<string>();
  const left: NodeEffect[][] = [];
  for (const group of intent.groups) {
    const due = group.filter((it) => context.state.nodes.has(it.node));
    const tried = due.filter((it) => !failedNodes.has(it.node));
    const outcomes = yield* attemptAll(tried);
    const done = new Set(tried.filter((_, index) => outcomes[index]?.ok === true));
    errors.push(...errorsOf(outcomes));
    for (const it of tried) if (!done.has(it)) failedNodes.add(it.node);
    left.push(due.filter((it) => !isForGood || !done.has(it)));
  }
  const groups = groupsOf(...left);
  const isLess = groups.flat().length < intent.groups.flat().length;
  if (errors.length > 0 && isLess) {
    yield* commit(context, [changeOf.intent(context.state, { ...intent, groups })]);
  }
  return errors;
}

/** After a failure: undoes at once; if that fails too, the details say that it will be retried. */
export function* undo(context: CommandContext, intent: IntentDocument): Step<void> {
  const errors = yield* settle(context, intent);
  context.details.push(...errors.map(pendingDetail));
}

/** The failure of a step that is kept and tried again. */
export function pendingDetail(error: EffectError): Detail {
  const detail = detailOf(error);
  const retried = "It is tried again by itself until it succeeds.";
  detail.nextStep = detail.nextStep === undefined ? retried : `${detail.nextStep} ${retried}`;
  return detail;
}

/**
 * Settles what an interrupted command left on these keys, before another one touches them. Throws
 * stock's "another transaction" when that does not succeed.
 */
export function* settleHolding(
  context: CommandContext,
  name: string,
  keys: readonly string[],
): Step<void> {
  const held = [...context.state.intents.values()]
    .map((it) => it.document)
    .filter((it) => it.holds.some((key) => keys.includes(key)));
  for (const intent of held) {
    const errors = yield* settle(context, intent);
    if (errors.length === 0) continue;
    const details = errors.map(pendingDetail);
    throw new CommandFailure(
      "busy",
      errno.EG_ANOTRANS,
      text.anotherTransactionFor(name),
      [
        { object: name, detail: `An interrupted "${intent.command}" is not cleaned up yet.` },
        ...details,
      ],
    );
  }
}

/** One group for each list that has anything in it. */
export function groupsOf(...groups: (readonly NodeEffect[])[]): NodeEffect[][] {
  return groups.filter((it) => it.length > 0).map((it) => [...it]);
}
