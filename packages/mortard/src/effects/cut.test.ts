import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeEffect } from "@mortar/cluster";
import { cutHere } from "./cut.ts";

const brick = (path: string) => ({ volume: "v", volumeId: "i", brickId: `v-client-${path}`, host: "a", path });
const cut: NodeEffect<"cut"> = {
  kind: "cut", node: "n", bricks: [brick("/1"), brick("/2")], mountPoints: ["/m1", "/m2"],
  lvs: [{ vg: "g", origin: "o1", name: "s1" }, { vg: "g", origin: "o2", name: "s2" }],
  barrierWatchdogMs: 20, freezeWatchdogMs: 10,
};

/** Performs nothing; an effect is over one turn of the loop after it was begun. */
async function recorded(fails?: (effect: NodeEffect) => boolean) {
  const events: string[] = [];
  const done = cutHere(cut, async (effect) => {
    events.push(`begin ${effect.kind}`);
    await new Promise(setImmediate);
    events.push(`end ${effect.kind}`);
    if (fails?.(effect) === true) throw new Error(`${effect.kind} failed`);
    return undefined;
  });
  const error = await done.then(() => undefined, (it: Error) => it.message);
  return { events, error };
}

const both = (kind: string) => [`begin ${kind}`, `begin ${kind}`, `end ${kind}`, `end ${kind}`];

test("no file system is frozen before all barriers are on, none taken before all are frozen", async () => {
  const { events } = await recorded();
  assert.deepEqual(events, ["barrierOn", "freeze", "createSnapshotLv"].flatMap(both));
});

test("a part that fails is the last, and is waited for as a whole", async () => {
  const { events, error } = await recorded((it) => it.kind === "freeze" && it.mountPoint === "/m1");
  assert.equal(error, "freeze failed");
  assert.deepEqual(events, ["barrierOn", "freeze"].flatMap(both));
});
