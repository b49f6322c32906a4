// What Ajv says of the same values under the same schemas: every schema of every route, with values
// that fit and values of which one place was damaged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { conforms } from "../check.ts";
import { routes } from "../routes.ts";
import type { TSchema } from "./schema.ts";

const ROUNDS = 12;
let state = 20_260_101;

/** A small generator with a fixed seed: the same values in every run. */
function below(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}
const oneOf = <Value>(values: readonly Value[]): Value => values[below(values.length)]!;

const JUNK: readonly unknown[] =
  [null, true, -1, 0, 7, 1.5, 2 ** 40, "", "x", "0", "a b", "é".repeat(300), [], [[]], {}, { x: 1 }];

/** Of the right shape; limits and patterns are met by chance. */
function like(schema: TSchema): unknown {
  if ("const" in schema) return schema["const"];
  if ("anyOf" in schema) return like(oneOf(schema["anyOf"] as readonly TSchema[]));
  const minimum = Number(schema["minimum"] ?? schema["exclusiveMinimum"] ?? -3);
  switch (schema["type"]) {
    case "string": return oneOf(["", "a", "volume-1", "0".repeat(8 + below(40)), "/x/y", "%"]);
    case "integer": return minimum + below(5);
    case "number": return minimum + below(50) / 10;
    case "boolean": return below(2) === 0;
    case "array": return Array.from({ length: below(4) }, () => like(schema["items"] as TSchema));
    case "object": return likeObject(schema);
    default: return oneOf(JUNK);
  }
}

function likeObject(schema: TSchema): object {
  const values = Object.values((schema["patternProperties"] ?? {}) as Record<string, TSchema>);
  if (values[0] !== undefined) return { one: like(values[0]), other: like(values[0]) };
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const properties = Object.entries(schema["properties"] as Record<string, TSchema>);
  return Object.fromEntries(properties
    .filter(([name]) => required.has(name) || below(3) > 0)
    .map(([name, inside]) => [name, like(inside)]));
}

/** With something else at one place, or with a property more or less. */
function damaged(value: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && below(4) > 0) {
    return value.with(below(value.length), damaged(oneOf(value)));
  }
  if (typeof value !== "object" || value === null || below(6) === 0) return oneOf(JUNK);
  const names = Object.keys(value);
  if (names.length === 0 || below(8) === 0) return { ...value, unexpected: oneOf(JUNK) };
  const name = oneOf(names);
  const { [name]: inside, ...others } = value as Record<string, unknown>;
  return below(6) === 0 ? others : { ...others, [name]: damaged(inside) };
}

/** By their text, without the names that several have. What has no body has no schema of JSON. */
const schemas = new Map(Object.values(routes)
  .flatMap((route) => [route.params, route.query, route.body, route.result] as TSchema[])
  .filter((schema) => schema["type"] !== "undefined")
  .map((schema) => [JSON.stringify(schema, (word, it: unknown) => word === "$id" ? undefined : it), schema]));

test(`Ajv admits and refuses the same under ${schemas.size} schemas`, () => {
  const verdicts = { fits: 0, refused: 0 };
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  for (const [text, schema] of schemas) {
    const theirs = ajv.compile(JSON.parse(text) as object);
    for (let round = 0; round < ROUNDS; round += 1) {
      const value = round % 2 === 0 ? like(schema) : damaged(like(schema));
      const wanted = theirs(value);
      assert.equal(conforms(schema, value), wanted, `${JSON.stringify(value)} under ${text}`);
      verdicts[wanted ? "fits" : "refused"] += 1;
    }
  }
  assert.ok(verdicts.fits > 500 && verdicts.refused > 500, JSON.stringify(verdicts));
});
