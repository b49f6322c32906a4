/**
 * Checks a value against a schema. Nothing is made while it fits, so that lists of thousands are
 * checked as they come; the sentence and the path are made where it does not.
 */
import type { TSchema } from "./schema.ts";

/** `path` of names and indexes, the outermost first. */
export interface Mismatch {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The first thing that is wrong with `value`; undefined when nothing is. */
export function mismatchOf(schema: TSchema, value: unknown): Mismatch | undefined {
  if ("const" in schema) {
    return value === schema["const"] ? undefined : here(`Expected ${quoted(schema["const"])}`);
  }
  if ("anyOf" in schema) {
    const fits = (schema["anyOf"] as readonly TSchema[]).some((it) => !mismatchOf(it, value));
    return fits ? undefined : here("Expected union value");
  }
  switch (schema["type"]) {
    case "string": return typeof value === "string" ? inString(schema, value) : not("string");
    case "integer": return Number.isInteger(value) ? inNumber(schema, value) : not("integer");
    case "number": return Number.isFinite(value) ? inNumber(schema, value) : not("number");
    case "boolean": return typeof value === "boolean" ? undefined : not("boolean");
    case "undefined": return value === undefined ? undefined : not("undefined");
    case "array": return Array.isArray(value) ? inArray(schema, value) : not("array");
    case "object": return isObject(value) ? inObject(schema, value) : not("object");
    case undefined: return undefined;
    default: throw new Error(`a schema has the type ${String(schema["type"])}`);
  }
}

type Limit = number | undefined;

const patterns = new Map<string, RegExp>();

function inString(schema: TSchema, value: string): Mismatch | undefined {
  const minimum = schema["minLength"] as Limit;
  if (minimum !== undefined && value.length < minimum) {
    return here(`Expected string length greater or equal to ${minimum}`);
  }
  const maximum = schema["maxLength"] as Limit;
  if (maximum !== undefined && value.length > maximum) {
    return here(`Expected string length less or equal to ${maximum}`);
  }
  const pattern = schema["pattern"] as string | undefined;
  if (pattern === undefined || regexOf(pattern).test(value)) return undefined;
  return here(`Expected string to match '${pattern}'`);
}

function regexOf(pattern: string): RegExp {
  let regex = patterns.get(pattern);
  if (regex === undefined) {
    regex = new RegExp(pattern);
    patterns.set(pattern, regex);
  }
  return regex;
}

function inNumber(schema: TSchema, found: unknown): Mismatch | undefined {
  const value = found as number;
  const what = schema["type"] as string;
  const above = schema["exclusiveMinimum"] as Limit;
  if (above !== undefined && value <= above) {
    return here(`Expected ${what} to be greater than ${above}`);
  }
  const maximum = schema["maximum"] as Limit;
  if (maximum !== undefined && value > maximum) {
    return here(`Expected ${what} to be less or equal to ${maximum}`);
  }
  const minimum = schema["minimum"] as Limit;
  if (minimum !== undefined && value < minimum) {
    return here(`Expected ${what} to be greater or equal to ${minimum}`);
  }
  return undefined;
}

function inArray(schema: TSchema, values: readonly unknown[]): Mismatch | undefined {
  const minimum = schema["minItems"] as Limit;
  if (minimum !== undefined && values.length < minimum) {
    return here(`Expected array length to be greater or equal to ${minimum}`);
  }
  const maximum = schema["maxItems"] as Limit;
  if (maximum !== undefined && values.length > maximum) {
    return here(`Expected array length to be less or equal to ${maximum}`);
  }
  const items = schema["items"] as TSchema;
  for (let index = 0; index < values.length; index += 1) {
    const found = mismatchOf(items, values[index]);
    if (found !== undefined) return below(index, found);
  }
  return undefined;
}

type Value = Readonly<Record<string, unknown>>;

function inObject(schema: TSchema, value: Value): Mismatch | undefined {
  const patternProperties = schema["patternProperties"] as Record<string, TSchema> | undefined;
  if (patternProperties !== undefined) return inRecord(Object.values(patternProperties)[0]!, value);
  const properties = schema["properties"] as Readonly<Record<string, TSchema>>;
  const required = (schema["required"] ?? []) as readonly string[];
  for (const name of required) {
    if (!(name in value)) return below(name, here("Expected required property"));
  }
  if (schema["additionalProperties"] === false) {
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(properties, name)) return below(name, here("Unexpected property"));
    }
  }
  for (const name in properties) {
    const inside = value[name];
    if (inside === undefined && !required.includes(name)) continue;
    const found = mismatchOf(properties[name]!, inside);
    if (found !== undefined) return below(name, found);
  }
  return undefined;
}

function inRecord(values: TSchema, value: Value): Mismatch | undefined {
  for (const [name, inside] of Object.entries(value)) {
    const found = mismatchOf(values, inside);
    if (found !== undefined) return below(name, found);
  }
  return undefined;
}

function isObject(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function quoted(value: unknown): string {
  return typeof value === "string" ? `'${value}'` : String(value);
}

function not(what: string): Mismatch {
  return here(`Expected ${what}`);
}

function here(message: string): Mismatch {
  return { path: [], message };
}

function below(name: string | number, { path, message }: Mismatch): Mismatch {
  return { path: [name, ...path], message };
}
