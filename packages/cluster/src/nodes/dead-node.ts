/**
 * What was interrupted by the death of a node waits for it: its undoing has steps there, and until
 * they are done nothing else touches the volume. Of a node that never comes back these steps are
 * given up, so that its bricks can be replaced; what it had is lost with it.
 */
import type { Step } from "../command.ts";
import { detailOf } from "../failure.ts";
import { groupsOf, settle } from "../intent.ts";
import { changeOf } from "../key-space.ts";
import { commit, type CommandContext } from "../steps.ts";

export function* giveUpWaiting(context: CommandContext, uuid: string): Step<void> {
  for (const { document: intent } of context.state.intents.values()) {
    if (!intent.groups.some((group) => group.some((it) => it.node === uuid))) continue;
    const groups = groupsOf(...intent.groups.map((group) => group.filter((it) => it.node !== uuid)));
    const shorter = { ...intent, groups };
    yield* commit(context, [changeOf.intent(context.state, shorter)]);
    const errors = yield* settle(context, shorter);
    context.details.push(...errors.map(detailOf));
  }
}
