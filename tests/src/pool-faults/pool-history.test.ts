import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, type Operation } from "./pool-history.ts";
import { noVolume, type Outcome, type Verb, type VolumeState } from "./pool-model.ts";

const ok: Outcome = { kind: "ok" };
const unknown: Outcome = { kind: "unknown" };
const refused = (code: string): Outcome => ({ kind: "refused", code });
const started: VolumeState = { status: "Started", option: "", extras: [], snapshots: {} };

const operation = (beginMs: number, endMs: number, command: Verb, outcome: Outcome): Operation =>
  ({ client: "n1", beginMs, endMs, command, outcome, said: "" });

const isExplained = (operations: Operation[], last: VolumeState): boolean =>
  judge(operations, noVolume, last).explained;

test("commands one after the other are explained by their order, and by no other end", () => {
  const history = [
    operation(0, 1, { verb: "create" }, ok),
    operation(2, 3, { verb: "start" }, ok),
    operation(4, 5, { verb: "create" }, refused("volume-exists")),
    operation(6, 7, { verb: "snapshot", snapshot: "s" }, ok),
  ];
  assert.ok(isExplained(history, { ...started, snapshots: { s: false } }));
  assert.ok(!isExplained(history, started), "a success is lost");
  assert.ok(!isExplained(history, { ...started, snapshots: { s: true } }));
  assert.ok(!isExplained([...history, operation(8, 9, { verb: "start" }, ok)], { ...started, snapshots: { s: false } }));
});

test("commands at once are explained by either order, but not against their ends", () => {
  const create = operation(0, 1, { verb: "create" }, ok);
  const both = [
    create,
    operation(2, 10, { verb: "set", value: "a" }, ok), operation(3, 9, { verb: "set", value: "b" }, ok),
  ];
  for (const option of ["a", "b"]) assert.ok(isExplained(both, { ...noVolume, status: "Created", option }));
  const apart = [
    create,
    operation(2, 3, { verb: "set", value: "a" }, ok), operation(4, 5, { verb: "set", value: "b" }, ok),
  ];
  assert.ok(!isExplained(apart, { ...noVolume, status: "Created", option: "a" }));
});

test("what nobody knows of happened, or not, and not long after", () => {
  const history = [
    operation(0, 1, { verb: "create" }, ok), operation(2, 3, { verb: "start" }, unknown),
  ];
  assert.ok(isExplained(history, { ...started, status: "Created" }));
  assert.ok(isExplained(history, started));
  const later = (ms: number): Operation[] =>
    [...history, operation(ms, ms + 1, { verb: "stop" }, refused("volume-not-started"))];
  assert.ok(isExplained(later(1_000), started), "it happened after the stop");
  assert.ok(!isExplained(later(1_000_000), started), "too late");
});

test("a failure that has an effect, and a refusal that is none, are found", () => {
  const create = operation(0, 1, { verb: "create" }, ok);
  assert.ok(!isExplained([create], started));
  const stop = operation(2, 3, { verb: "stop" }, refused("volume-not-started"));
  assert.ok(!isExplained([create, operation(1.5, 1.8, { verb: "start" }, ok), stop], started));
});
