/** Headers that mean something to a route: what OpenAPI tells of them, and what is checked. */
import { type TObject, Type } from "./schema/schema.ts";
import { IdempotencyHeaders, takesIdempotencyKey } from "./idempotency.ts";
import type { RouteName } from "./routes.ts";
import { mayBeTask, PreferHeaders } from "./task.ts";

/** Undefined: none of ours. */
export function requestHeadersOf(name: RouteName): TObject | undefined {
  const properties = {
    ...(takesIdempotencyKey(name) ? IdempotencyHeaders.properties : {}),
    ...(mayBeTask(name) ? PreferHeaders.properties : {}),
  };
  return Object.keys(properties).length === 0 ? undefined : Type.Object(properties);
}
