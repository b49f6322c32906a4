import assert from "node:assert/strict";
import { test } from "node:test";
import { hasColours, painted, widthOf } from "./style.ts";
import { table } from "./table.ts";

const rows = [["ok", "pool", "data 10%"], ["missing", "a", "the brick is not mounted  Next: mount it"]];

test("columns are as wide as their widest cell, and lines have no blanks at their end", () => {
  assert.equal(table(rows), "ok       pool  data 10%\nmissing  a     the brick is not mounted  Next: mount it\n");
});

test("on a terminal the last column is broken between words, and nothing is lost", () => {
  const text = table(rows, { width: 36 });
  assert.equal(text, "ok       pool  data 10%\nmissing  a     the brick is not\n               mounted  Next: mount\n               it\n");
  assert.ok(text.split("\n").every((line) => line.length <= 36));
});

test("colours take no width, and are for terminals that want them", () => {
  const paint = (cell: string, column: number) => painted(cell, "red", column === 0);
  assert.equal(table([["a", "b"]], { paint }), "\u001B[31ma\u001B[39m  b\n");
  const terminal = { isTTY: true, columns: 90, write: () => undefined };
  assert.equal(hasColours(terminal, {}), true);
  for (const environment of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) assert.equal(hasColours(terminal, environment), false);
  assert.equal(hasColours({ write: () => undefined }, {}), false);
  assert.deepEqual([widthOf(terminal), widthOf({ ...terminal, isTTY: false })], [90, undefined]);
});
