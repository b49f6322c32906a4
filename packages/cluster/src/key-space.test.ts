import assert from "node:assert/strict";
import { test } from "node:test";
import { applyChanges, emptyState, keyOf, StateError, stateOf } from "./key-space.ts";
import { SCHEMA } from "./state.ts";

const node = {
  schema: SCHEMA,
  uuid: "u",
  hostname: "h",
  address: "0.0.0.0",
  snapMountRoot: "/s",
} as const;
const change = { key: keyOf.node("u"), expected: "absent", put: node } as const;

test("a state is a value: a transaction gives a new one, the old one stays", () => {
  const empty = emptyState("u");
  const one = applyChanges(empty, [change], 7);
  assert.equal(empty.nodes.size, 0);
  assert.deepEqual(one.nodes.get("u"), { document: node, revision: 7 });
  const none = applyChanges(one, [{ key: change.key, expected: 7, delete: true }], 8);
  assert.equal(one.nodes.size, 1);
  assert.equal(none.nodes.size, 0);
});

test("what is read from the store is what was put there", () => {
  const config = { schema: SCHEMA, hardLimit: 5 } as const;
  const put = { key: keyOf.snapshotConfig, expected: "absent", put: config } as const;
  const state = applyChanges(emptyState("u"), [change, put], 1);
  const entries = [
    { key: change.key, document: node, revision: 1 },
    { key: put.key, document: config, revision: 1 },
  ];
  assert.deepEqual(stateOf("u", entries), state);
});

test("documents and keys of another version are refused, not guessed at", () => {
  const other = [{ key: change.key, document: { ...node, schema: 2 }, revision: 1 }];
  const isUnknown = (code: string) => (error: unknown) =>
    error instanceof StateError && error.code === code;
  assert.throws(() => stateOf("u", other), isUnknown("unknown-schema"));
  const key = [{ key: "else/x", document: node, revision: 1 }];
  assert.throws(() => stateOf("u", key), isUnknown("unknown-key"));
});
