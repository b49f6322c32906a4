/** What answers the routes of those who ask over the network. */
import { cursorAt, placeIn, type Role, type RouteName } from "@mortar/api";
import type { AuditLog } from "../access/audit-log.ts";
import type { AccessTokens } from "../access/tokens.ts";
import type { Guard } from "./guard.ts";
import type { Handlers, Input } from "./handlers.ts";
import { refusedCursor } from "./pages.ts";
import { problemOfAccess, problemOfRequest } from "./problem.ts";
import { plain } from "./reply.ts";

export type AccessRoute = Extract<RouteName, `token${string}` | `session${string}` | "auditList">;

const AUDIT_LIMIT = 100;

export interface AccessServices {
  readonly tokens: AccessTokens;
  readonly audit: AuditLog;
}

/** Without a guard it is the socket of the node, which is root's. */
export function accessHandlers(
  { tokens, audit }: AccessServices,
  guard: Guard | undefined,
): Pick<Handlers, AccessRoute> {
  return {
    tokenCreate: async ({ body, caller, askLogin }) => {
      const asked = body as { name: string; role: Role; days?: number };
      const createdBy = caller?.name ?? (await askLogin()) ?? "root";
      const created = await tokens.create({ ...asked, createdBy });
      if (created !== undefined) return plain(created);
      const detail = `There is a token ${asked.name} already: mortar token revoke ${asked.name}`;
      return { ok: false, problem: { ...problemOfRequest(409, detail), object: asked.name } };
    },
    tokenList: async () => plain(tokens.list()),
    tokenRevoke: async ({ params }) => {
      const name = params["token"] ?? "";
      if (await tokens.revoke(name)) return plain({});
      const problem = problemOfRequest(409, `There is no token ${name}`);
      return { ok: false, problem: { ...problem, status: 404, object: name } };
    },
    sessionOpen: async ({ body }) => {
      const { token } = body as { token: string };
      const bearer = tokens.bearerOf(token);
      if (bearer !== undefined) return { ...plain({ ...bearer }), ...guard?.cookieFor(token) };
      return { ok: false, problem: problemOfAccess(401, "The token is nobody's, or it is over.") };
    },
    sessionSelf: async ({ caller, askLogin }: Input) =>
      plain(caller === undefined
        ? { name: (await askLogin()) ?? "root", role: "admin" as const }
        : { name: caller.name, role: caller.role }),
    sessionClose: async () => ({ ...plain({}), ...guard?.cookieFor("") }),
    auditList: async ({ query }) => {
      const { limit = AUDIT_LIMIT, after } = query as { limit?: number; after?: string };
      const place = after === undefined ? undefined : auditPlaceIn(after);
      if (after !== undefined && place === undefined) return refusedCursor(after);
      const { entries, next } = audit.page(limit, place);
      return { ...plain(entries), ...(next === undefined ? {} : { next: cursorAt([next]) }) };
    },
  };
}

/** A number that grows along the log: see AuditLog. */
function auditPlaceIn(after: string): number | undefined {
  const [place] = placeIn(after) ?? [];
  return typeof place === "number" ? place : undefined;
}
