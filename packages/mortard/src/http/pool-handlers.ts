/** What answers the route of pools. */
import type { Handlers, NodeControl } from "./handlers.ts";
import { replyOf } from "./reply.ts";

export function poolHandlers(node: NodeControl): Pick<Handlers, "poolList"> {
  return {
    poolList: async () => {
      const reply = replyOf(await node.run("poolList", {}));
      if (!reply.ok) return reply;
      const result = reply.result.map((it) => ({ ...it, history: node.poolHistory.of(it) }));
      return { ...reply, result };
    },
  };
}
