import assert from "node:assert/strict";
import { test } from "node:test";
import { conforms, firstMismatch } from "../check.ts";
import { fromText } from "./from-text.ts";
import { type Static, Type } from "./schema.ts";

const Disk = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 4, pattern: "^[a-z]+$" }),
    sizeBytes: Type.Integer({ minimum: 0, maximum: 100 }),
    kind: Type.Union([Type.Literal("loop"), Type.Literal("disk")]),
    labels: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 2 })),
    timesMs: Type.Optional(Type.Record(Type.Number())),
    isBusy: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
const disk: Static<typeof Disk> = { name: "sda", sizeBytes: 7, kind: "disk" };

test("a schema is JSON Schema as it stands", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(Type.Object({
    a: Type.Optional(Type.Integer({ minimum: 1, description: "what" })), b: Type.Literal("x"),
  }, { $id: "Thing" }))), {
    $id: "Thing", type: "object", required: ["b"],
    properties: {
      a: { type: "integer", minimum: 1, description: "what" }, b: { const: "x", type: "string" },
    },
  });
  assert.deepEqual(JSON.parse(JSON.stringify(Type.Object({}))), { type: "object", properties: {} });
});

test("what is wrong is told with its place and what was expected", () => {
  assert.equal(firstMismatch(Disk, disk), undefined);
  const full = { ...disk, labels: ["a"], timesMs: { drain: 1.5 }, isBusy: true };
  assert.equal(firstMismatch(Disk, full), undefined);
  const wrong: readonly (readonly [unknown, string])[] = [
    [[], "the whole: Expected object"],
    [null, "the whole: Expected object"],
    [{ name: "sda", kind: "disk" }, "sizeBytes: Expected required property"],
    [{ ...disk, more: 1 }, "more: Unexpected property"],
    [{ ...disk, ["__proto__x"]: 1 }, "__proto__x: Unexpected property"],
    [{ ...disk, toString: 1 }, "toString: Unexpected property"],
    [{ ...disk, name: 1 }, "name: Expected string"],
    [{ ...disk, name: "" }, "name: Expected string length greater or equal to 1"],
    [{ ...disk, name: "abcde" }, "name: Expected string length less or equal to 4"],
    [{ ...disk, name: "A" }, "name: Expected string to match '^[a-z]+$'"],
    [{ ...disk, sizeBytes: 1.5 }, "sizeBytes: Expected integer"],
    [{ ...disk, sizeBytes: -1 }, "sizeBytes: Expected integer to be greater or equal to 0"],
    [{ ...disk, sizeBytes: 101 }, "sizeBytes: Expected integer to be less or equal to 100"],
    [{ ...disk, kind: "tape" }, "kind: Expected union value"],
    [{ ...disk, labels: [] }, "labels: Expected array length to be greater or equal to 1"],
    [{ ...disk, labels: ["", "", ""] }, "labels: Expected array length to be less or equal to 2"],
    [{ ...disk, labels: ["a", 2] }, "labels/1: Expected string"],
    [{ ...disk, timesMs: { drain: Number.NaN } }, "timesMs/drain: Expected number"],
    [{ ...disk, isBusy: "true" }, "isBusy: Expected boolean"],
  ];
  for (const [value, sentence] of wrong) {
    assert.equal(firstMismatch(Disk, value), sentence);
    assert.equal(conforms(Disk, value), false);
  }
  const above = Type.Number({ exclusiveMinimum: 0 });
  assert.equal(firstMismatch(above, 0), "the whole: Expected number to be greater than 0");
  assert.equal(firstMismatch(Type.Literal("x"), "y"), "the whole: Expected 'x'");
  assert.equal(firstMismatch(Type.Undefined(), 1), "the whole: Expected undefined");
});

test("a property that may be absent may be undefined; one that must be there may be of any kind", () => {
  assert.equal(firstMismatch(Disk, { ...disk, labels: undefined }), undefined);
  const Any = Type.Object({ result: Type.Unknown() });
  assert.equal(firstMismatch(Any, { result: undefined }), undefined);
  assert.equal(firstMismatch(Any, {}), "result: Expected required property");
});

test("text becomes what is asked for, and what is no such text is refused", () => {
  const Query = Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1 })), force: Type.Optional(Type.Boolean()),
    kinds: Type.Optional(Type.Array(Type.String())), name: Type.Optional(Type.String()),
    at: Type.Optional(Type.Union([Type.Literal("now"), Type.Integer()])),
  });
  assert.deepEqual(
    fromText(Query, { limit: "20", force: "TRUE", kinds: "a", name: "7", at: "5", other: "1" }),
    { limit: 20, force: true, kinds: ["a"], name: "7", at: 5, other: "1" },
  );
  assert.deepEqual(fromText(Query, { force: "0", at: "now" }), { force: false, at: "now" });
  const refused = (query: object) => firstMismatch(Query, fromText(Query, query));
  assert.equal(refused({ limit: "1.5" }), "limit: Expected integer");
  assert.equal(refused({ limit: "0x10" }), "limit: Expected integer");
  assert.equal(refused({ force: "yes" }), "force: Expected boolean");
  assert.equal(refused({ at: "then" }), "at: Expected union value");
});
