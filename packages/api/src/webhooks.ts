/** Who is told of events by HTTP: schemas and routes. */
import { type Static, Type } from "./schema/schema.ts";
import { eventKinds } from "./events.ts";
import { noBody, none, route } from "./route.ts";

const name = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" });
const kind = Type.Union(Object.keys(eventKinds).map((it) => Type.Literal(it)));

export const WebhookCreateBody = Type.Object(
  {
    name,
    url: Type.String({ pattern: "^https?://[^\\s@]+$", maxLength: 2048 }),
    events: Type.Optional(
      Type.Array(kind, { minItems: 1, maxItems: 64, description: "kinds; absent: all" }),
    ),
  },
  { additionalProperties: false },
);

export const WebhookInfo = Type.Object({
  name: Type.String(),
  url: Type.String(),
  events: Type.Optional(Type.Array(Type.String(), { description: "absent: all" })),
  createdAtMs: Type.Integer(),
  createdBy: Type.String(),
});
export type WebhookInfo = Static<typeof WebhookInfo>;

export const WebhookCreated = Type.Object({
  ...WebhookInfo.properties,
  secret: Type.String({ description: "what bodies are signed with; told this once" }),
});
export type WebhookCreated = Static<typeof WebhookCreated>;

export const WebhookTried = Type.Object({
  delivered: Type.Boolean(),
  status: Type.Optional(Type.Integer({ description: "of HTTP; absent: there was no answer" })),
  reason: Type.Optional(Type.String({ description: "why it was not delivered" })),
});
export type WebhookTried = Static<typeof WebhookTried>;

const named = Type.Object({ webhook: name });

export const webhookRoutes = {
  webhookCreate: route({
    method: "POST", path: "/v1/webhooks", tag: "node", summary: "Have events told to an address",
    params: none, query: none, body: WebhookCreateBody, result: WebhookCreated,
  }),
  webhookList: route({
    method: "GET", path: "/v1/webhooks", tag: "node", summary: "Who is told of events",
    params: none, query: none, body: noBody, result: Type.Array(WebhookInfo),
  }),
  webhookDelete: route({
    method: "DELETE", path: "/v1/webhooks/:webhook", tag: "node", summary: "Tell an address no more",
    params: named, query: none, body: noBody, result: none,
  }),
  webhookTest: route({
    method: "POST", path: "/v1/webhooks/:webhook/test", tag: "node",
    summary: "Tell an address of an event that is none, once, and say how that went",
    params: named, query: none, body: none, result: WebhookTried,
  }),
} as const;
