import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { groupsOfUser } from "./user-groups.ts";

test("the groups of a user are those that id(1) tells; nobody's are undefined", () => {
  for (const uid of [0, 1, 65_534]) {
    const told = execFileSync("id", ["-G", String(uid)], { encoding: "utf8" });
    const expected = told.trim().split(" ").map(Number).toSorted((a, b) => a - b);
    assert.deepEqual([...groupsOfUser(uid)!].toSorted((a, b) => a - b), expected);
  }
  assert.equal(groupsOfUser(3_999_999_999), undefined);
});
