/** What answers the routes of healing. */
import type { RouteName } from "@mortar/api";
import type { CommandArgs } from "@mortar/cluster";
import type { Handlers, NodeControl } from "./handlers.ts";
import { replyOf } from "./reply.ts";

export type HealRoute = Extract<RouteName, `volumeHeal${string}` | "volumeSplitBrain">;

export function healHandlers(node: NodeControl): Pick<Handlers, HealRoute> {
  return {
    volumeHeal: async ({ params, body }) =>
      replyOf(await node.run("volumeHeal", { ...body, ...volume(params) })),
    volumeHealInfo: async ({ params, query }) =>
      replyOf(await node.run("volumeHealInfo", { ...query, ...volume(params) })),
    volumeHealSwitch: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"volumeHealSwitch">, "volume">;
      return replyOf(await node.run("volumeHealSwitch", { ...asked, ...volume(params) }));
    },
    volumeHealStatistics: async ({ params }) =>
      replyOf(await node.run("volumeHealStatistics", volume(params))),
    volumeHealCount: async ({ params, query }) =>
      replyOf(await node.run("volumeHealCount", { ...query, ...volume(params) })),
    volumeSplitBrain: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"volumeSplitBrain">, "volume">;
      return replyOf(await node.run("volumeSplitBrain", { ...asked, ...volume(params) }));
    },
  };
}

function volume(params: Readonly<Record<string, string>>): { volume: string } {
  return { volume: params["volume"] ?? "" };
}
