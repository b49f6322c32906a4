import assert from "node:assert/strict";
import { test } from "node:test";
import { RestartPause } from "./restart-pause.ts";

test("a server that served is replaced at once, however often it dies", () => {
  const pause = new RestartPause();
  for (let death = 0; death < 100; death++) assert.equal(pause.afterDeath(250), 0);
});

test("servers that do not serve are tried three times at once, then ever more seldom", () => {
  const pause = new RestartPause();
  const pauses = Array.from({ length: 12 }, () => pause.afterDeath(0));
  assert.deepEqual(pauses, [0, 0, 0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test("one that served ends the pauses", () => {
  const pause = new RestartPause();
  for (let death = 0; death < 9; death++) pause.afterDeath(10);
  assert.equal(pause.afterDeath(1000), 0);
  assert.equal(pause.afterDeath(0), 0);
});
