/** Who may go on while bricks drain. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DrainState, LockClaim } from "./hold-effects.ts";
import { leavesFor } from "./lock-drain.ts";

const claim = (process: string, owner: string, domain = "v-replicate-0"): LockClaim => ({
  process, owner, domain,
});

function brick(held: readonly LockClaim[], waiting: readonly LockClaim[] = []): DrainState {
  return { drains: true, old: 0, held, waiting };
}

void test("an owner that holds on one brick goes on on the others; a new one does not", () => {
  const states = [
    brick([claim("a", "1")]),
    brick([], [claim("a", "1"), claim("a", "2"), claim("b", "1")]),
  ];
  assert.deepEqual(leavesFor(states, false), [{ process: "a", owner: "1" }]);
});

void test("under a lock of DHT the translators below go on, and no other step of DHT", () => {
  const states = [
    brick([claim("a", "1", "dht.layout.heal")]),
    brick([], [
      claim("a", "7"), claim("a", "8"), claim("a", "9", "dht.layout.heal"), claim("b", "7"),
    ]),
  ];
  assert.deepEqual(leavesFor(states, false), [{ process: "a", domain: "v-replicate-0" }]);
});

void test("when nothing changes, what waits of a process that holds something goes on", () => {
  const states = [brick([claim("a", "1")]), brick([], [claim("a", "2"), claim("b", "3")])];
  assert.deepEqual(leavesFor(states, false), []);
  assert.deepEqual(leavesFor(states, true), [{ process: "a", owner: "2" }]);
});

void test("a request to a brick stays small however many wait", () => {
  const held = [claim("a", "0", "dht.layout.heal")];
  const waiting = Array.from({ length: 5000 }, (_, index) => claim("a", "1", `v-replicate-${index}`));
  assert.ok(leavesFor([brick(held, waiting)], false).length <= 200);
});
