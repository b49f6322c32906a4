// What is told of operations that take long: while they go on, after they ended, and by the next daemon.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Task } from "@mortar/api";
import type { NodeEffect } from "@mortar/cluster";
import { MemoryStore } from "@mortar/store";
import type { EventNote } from "../events/event-log.ts";
import { problemOfRequest } from "../http/problem.ts";
import { plain } from "../http/reply.ts";
import { asStep } from "./task-steps.ts";
import { workAgain, workOf } from "./task-works.ts";
import { type Followed, Tasks, type TaskWork } from "./tasks.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const effect = { kind: "makeBrickStorage", node: "n" } as unknown as NodeEffect;

async function opened(store: MemoryStore, uuid = "n1", work?: TaskWork) {
  const raised: EventNote[] = [];
  const tasks = await Tasks.open({
    store, uuid, host: uuid, log: silent, lookMs: 2, workOf: () => work,
    events: { raise: (note) => raised.push(note) as never },
  });
  return { tasks, raised };
}

const request = (work: TaskWork) => ({ route: "brickPlace", path: "/v1/x", by: "ann", work });
const work: TaskWork = { object: "v", sentence: "It is made" };

async function ended(tasks: Tasks, id: string): Promise<Task> {
  for (let looks = 0; looks < 1_000; looks += 1) {
    const task = await tasks.info(id);
    if (task?.endedAtMs !== undefined) return task;
    await sleep(2);
  }
  throw new Error("the task does not end");
}

test("a task is told at once, then its steps, then its result, on every node; events say so", async () => {
  const store = new MemoryStore();
  const here = await opened(store);
  const there = await opened(store, "n2");
  let go: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (go = resolve));
  const begun = await here.tasks.start(request(work), async () => {
    await asStep(effect, async () => undefined);
    await held;
    return plain({ made: 3 });
  });
  assert.deepEqual([begun.state, begun.canCancel, begun.by], ["running", false, "ann"]);
  await sleep(10);
  assert.deepEqual(there.tasks.list()[0]?.progress, { done: 1, unit: "steps", note: "makeBrickStorage" });
  go();
  const over = await ended(there.tasks, begun.id);
  assert.deepEqual([over.state, over.result], ["done", { made: 3 }]);
  assert.deepEqual(here.raised.map(({ kind }) => kind), ["task-started", "task-ended"]);
  assert.equal(here.tasks.list()[0]?.result, undefined);
});

test("a refusal is kept as its problem, and a long result is told to be left out", async () => {
  const { tasks } = await opened(new MemoryStore());
  const problem = problemOfRequest(409, "no room");
  const refused = await tasks.start(request(work), async () => ({ ok: false, problem }));
  assert.deepEqual((await ended(tasks, refused.id)).problem, problem);
  const long = await tasks.start(request(work), async () => plain("x".repeat(100_000)));
  const { state, result, isResultOmitted } = await ended(tasks, long.id);
  assert.deepEqual([state, result, isResultOmitted], ["done", undefined, true]);
});

test("what is cancelled from another node has its next making step refused, once: the rest undoes", async () => {
  const store = new MemoryStore();
  const here = await opened(store);
  const there = await opened(store, "n2");
  const done: string[] = [];
  let go: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (go = resolve));
  const { id } = await here.tasks.start(request({ ...work, isUndone: true }), async () => {
    await held;
    try {
      await asStep(effect, async () => void done.push("make"));
    } catch (error) {
      await asStep(effect, async () => void done.push("undo"));
      return { ok: false, problem: problemOfRequest(409, (error as Error).message) };
    }
    return plain({});
  });
  assert.equal((await there.tasks.cancel(id, "bob"))?.state, "cancelling");
  go();
  assert.deepEqual([(await ended(there.tasks, id)).state, done], ["cancelled", ["undo"]]);
});

test("the next daemon tells what was interrupted, and goes on following what goes on", async () => {
  const store = new MemoryStore();
  const first = await opened(store);
  const lost = await first.tasks.start(request(work), () => new Promise(() => undefined));
  const follow = async () => plain<Followed>({ progress: { done: 1, unit: "files" } });
  const on = await first.tasks.followOn({ ...request({ ...work, follow }), route: "volumeRebalance" });
  assert.equal((await first.tasks.followOn({ ...request({ ...work, follow }), route: "volumeRebalance" })).id, on.id);
  first.tasks.close();
  const next = await opened(store);
  await next.tasks.takeOver();
  const { state, problem } = await ended(next.tasks, lost.id);
  assert.deepEqual([state, problem?.type], ["interrupted", "interrupted"]);
  assert.equal(next.raised[0]?.kind, "task-interrupted");
  const last = await opened(store, "n1", { ...work, follow: async () => plain<Followed>({ ended: "done" }) });
  // That of above was called interrupted as well: its work was not known any more.
  const again = await last.tasks.followOn({ ...request({ ...work, follow }), route: "volumeHeal" });
  last.tasks.close();
  const heir = await opened(store, "n1", { ...work, follow: async () => plain<Followed>({ ended: "done" }) });
  await heir.tasks.takeOver();
  assert.equal((await ended(heir.tasks, again.id)).state, "done");
});

test("a rebalance counts files, ends as it ended, and is stopped by its own command", async () => {
  const asked: unknown[] = [];
  let status = "in progress";
  const commands = {
    run: async (name: string, args: unknown) => {
      asked.push([name, args]);
      const nodes = [{ files: 7, sizeBytes: 2 ** 20, failures: 0 }];
      return { ok: true, payload: { name: "v", status, nodes }, warnings: [], details: [] } as never;
    },
  };
  const input = { params: { volume: "v" }, query: {}, body: { action: "start" } };
  const of = workOf(commands, "volumeRebalance", input);
  const under = await of.follow!();
  assert.deepEqual(under.ok && under.result.progress, { done: 7, unit: "files", note: "1 MiB moved, 0 failures" });
  await of.cancel!();
  assert.deepEqual(asked.at(-1), ["volumeRebalance", { volume: "v", action: "stop" }]);
  status = "failed";
  const over = await of.follow!();
  assert.equal(over.ok && over.result.ended, "failed");
  const same = workAgain(commands, { route: "volumeRebalance", volume: "v" } as never);
  assert.equal(same?.object, "v");
  assert.equal(workAgain(commands, { route: "brickPlace", volume: "v" } as never), undefined);
});
