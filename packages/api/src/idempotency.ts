/** The header with which a change is asked for again without being made again. */
import { Type } from "./schema/schema.ts";
import { type RouteName, routes } from "./routes.ts";

export const IDEMPOTENCY_HEADER = "idempotency-key";

export const IdempotencyHeaders = Type.Object({
  [IDEMPOTENCY_HEADER]: Type.Optional(
    Type.String({
      minLength: 1, maxLength: 255,
      description: "the same key gives the same answer for a day, and the change is made once",
    }),
  ),
});

/** Their answers are secrets, which are told once. */
const secretAnswers: ReadonlySet<RouteName> = new Set<RouteName>([
  "sessionOpen", "tokenCreate", "peerToken", "webhookCreate",
]);

export function takesIdempotencyKey(name: RouteName): boolean {
  return routes[name].method === "POST" && !secretAnswers.has(name);
}
