/** Routes of who may ask over the network. */
import { Type } from "./schema/schema.ts";
import {
  AuditEntry, Session, SessionBody, TokenCreateBody, TokenCreated, TokenInfo,
} from "./access.ts";
import { pageQuery } from "./page.ts";
import { name, noBody, none, route } from "./route.ts";

export const accessRoutes = {
  tokenCreate: route({
    method: "POST", path: "/v1/tokens", tag: "node", summary: "Let somebody ask over the network",
    params: none, query: none, body: TokenCreateBody, result: TokenCreated,
  }),
  tokenList: route({
    method: "GET", path: "/v1/tokens", tag: "node", summary: "Who may ask over the network",
    params: none, query: none, body: noBody, result: Type.Array(TokenInfo),
  }),
  tokenRevoke: route({
    method: "DELETE", path: "/v1/tokens/:token", tag: "node",
    summary: "From now on the token with this name is worth nothing",
    params: Type.Object({ token: name }), query: none, body: noBody, result: none,
  }),
  sessionOpen: route({
    method: "POST", path: "/v1/session", tag: "node",
    summary: "Sign in with a token: a browser is given a cookie that scripts cannot read",
    params: none, query: none, body: SessionBody, result: Session,
  }),
  sessionSelf: route({
    method: "GET", path: "/v1/session", tag: "node", summary: "Who asks, and in which role",
    params: none, query: none, body: noBody, result: Session,
  }),
  sessionClose: route({
    method: "DELETE", path: "/v1/session", tag: "node", summary: "Sign out: the cookie is taken back",
    params: none, query: none, body: noBody, result: none,
  }),
  auditList: route({
    method: "GET", path: "/v1/audit", tag: "node",
    summary: "What was changed through this node, the newest first",
    params: none,
    query: Type.Object(
      {
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 100 })),
        after: pageQuery.after,
      },
      { additionalProperties: false },
    ),
    body: noBody, result: Type.Array(AuditEntry),
  }),
} as const;
