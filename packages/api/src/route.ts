/** What a route is, and the pieces that routes are made of. */
import { type TObject, type TSchema, Type } from "./schema/schema.ts";

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

export interface Route<
  Params extends TObject = TObject,
  Query extends TObject = TObject,
  Body extends TSchema = TSchema,
  Result extends TSchema = TSchema,
> {
  readonly method: Method;
  /** Fastify's and OpenAPI's pattern: `/v1/volumes/:volume`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: "node" | "volume" | "snapshot";
  readonly params: Params;
  readonly query: Query;
  /** `Type.Undefined()` where the request has none. */
  readonly body: Body;
  readonly result: Result;
}

export const none = Type.Object({}, { additionalProperties: false });
export const noBody = Type.Undefined();
export const name = Type.String({ minLength: 1, maxLength: 1024 });
export const bytes = (description: string) => Type.Integer({ minimum: 0, description });
export const volume = Type.Object({ volume: name });
export const snapshot = Type.Object({ snapshot: name });
export const force = Type.Object(
  { force: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);
export const oneOrVolume = Type.Object(
  { snapshot: Type.Optional(name), volume: Type.Optional(name) },
  { additionalProperties: false },
);

/** Keeps the literal types of a route, which the client and the server infer from. */
export function route<P extends TObject, Q extends TObject, B extends TSchema, R extends TSchema>(
  it: Route<P, Q, B, R>,
): Route<P, Q, B, R> {
  return it;
}
