import assert from "node:assert/strict";
import { test } from "node:test";
import { LockTimeout, Locks } from "./locks.ts";

function gate(): { promise: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

test("holders of one name follow each other in the order in which they came", async () => {
  const locks = new Locks();
  const order: string[] = [];
  const first = gate();
  const a = locks.with(["v"], 1000, async () => {
    await first.promise;
    order.push("a");
  });
  const b = locks.with(["v"], 1000, async () => void order.push("b"));
  const c = locks.with(["v"], 1000, async () => void order.push("c"));
  const other = locks.with(["w"], 1000, async () => void order.push("other"));
  await other;
  first.open();
  await Promise.all([a, b, c]);
  assert.deepEqual(order, ["other", "a", "b", "c"]);
});

test("a wait that is too long ends with the words of GlusterFS and takes nothing", async () => {
  const locks = new Locks();
  const held = gate();
  const holder = locks.with(["v"], 1000, () => held.promise);
  await assert.rejects(
    locks.with(["v"], 5, async () => undefined),
    (error) =>
      error instanceof LockTimeout &&
      error.message ===
        "Another transaction is in progress for v. Please try again after some time.",
  );
  held.open();
  await holder;
  assert.equal(await locks.with(["v"], 0, async () => "free"), "free");
});

test("commands over several names in any order do not wait for each other for ever", async () => {
  const locks = new Locks();
  const done = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      locks.with(index % 2 === 0 ? ["a", "b"] : ["b", "a"], 5000, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return index;
      }),
    ),
  );
  assert.equal(done.length, 50);
});

test("work that throws releases what it held", async () => {
  const locks = new Locks();
  await assert.rejects(locks.with(["v"], 0, async () => Promise.reject(new Error("no"))));
  assert.equal(await locks.with(["v"], 0, async () => 1), 1);
});
