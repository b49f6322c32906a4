// Pages of a list that changes between them: nothing is told twice, nothing that stays is left out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cursorAt, pageOf } from "./page.ts";

const places = (list: readonly number[]) => (query: { limit?: number; after?: string }) =>
  pageOf(list, (it) => [it, "x"], query);

test("pages follow each other to the end, and the last has no next", () => {
  const ask = places([1, 2, 3, 4, 5]);
  const first = ask({ limit: 2 })!;
  const second = ask({ limit: 2, after: first.next! })!;
  const third = ask({ limit: 2, after: second.next! })!;
  assert.deepEqual([first.items, second.items, third.items], [[1, 2], [3, 4], [5]]);
  assert.equal(third.next, undefined);
  assert.equal(ask({ limit: 5 })!.next, undefined);
});

test("what comes and goes between pages moves nothing else", () => {
  const { next } = places([10, 20, 30, 40])({ limit: 2 })!;
  // 20, which the cursor names, is gone; 5 came before it, 35 after it.
  assert.deepEqual(places([5, 10, 30, 35, 40])({ limit: 9, after: next! })!.items, [30, 35, 40]);
});

test("what is no cursor is told to be none", () => {
  const none = Buffer.from("{}").toString("base64url");
  for (const after of ["x", none, Buffer.from("[null]").toString("base64url")]) {
    assert.equal(places([1])({ after }), undefined);
  }
  assert.deepEqual(places([1, 2])({ after: cursorAt([1, "x"]) })!.items, [2]);
});
