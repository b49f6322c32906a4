/**
 * Queries, headers and segments of paths carry text: turns it into what a schema asks for. What is
 * no such text is left as it is, and the check says so.
 */
import { mismatchOf } from "./mismatch.ts";
import type { TSchema } from "./schema.ts";

const NUMBER = /^-?\d+(?:\.\d+)?$/;

export function fromText(schema: TSchema, value: unknown): unknown {
  if ("anyOf" in schema) return fromTextOfAny(schema["anyOf"] as readonly TSchema[], value);
  if (schema["type"] === "array") {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.map((it) => fromText(schema["items"] as TSchema, it));
  }
  if (schema["type"] === "object") return fromTexts(schema, value);
  if (typeof value !== "string") return value;
  if (schema["type"] === "boolean") return booleanOf(value);
  const isNumber = schema["type"] === "integer" || schema["type"] === "number";
  return isNumber && NUMBER.test(value) ? Number(value) : value;
}

function fromTextOfAny(choices: readonly TSchema[], value: unknown): unknown {
  if (choices.some((it) => !mismatchOf(it, value))) return value;
  for (const choice of choices) {
    const meant = fromText(choice, value);
    if (!mismatchOf(choice, meant)) return meant;
  }
  return value;
}

function fromTexts(schema: TSchema, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, TSchema>>;
  return Object.fromEntries(Object.entries(value).map(([name, inside]) => {
    const meant = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return [name, meant === undefined ? inside : fromText(meant, inside)];
  }));
}

function booleanOf(text: string): unknown {
  const word = text.toLowerCase();
  if (word === "true" || word === "1") return true;
  return word === "false" || word === "0" ? false : text;
}
