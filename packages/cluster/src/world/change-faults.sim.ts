/**
 * Changes of the volume `v` under one fault at every one of their steps: the step fails, having
 * happened or not, or the coordinator dies, before or after it. Afterwards nothing is half there,
 * what was reported is what is, and the command works when it is given again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultModes, Killed, type SimulatedCluster } from "./cluster.sim.ts";
import type { VolumeDocument } from "../state.ts";

export interface ChangeCase {
  readonly title: string;
  readonly start: () => Promise<SimulatedCluster>;
  readonly prepare: (cluster: SimulatedCluster) => Promise<void>;
  readonly act: (cluster: SimulatedCluster) => ReturnType<SimulatedCluster["run"]>;
  readonly done: (cluster: SimulatedCluster) => boolean;
  /** The commit comes before the last steps, which are finished later. */
  readonly finishes?: boolean;
  /** What else holds when it is done. */
  readonly check?: (cluster: SimulatedCluster) => void;
}

export const volumeOf = (cluster: SimulatedCluster): VolumeDocument =>
  cluster.stored.volumes.get("v")!.document;

/** Nodes run what the document says, and nothing else. */
function checkRuns(cluster: SimulatedCluster): void {
  const { task } = volumeOf(cluster);
  for (const { rebalances } of cluster.world.nodes) {
    const run = rebalances.get("v");
    if (run?.status === "in progress") assert.equal(run.task, task?.id, "no run without a task");
  }
}

export function testFaults(cases: readonly ChangeCase[]): void {
  for (const it of cases) {
    test(`${it.title}: any one fault leaves nothing behind`, async () => {
      const undisturbed = await it.start();
      await it.prepare(undisturbed);
      undisturbed.steps = 0;
      const answer = await it.act(undisturbed);
      assert.ok(answer.ok, JSON.stringify(answer));
      const { steps } = undisturbed;
      assert.ok(it.done(undisturbed) && steps > 1);
      it.check?.(undisturbed);
      for (let at = 0; at < steps; at++) {
        for (const mode of faultModes) await withFault(it, at, mode);
      }
    });
  }
}

async function withFault(
  it: ChangeCase,
  at: number,
  mode: (typeof faultModes)[number],
): Promise<void> {
  const where = `${it.title}, ${mode} at step ${at}`;
  const cluster = await it.start();
  await it.prepare(cluster);
  cluster.steps = 0;
  cluster.fault = { at, mode };
  const answer = await it.act(cluster).catch((error: unknown) => {
    if (error instanceof Killed) return undefined;
    throw error;
  });
  cluster.fault = undefined;
  if (answer === undefined) await cluster.restart();
  await cluster.must("recover", {});
  // As a node does by itself.
  await cluster.must("bringUp", {});
  cluster.checkAtRest();
  checkRuns(cluster);
  assert.equal(volumeOf(cluster).next, undefined, where);
  const done = it.done(cluster);
  if (answer?.ok === true) assert.ok(done, `${where}: success was reported`);
  if (done) it.check?.(cluster);
  const lost = JSON.stringify(answer ?? {}).includes("could not be written");
  if (answer?.ok === false && it.finishes !== true && !lost) assert.ok(!done, `${where}: failed`);
  if (!done) {
    const again = await it.act(cluster);
    assert.ok(again.ok, `${where}: it works the next time: ${JSON.stringify(again)}`);
    cluster.checkAtRest();
    assert.ok(it.done(cluster), where);
    it.check?.(cluster);
  }
}
