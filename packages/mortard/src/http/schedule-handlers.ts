/** What answers the routes of schedules, holds and locks. */
import type { RouteName } from "@mortar/api";
import type { CommandArgs } from "@mortar/cluster";
import type { Handlers, Input, NodeControl } from "./handlers.ts";
import { operatorOf } from "./operator.ts";
import { problemOfRequest } from "./problem.ts";
import { replyOf } from "./reply.ts";

export type KeepRoute = "snapshotHold" | "snapshotRelease" | "snapshotLock" | "snapshotUnlock";
type ScheduleRoute = Extract<RouteName, `schedule${string}`>;

export function scheduleHandlers(node: NodeControl): Pick<Handlers, ScheduleRoute | KeepRoute> {
  return {
    scheduleList: async ({ query }) => replyOf(await node.run("scheduleList", query)),
    scheduleAdd: async ({ body }) =>
      replyOf(await node.run("scheduleAdd", body as CommandArgs<"scheduleAdd">)),
    scheduleEdit: async ({ params, body }) =>
      replyOf(await node.run("scheduleEdit", { ...body, ...schedule(params) })),
    schedulePreview: async ({ params, body }) =>
      replyOf(await node.run("schedulePreview", { ...body, ...schedule(params) })),
    scheduleDelete: async ({ params }) =>
      replyOf(await node.run("scheduleDelete", schedule(params))),
    scheduleRun: async ({ params }) => replyOf(await node.run("scheduleRun", schedule(params))),
    scheduleSet: async ({ body }) =>
      replyOf(await node.run("scheduleSet", body as CommandArgs<"scheduleSet">)),
    schedulePrune: async ({ body }) => replyOf(await node.run("schedulePrune", body)),
    snapshotHold: async ({ params, body, askLogin }) => {
      const asked = body as { owner?: string; reason: string; untilMs?: number };
      const owner = await ownerOf(asked.owner, askLogin);
      if (owner === undefined) return ownerMissing();
      return replyOf(await node.run("snapshotHold", { ...asked, owner, ...snapshot(params) }));
    },
    snapshotRelease: async ({ params, body, askLogin }) => {
      const owner = await ownerOf((body as { owner?: string }).owner, askLogin);
      if (owner === undefined) return ownerMissing();
      return replyOf(await node.run("snapshotRelease", { owner, ...snapshot(params) }));
    },
    snapshotLock: async ({ params, body }) => {
      const { untilMs } = body as { untilMs: number };
      return replyOf(await node.run("snapshotLock", { untilMs, ...snapshot(params) }));
    },
    snapshotUnlock: async ({ params, body, askLogin }) => {
      const operator = await operatorOf(askLogin, (body as { operator?: string }).operator);
      if (typeof operator === "string") return refused(operator);
      const { name, stated } = operator;
      return replyOf(
        await node.run("snapshotUnlock", { operator: name, stated, ...snapshot(params) }),
      );
    },
  };
}

/** Of a hold: a team or a ticket as well as a person, so it may be anything. */
async function ownerOf(
  given: string | undefined,
  askLogin: Input["askLogin"],
): Promise<string | undefined> {
  return given ?? (await askLogin());
}

function ownerMissing() {
  return refused("No login of yours is known: say whose hold it is with --owner NAME.");
}

function refused(sentence: string) {
  // The sentence says what to do; the request itself is as it should be.
  const { nextStep: _routes, ...problem } = problemOfRequest(400, sentence);
  return { ok: false as const, problem };
}

function schedule(params: Input["params"]): { name: string } {
  return { name: params["schedule"] ?? "" };
}

function snapshot(params: Input["params"]): { snapshot: string } {
  return { snapshot: params["snapshot"] ?? "" };
}
