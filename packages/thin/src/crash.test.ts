/**
 * Every short history, stopped at every moment and refused at every disk operation of its last
 * step. The longer ones take minutes: `npm run sim -- --scenario thin-exhaustive`, `thin-faults`.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import { countUpTo, scenario as exhaustive } from "./pool-exhaustive.sim.ts";
import { scenario as faults } from "./pool-faults.sim.ts";

test("every history of up to two steps survives every stop at every moment of its last", () => {
  let points = 0;
  for (let number = 0; number < countUpTo(2); number++) {
    points += exhaustive.run(new Random(number))["points"]!;
  }
  assert.ok(points > 5000, `${points}`);
});

test("every history of up to two steps survives every refusal of a disk in its last", () => {
  let faultPoints = 0;
  for (let number = 0; number < countUpTo(2); number++) {
    faultPoints += faults.run(new Random(number))["faultPoints"]!;
  }
  assert.ok(faultPoints > 1000, `${faultPoints}`);
});
