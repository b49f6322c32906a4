/** Nodes are asked once about all of their servers; one that cannot tell of all is asked about each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EffectError, type Outcome } from "../effect.ts";
import type { CommandContext } from "../steps.ts";
import { type Server, serverStatuses } from "./server-status.ts";

const brick = (path: string) => ({ volume: "v", volumeId: "id", host: "h", path });
const servers: readonly Server[] = [
  { node: "a", brick: brick("/1") }, { node: "b", brick: brick("/2") }, { node: "a", brick: brick("/3") },
];
const running = (pid: number) => ({ running: true, pid });

function failed(code: "failed" | "unreachable"): Outcome {
  return { ok: false, error: new EffectError(code, "no", { node: "a", object: "x" }) };
}

/** Answers what is yielded one after the other; gives the kinds that were asked for, too. */
function run(...answers: readonly Outcome[][]) {
  const context = { details: [] } as unknown as CommandContext;
  const steps = serverStatuses(context, servers, false);
  const asked: string[] = [];
  let step = steps.next();
  for (const outcomes of answers) {
    assert.ok(step.done !== true);
    const { effects } = step.value as { readonly effects: readonly { readonly kind: string }[] };
    asked.push(...effects.map(({ kind }) => kind));
    step = steps.next(outcomes);
  }
  assert.ok(step.done === true);
  return { statuses: step.value, asked, details: context.details.length };
}

void test("one question a node, answered in the order of the servers", () => {
  const { statuses, asked } = run([
    { ok: true, value: [running(1), running(3)] }, { ok: true, value: [running(2)] },
  ]);
  assert.deepEqual(statuses.map(({ pid }) => pid), [1, 2, 3]);
  assert.deepEqual(asked, ["brickStatuses", "brickStatuses"]);
});

void test("a node that answers that it cannot is asked about each: one that fails is missing alone", () => {
  const { statuses, asked, details } = run(
    [failed("failed"), { ok: true, value: [running(2)] }],
    [failed("failed"), { ok: true, value: running(3) }],
  );
  assert.deepEqual(statuses.map(({ running: is, pid }) => [is, pid]), [[false, undefined], [true, 2], [true, 3]]);
  assert.deepEqual(asked, ["brickStatuses", "brickStatuses", "brickStatus", "brickStatus"]);
  assert.equal(details, 1);
});

void test("a node that does not answer is not asked again", () => {
  const { statuses, details } = run([failed("unreachable"), { ok: true, value: [running(2)] }]);
  assert.deepEqual(statuses.map(({ running: is }) => is), [false, true, false]);
  assert.equal(details, 1);
});
