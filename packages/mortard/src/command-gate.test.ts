import assert from "node:assert/strict";
import { test } from "node:test";
import type { Coordinator } from "@mortar/cluster";
import { CommandGate } from "./command-gate.ts";
import { LockTimeout } from "./locks.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function scripted() {
  const begun: string[] = [];
  const waiting: (() => void)[] = [];
  let invalidated = 0;
  const run = (name: string) => {
    begun.push(name);
    if (name.startsWith("volumeInfo")) return Promise.resolve({ ok: true });
    return new Promise((resolve, reject) => {
      waiting.push(() => (name === "volumeStop" ? reject(new Error("died")) : resolve({ ok: true })));
    });
  };
  const coordinator = { run, invalidate: () => (invalidated += 1) } as unknown as Coordinator;
  const gate = new CommandGate({ coordinator, waitMs: 20, log: silent });
  const release = () => waiting.shift()?.();
  return { gate, begun, release, invalidations: () => invalidated };
}

test("changes run one at a time, questions at any time; a long wait is refused by name", async () => {
  const { gate, begun, release, invalidations } = scripted();
  const first = gate.run("volumeStart", { volume: "v" });
  const second = gate.run("volumeStart", { volume: "w" });
  await gate.run("volumeInfo", {});
  assert.deepEqual(begun.toSorted(), ["volumeInfo", "volumeStart"]);
  await assert.rejects(
    second,
    (error) => error instanceof LockTimeout && /in progress for w\./.test(error.message),
  );
  release();
  await first;
  assert.equal(invalidations(), 0);
});

test("a command that dies makes the state doubtful, and the next one runs", async () => {
  const { gate, release, invalidations } = scripted();
  const dying = gate.run("volumeStop", { volume: "v" });
  await new Promise((resolve) => setImmediate(resolve));
  release();
  await assert.rejects(dying, /died/);
  assert.equal(invalidations(), 1);
  const next = gate.run("volumeStart", { volume: "v" });
  await new Promise((resolve) => setImmediate(resolve));
  release();
  assert.ok((await next).ok);
});

test("a shut gate waits for what runs, refuses changes, and answers questions", async () => {
  const { gate, release } = scripted();
  const running = gate.run("volumeStart", { volume: "v" });
  assert.equal(await gate.shut(5), false);
  const refused = await gate.run("volumeStart", { volume: "v" });
  assert.ok(!refused.ok && refused.code === "busy");
  assert.ok((await gate.run("volumeInfo", {})).ok);
  const shut = gate.shut(1000);
  release();
  assert.equal(await shut, true);
  await running;
});
