/** Checks values against the schemas of this package, compiled once per schema. */
import type { Static, TSchema } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";
import { Value } from "@sinclair/typebox/value";

const compiled = new WeakMap<TSchema, TypeCheck<TSchema>>();

function checkOf(schema: TSchema): TypeCheck<TSchema> {
  let check = compiled.get(schema);
  if (check === undefined) {
    check = TypeCompiler.Compile(schema);
    compiled.set(schema, check);
  }
  return check;
}

/** Whether `value` is of `schema`. */
export function conforms<S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  return checkOf(schema).Check(value);
}

/** The first thing that is wrong, as `path: what was expected`; undefined when nothing is. */
export function firstMismatch(schema: TSchema, value: unknown): string | undefined {
  const first = checkOf(schema).Errors(value).First();
  if (first === undefined) return undefined;
  return `${first.path === "" ? "the whole" : first.path.slice(1)}: ${first.message}`;
}

/** Query strings carry text: turns it into what the schema asks for, where that is possible. */
export function fromText(schema: TSchema, value: unknown): unknown {
  return Value.Convert(schema, value);
}
