/** A run of a schedule with one fault at each of its steps: its snapshot is made once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultModes, Killed, SimulatedCluster } from "../world/cluster.sim.ts";

void test("whatever fault at whatever step: an instant has one snapshot at last, not none, not two", async () => {
  for (const mode of faultModes) {
    for (let at = 1; at <= 58; at += 3) {
      const cluster = await SimulatedCluster.start();
      await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp"] });
      await cluster.must("volumeStart", { volume: "v" });
      await cluster.must("scheduleAdd", { name: "h", volumes: ["v"], cron: "0 * * * *" });
      cluster.world.nowMs += 3_600_000;
      cluster.steps = 0;
      cluster.fault = { at, mode };
      const answer = await cluster.run("scheduleTick", {}).catch((error: unknown) => {
        if (error instanceof Killed) return undefined;
        throw error;
      });
      cluster.fault = undefined;
      if (answer === undefined) await cluster.restart();
      await cluster.must("recover", {});
      cluster.world.nowMs += 60_000;
      await cluster.must("scheduleTick", {});
      cluster.checkAtRest();
      assert.equal(cluster.stored.snapshots.size, 1, `${mode} at ${at}`);
    }
  }
});
