/** Schemas of who may ask over the network, and of what was done. */
import { type Static, Type } from "./schema/schema.ts";

const RoleName = Type.Union([
  Type.Literal("viewer"), Type.Literal("operator"), Type.Literal("admin"),
]);

export const TokenCreateBody = Type.Object(
  {
    name: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }),
    role: RoleName,
    days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 36_500, description: "until it is over; absent: never" }),
    ),
  },
  { additionalProperties: false },
);

export const TokenInfo = Type.Object({
  name: Type.String(),
  role: RoleName,
  createdAtMs: Type.Integer(),
  createdBy: Type.String(),
  expiresAtMs: Type.Optional(Type.Integer()),
});
export type TokenInfo = Static<typeof TokenInfo>;

export const TokenCreated = Type.Object({
  ...TokenInfo.properties,
  token: Type.String({ description: "told this once: only its digest is kept" }),
});
export type TokenCreated = Static<typeof TokenCreated>;

export const SessionBody = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 256 }) },
  { additionalProperties: false },
);

export const Session = Type.Object({ name: Type.String(), role: RoleName });
export type Session = Static<typeof Session>;

export const AuditEntry = Type.Object({
  timeMs: Type.Integer(),
  who: Type.String({ description: "a token's name, or a login of the node" }),
  role: Type.Optional(RoleName),
  from: Type.String({ description: "an address, or `socket`" }),
  route: Type.String(),
  path: Type.String(),
  asked: Type.Optional(Type.Unknown({ description: "the body, without secrets" })),
  status: Type.Integer({ description: "of HTTP" }),
  tookMs: Type.Integer(),
});
export type AuditEntry = Static<typeof AuditEntry>;
