/** Preparing, taking, settling and giving up, over a group that does as it is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SnapshotMoments } from "./snapshot-moment.ts";

type Request = Parameters<
  ConstructorParameters<typeof SnapshotMoments>[0]["groups"]["createThinSnapshot"]
>[0];

/** A group whose commands exclude each other; what they did is in `did`. */
function bench(fails: readonly string[] = []) {
  const did: string[] = [];
  let tail: Promise<unknown> = Promise.resolve();
  const one = async ({ name: first = "", others = [], hold }: Request): Promise<void> => {
    const name = [first, ...others.map((it) => it.name)].join("+");
    const step = (word: string): void => {
      if (fails.includes(`${word} ${name}`)) throw new Error(`no ${word} of ${name}`);
      did.push(`${word} ${name}`);
    };
    step("prepare");
    const take = async (): Promise<void> => {
      await sleep(1);
      step("take");
    };
    await (hold === undefined ? take() : hold(take));
    await sleep(20);
    step("settle");
  };
  const createThinSnapshot = async (request: Request): Promise<undefined> => {
    const run = tail.then(() => one(request));
    tail = run.catch(() => undefined);
    await run;
    return undefined;
  };
  const moments = new SnapshotMoments({ groups: { createThinSnapshot }, isFrozen: () => true });
  return { did, moments };
}

const lv = (name: string) => ({ vg: "vg", origin: "o", name });
const soon = (name: string) => ({ ...lv(name), watchdogMs: 5000 });

test("taking does no more than the moment", async () => {
  const { did, moments } = bench();
  await moments.prepare(soon("a"));
  await moments.prepare(soon("a"));
  assert.deepEqual(did, ["prepare a"]);
  await moments.take(lv("a"));
  assert.deepEqual(did, ["prepare a", "take a"]);
  await moments.settle(lv("a"));
  await moments.settle(lv("a"));
  assert.deepEqual(did, ["prepare a", "take a", "settle a"]);
});

test("several on one group: the first is prepared, all are taken", async () => {
  const { did, moments } = bench();
  for (const name of ["a", "b", "c"]) await moments.prepare(soon(name));
  assert.deepEqual(did, ["prepare a"]);
  await Promise.all(["a", "b", "c"].map((name) => moments.take(lv(name))));
  for (const name of ["a", "b", "c"]) await moments.settle(lv(name));
  assert.deepEqual(did.filter((it) => it.startsWith("settle")), ["settle a", "settle b", "settle c"]);
});

test("those of one pool are one transaction, whichever is taken first", async () => {
  const { did, moments } = bench();
  const others = ["b", "c"].map((name) => ({ origin: `o${name}`, name }));
  await moments.prepare({ ...soon("a"), others });
  await Promise.all(["c", "a", "b"].map((name) => moments.take(lv(name))));
  assert.deepEqual(did, ["prepare a+b+c", "take a+b+c"]);
  for (const name of ["a", "b", "c"]) await moments.settle(lv(name));
  await moments.prepare({ ...soon("d"), others: [{ origin: "oe", name: "e" }] });
  await Promise.all(["d", "e"].map((name) => moments.abandon(lv(name))));
  assert.deepEqual(did.slice(2), ["settle a+b+c", "prepare d+e"]);
});

test("what is given up, or not taken in time, is not made, and the group is free", async () => {
  const { did, moments } = bench();
  await moments.prepare(soon("a"));
  await moments.abandon(lv("a"));
  await moments.abandon(lv("a"));
  await moments.prepare({ ...lv("b"), watchdogMs: 10 });
  await sleep(30);
  await assert.rejects(moments.take(lv("b")), /given up/);
  await moments.abandon(lv("b"));
  await moments.take(lv("c"));
  assert.deepEqual(did, ["prepare a", "prepare b", "prepare c", "take c", "settle c"]);
});

test("a failure is told where it happens, and leaves nothing prepared", async () => {
  const refused = bench(["prepare a"]);
  await assert.rejects(refused.moments.prepare(soon("a")), /no prepare of a/);
  await refused.moments.abandon(lv("a"));
  const failed = bench(["take a"]);
  await failed.moments.prepare(soon("a"));
  await assert.rejects(failed.moments.take(lv("a")), /no take of a/);
  await failed.moments.abandon(lv("a"));
  await failed.moments.take(lv("b"));
  const late = bench(["settle a"]);
  await late.moments.prepare(soon("a"));
  await late.moments.take(lv("a"));
  await assert.rejects(late.moments.settle(lv("a")), /no settle of a/);
  await late.moments.take(lv("b"));
});
