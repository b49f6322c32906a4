import assert from "node:assert/strict";
import { test } from "node:test";
import { EffectError, type NodeEffect, type Outcome } from "../effect.ts";
import { cut, type CutOutcome } from "./snapshot-cut.ts";

const ref = (path: string) => ({ volume: "v", volumeId: "i", brickId: path, host: "h", path });
const origin = (node: string, path: string) =>
  ({ brick: { node, mountPoint: `/m${path}` }, ref: ref(path) });
const lv = (node: string, name: string): NodeEffect<"createSnapshotLv"> =>
  ({ kind: "createSnapshotLv", node, vg: "g", origin: "o", name });
const plan = {
  origins: [origin("a", "/1"), origin("b", "/2"), origin("a", "/3")],
  lvs: [lv("a", "s_0"), lv("b", "s_1"), lv("a", "s_2")],
};

const took = (barrierMs: number, freezeMs: number, takeMs: number): Outcome =>
  ({ ok: true, value: { barrierMs, freezeMs, takeMs } });
const done: Outcome = { ok: true, value: undefined };
const refused = (object: string): Outcome =>
  ({ ok: false, error: new EffectError("failed", "no", { node: "b", object }) });

/** Answers the rounds one after the other; gives what was asked in each, as `node kind`. */
function run(...answers: readonly (readonly Outcome[])[]): { asked: string[][]; outcome: CutOutcome } {
  const steps = cut(plan);
  const asked: string[][] = [];
  let step = steps.next();
  for (const outcomes of answers) {
    assert.ok(step.done !== true);
    const { effects } = step.value as { readonly effects: readonly NodeEffect[] };
    asked.push(effects.map(({ node, kind }) => `${node} ${kind}`));
    step = steps.next(outcomes);
  }
  assert.ok(step.done === true);
  return { asked, outcome: step.value };
}

test("each node is asked once for all of its own, and the slowest is told of", () => {
  const { asked, outcome } = run([took(1, 9, 3), took(2, 5, 4)]);
  assert.deepEqual(asked, [["a cut", "b cut"]]);
  assert.deepEqual(outcome, { errors: [], times: { barrierMs: 2, freezeMs: 9, takeMs: 4 } });
});

test("a node that does not know the cut is asked for its parts, one after the other", () => {
  const { asked, outcome } = run([took(1, 1, 1), refused("cut")], [done], [done], [done]);
  assert.deepEqual(asked, [["a cut", "b cut"], ["b barrierOn"], ["b freeze"], ["b createSnapshotLv"]]);
  assert.deepEqual(outcome.errors, []);
});

test("after a part that failed there no other is asked for", () => {
  const { asked, outcome } = run([took(1, 1, 1), refused("cut")], [done], [refused("/m/2")]);
  assert.equal(asked.length, 3);
  assert.deepEqual(outcome.errors.map(({ object }) => object), ["/m/2"]);
});

test("a node that could not is not asked again", () => {
  const { outcome } = run([refused("g/s_0"), took(1, 1, 1)]);
  assert.deepEqual(outcome.errors.map(({ object }) => object), ["g/s_0"]);
});
