import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, placeOf } from "./router.ts";

test("a place comes back from its hash, whatever its names are", () => {
  const path = ["snapshots", "a b/c?d#e%", "files"];
  const query = { path: "/x y/&=ü", volume: "v" };
  assert.deepEqual(placeOf(hashOf(path, query)), { path, query });
});

test("a hash that is none is a place all the same", () => {
  assert.deepEqual(placeOf(""), { path: [], query: {} });
  assert.deepEqual(placeOf("#/volumes/%zz"), { path: ["volumes", "%zz"], query: {} });
});
