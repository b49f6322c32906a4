/** What answers the routes of snapshots that are sent and received. */
import type { RouteName } from "@mortar/api";
import type { CommandArgs } from "@mortar/cluster";
import type { Handlers, NodeControl } from "./handlers.ts";
import { replyOf } from "./reply.ts";

type TransferRoute = Extract<RouteName, `receive${string}` | `bookmark${string}`> | "snapshotSend";

export function transferHandlers(node: NodeControl): Pick<Handlers, TransferRoute> {
  return {
    snapshotSend: async ({ body }) =>
      replyOf(await node.run("snapshotSend", body as CommandArgs<"snapshotSend">)),
    bookmarkList: async ({ query }) => replyOf(await node.run("bookmarkList", query)),
    bookmarkBegin: async ({ body }) =>
      replyOf(await node.run("bookmarkBegin", body as CommandArgs<"bookmarkBegin">)),
    bookmarkFinish: async ({ params, body }) => {
      const { id } = body as { id: string };
      return replyOf(await node.run("bookmarkFinish", { id, name: params["bookmark"] ?? "" }));
    },
    bookmarkDelete: async ({ params }) =>
      replyOf(await node.run("bookmarkDelete", { name: params["bookmark"] ?? "" })),
    receiveList: async ({ query }) => replyOf(await node.run("receiveList", query)),
    receiveBegin: async ({ body }) =>
      replyOf(await node.run("receiveBegin", body as CommandArgs<"receiveBegin">)),
    receiveProgress: async ({ params, body }) => {
      const asked = body as Omit<CommandArgs<"receiveProgress">, "volume">;
      return replyOf(await node.run("receiveProgress", { ...asked, ...volume(params) }));
    },
    receiveFinish: async ({ params, body }) => {
      const { id } = body as { id: string };
      return replyOf(await node.run("receiveFinish", { id, ...volume(params) }));
    },
    receiveAbandon: async ({ params }) => replyOf(await node.run("receiveAbandon", volume(params))),
  };
}

function volume(params: Readonly<Record<string, string>>): { volume: string } {
  return { volume: params["volume"] ?? "" };
}
