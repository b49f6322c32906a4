import assert from "node:assert/strict";
import { test } from "node:test";
import { Patience } from "./patience.ts";

const PAGE = 4096;

/** One client alone for long. */
function settled(): Patience {
  const patience = new Patience();
  patience.look(16, 1000, 1);
  patience.look(16, 1200, 1);
  patience.isLone = true;
  return patience;
}

test("the thread waits for a client that is alone, not for one of several", () => {
  const patience = settled();
  assert.equal(patience.allows(PAGE), true);
  assert.equal(patience.allows(2 ** 20), false, "nor for much");
  patience.look(17, 1210, 1);
  assert.equal(patience.allows(PAGE), false, "another one has asked");
  patience.look(-1, 1400, 1);
  patience.look(-1, 1600, 1);
  assert.equal(patience.allows(PAGE), false, "several ask");
  patience.look(16, 1700, 1);
  assert.equal(patience.allows(PAGE), false);
  patience.look(16, 1800, 1);
  assert.equal(patience.allows(PAGE), true);
  patience.isLone = false;
  assert.equal(patience.allows(PAGE), false, "it asks for several things");
});

test("the thread does not go on waiting when a read was slow, or somebody waited behind it", () => {
  const slow = settled();
  slow.waited(3);
  slow.look(16, 1300, 1);
  assert.equal(slow.allows(PAGE), false);
  slow.look(16, 3300, 1);
  assert.equal(slow.allows(PAGE), true);
  const crowded = settled();
  crowded.waited(0.3);
  crowded.look(16, 1201, 0.001);
  assert.equal(crowded.allows(PAGE), false);
  crowded.look(16, 1302, 0.001);
  assert.equal(crowded.allows(PAGE), true, "after a pause; nobody was kept waiting meanwhile");
});
