import assert from "node:assert/strict";
import { test } from "node:test";
import { suggestion } from "./suggestion.ts";

const words = ["status", "snapshot", "up", "down", "lvs", "lvcreate"];

test("a slip of one or two keys finds the word that was meant", () => {
  assert.equal(suggestion("stauts", words), "status");
  assert.equal(suggestion("snapshto", words), "snapshot");
  assert.equal(suggestion("lvcreat", words), "lvcreate");
  assert.equal(suggestion("lvz", words), "lvs");
});

test("nothing is suggested for a word that is like none", () => {
  assert.equal(suggestion("frobnicate", words), undefined);
  assert.equal(suggestion("xyz", words), undefined);
});
