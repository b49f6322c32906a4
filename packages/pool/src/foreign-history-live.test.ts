/**
 * LVM's thin-errors, on a real pool: a text of another history than the pool's metadata. With ids that differ the
 * pool is refused; with equal ids a volume that the pool does not know is refused, and the others are served.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import test from "node:test";
import { cannotServe, LivePool, MiB } from "./live.fixture.ts";
import type { PoolError } from "./pool-error.ts";

const LIVE = { skip: cannotServe, timeout: 60_000 };
const lv1 = { name: "lv1", deviceId: 1, sizeBytes: 64 * MiB, readOnly: false };
const unknown = { name: "lv9", deviceId: 9, sizeBytes: 64 * MiB, readOnly: false };

test("a volume that the pool does not know is refused by name, and the others are served", LIVE, async (context) => {
  const live = new LivePool(300 * MiB);
  context.after(() => live.close());
  const spec = live.spec(256 * MiB, [lv1]);
  const client = await live.start(spec);
  try {
    await assert.rejects(client.activate(unknown), (error: PoolError) => {
      assert.match(error.message, /9/);
      return true;
    });
    assert.ok(existsSync(live.path("lv1")));
    assert.ok(!existsSync(live.path("lv9")));
  } finally {
    await client.stop();
  }
  await assert.rejects(live.start({ ...spec, messages: [], volumes: [lv1, unknown] }), /9/);
  await (await live.start({ ...spec, messages: [] })).stop();
});
