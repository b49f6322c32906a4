/** Who waits for a lane is woken late, twice, or for nothing, and must look at the state itself. */
import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { LaneWords, makeLaneWords } from "./lane-words.ts";

const LANE = 2;
const NOTHING_HAPPENS_MS = 200;
const WAITER = `
  const { parentPort, workerData } = require("node:worker_threads");
  void import(workerData.module).then(({ LaneWords }) => {
    parentPort.postMessage("waits");
    new LaneWords(workerData.shared)[workerData.call](workerData.lane);
    parentPort.postMessage("goes on");
  });
`;

/** Wakes whoever waits on any word, as a notify does that comes late. */
function wakeForNothing(shared: SharedArrayBuffer): void {
  const words = new Int32Array(shared);
  for (let word = 0; word < words.length; word++) Atomics.notify(words, word);
}

for (const call of ["waitGiven", "waitFree"] as const) {
  test(`${call} is not ended by a wake-up without a change of the state`, async (context) => {
    const shared = makeLaneWords();
    const words = new LaneWords(shared);
    if (call === "waitFree") words.give(LANE);
    const module = new URL("./lane-words.js", import.meta.url).href;
    const waiter = new Worker(WAITER, { eval: true, workerData: { module, shared, call, lane: LANE } });
    context.after(() => waiter.terminate());
    assert.deepEqual(await once(waiter, "message"), ["waits"]);
    let wentOn = false;
    const end = once(waiter, "message").then(() => (wentOn = true));
    for (let count = 0; count < 20; count++) {
      await sleep(NOTHING_HAPPENS_MS / 20);
      wakeForNothing(shared);
    }
    assert.equal(wentOn, false);
    if (call === "waitFree") words.free(LANE);
    else words.give(LANE);
    assert.equal(await end, true);
  });
}
