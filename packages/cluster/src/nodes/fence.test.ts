import assert from "node:assert/strict";
import { test } from "node:test";
import { Fence, Stamps } from "./fence.ts";

const first = { token: 7, unanswered: 0 };
const begun = () => new Promise((resolve) => setImmediate(resolve));
const done = async (): Promise<string> => "done";

void test("a node refuses who acts with an older token than it has seen", async () => {
  const fence = new Fence();
  assert.deepEqual(await fence.enter(first, done), { entered: true, value: "done" });
  assert.deepEqual(await fence.enter({ token: 6, unanswered: 9 }, done), { entered: false });
  fence.raise(8);
  assert.deepEqual(await fence.enter(first, done), { entered: false });
});

void test("what is newer begins when all that was begun before has ended", async () => {
  const fence = new Fence();
  const order: string[] = [];
  let finish: () => void = () => undefined;
  const old = fence.enter(first, async () => {
    await new Promise<void>((resolve) => (finish = resolve));
    order.push("old");
  });
  await begun();
  const newer = fence.enter({ token: 7, unanswered: 1 }, async () => order.push("new"));
  const late = fence.enter(first, async () => order.push("late"));
  await begun();
  assert.deepEqual(order, []);
  finish();
  await Promise.all([old, newer, late]);
  assert.deepEqual(order, ["old", "new"]);
});

void test("what waited and was overtaken by something newer is not done", async () => {
  const fence = new Fence();
  let finish: () => void = () => undefined;
  const old = fence.enter(first, () => new Promise<void>((resolve) => (finish = resolve)));
  await begun();
  const waiting = fence.enter({ token: 8, unanswered: 0 }, done);
  const newest = fence.enter({ token: 9, unanswered: 0 }, done);
  finish();
  await old;
  assert.deepEqual(await waiting, { entered: false });
  assert.deepEqual(await newest, { entered: true, value: "done" });
});

void test("after an effect without an answer the next ones have higher stamps, of that node only", () => {
  const stamps = new Stamps();
  const one = stamps.of("a", 5);
  stamps.gaveUp("a", one);
  assert.deepEqual(stamps.of("a", 5), { token: 5, unanswered: 1 });
  stamps.gaveUp("a", one);
  assert.deepEqual(stamps.of("a", 5), { token: 5, unanswered: 1 });
  assert.deepEqual(stamps.of("b", 5), { token: 5, unanswered: 0 });
  assert.deepEqual(stamps.of("a", 6), { token: 6, unanswered: 0 });
});
