/** What answers the routes of webhooks. */
import type { RouteName } from "@mortar/api";
import type { WebhookSender } from "../webhooks/webhook-sender.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";
import type { Handlers, NodeControl } from "./handlers.ts";
import { problemOfRequest } from "./problem.ts";
import type { Reply } from "./reply.ts";

export type WebhookRoute = Extract<RouteName, `webhook${string}`>;

export interface WebhookControl {
  readonly list: Pick<Webhooks, "create" | "list" | "delete">;
  readonly sender: Pick<WebhookSender, "try">;
}

export function webhookHandlers(node: NodeControl): Pick<Handlers, WebhookRoute> {
  return {
    webhookCreate: async ({ body, caller, askLogin }) => {
      const asked = body as { name: string; url: string; events?: string[] };
      if (!URL.canParse(asked.url)) return refusal(400, asked.name, `${asked.url} is no address`);
      const createdBy = caller?.name ?? (await askLogin()) ?? "root";
      const created = await node.webhooks.list.create({ ...asked, createdBy });
      if (created !== undefined) return plain(created);
      const taken = `There is a webhook ${asked.name} already: mortar webhook delete ${asked.name}`;
      return refusal(409, asked.name, taken);
    },
    webhookList: async () => plain(node.webhooks.list.list()),
    webhookDelete: async ({ params }) => {
      const name = params["webhook"] ?? "";
      return (await node.webhooks.list.delete(name)) ? plain({}) : missing(name);
    },
    webhookTest: async ({ params }) => {
      const name = params["webhook"] ?? "";
      const tried = await node.webhooks.sender.try(name);
      return tried === undefined ? missing(name) : plain(tried);
    },
  };
}

function missing(name: string): Reply<never> {
  return refusal(404, name, `There is no webhook ${name}`);
}

function refusal(status: number, object: string, detail: string): Reply<never> {
  return { ok: false, problem: { ...problemOfRequest(409, detail), status, object } };
}

function plain<T>(result: T): Reply<T> {
  return { ok: true, result, warnings: [], details: [] };
}
