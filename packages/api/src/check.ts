/** Checks values against the schemas of this package. */
import { mismatchOf } from "./schema/mismatch.ts";
import type { Static, TSchema } from "./schema/schema.ts";

/** Whether `value` is of `schema`. */
export function conforms<S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  return mismatchOf(schema, value) === undefined;
}

/** The first thing that is wrong, as `path: what was expected`; undefined when nothing is. */
export function firstMismatch(schema: TSchema, value: unknown): string | undefined {
  const first = mismatchOf(schema, value);
  if (first === undefined) return undefined;
  return `${first.path.length === 0 ? "the whole" : first.path.join("/")}: ${first.message}`;
}
