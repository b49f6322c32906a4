/** The timer on a virtual clock: it asks every second, ticks when due, and is not hurried by failures. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Answer } from "@mortar/cluster";
import { pino } from "pino";
import { ScheduleTimer } from "./schedule-timer.ts";

const done: Answer<unknown> = { ok: true, payload: [], warnings: [], details: [] };
const refused: Answer<unknown> = {
  ok: false, code: "no-majority", opErrno: 1, opErrstr: "x", warnings: [], details: [],
};

async function ticksOver(
  context: TestContext,
  seconds: number,
  { isDue, tick }: { isDue: (nowMs: number) => boolean; tick: () => Promise<Answer<unknown>> },
): Promise<number[]> {
  context.mock.timers.enable({ apis: ["setInterval"] });
  let ms = 0;
  const at: number[] = [];
  const timer = new ScheduleTimer({
    isDue: ({ nowMs }) => isDue(nowMs),
    tick: () => {
      at.push(ms / 1000);
      return tick();
    },
    clock: () => ({ nowMs: ms, monotonicMs: ms }),
    log: pino({ level: "silent" }),
  });
  timer.open();
  for (let second = 1; second <= seconds; second++) {
    ms = second * 1000;
    context.mock.timers.tick(1000);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
  timer.close();
  context.mock.timers.tick(10_000);
  return at;
}

void test("it ticks in the second in which something is due, and not after it is closed", async (context) => {
  const isDue = (nowMs: number) => nowMs % 7000 === 0 || nowMs > 30_000;
  const at = await ticksOver(context, 30, { isDue, tick: async () => done });
  assert.deepEqual(at, [7, 14, 21, 28]);
});

void test("after a tick that was refused or failed it waits ten seconds", async (context) => {
  let count = 0;
  const tick = async () => {
    count += 1;
    if (count === 2) throw new Error("the store is away");
    return count === 1 ? refused : done;
  };
  const at = await ticksOver(context, 23, { isDue: () => true, tick });
  assert.deepEqual(at, [1, 11, 21, 22, 23]);
});

void test("while a tick is under way there is no other", async (context) => {
  const tick = () => new Promise<Answer<unknown>>(() => undefined);
  assert.deepEqual(await ticksOver(context, 60, { isDue: () => true, tick }), [1]);
});
