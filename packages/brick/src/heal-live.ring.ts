// Replica 3 of the stock client and its self-heal daemon on our bricks: one brick dies in the
// middle of a load, comes back, and is made like the others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { healLoad, healVerify, missingForHeal, withHealVolume } from "./heal.fixture.ts";

const reason = missingForHeal();
const options = { timeout: 280_000, ...(reason === undefined ? {} : { skip: reason }) };

test("a brick that was killed during a load is healed; no client saw an error", options, () =>
  withHealVolume("replica", ["builtin", "builtin", "builtin"], async (volume) => {
    const load = healLoad(volume, 10, 2, 7);
    await delay(2000);
    await volume.kill(1);
    await load;
    const { length } = await volume.differences();
    assert.ok(length > 0, "the dead brick has missed something");
    await volume.start(1);
    assert.deepEqual(await volume.waitHealed(), []);
    assert.deepEqual(volume.splitBrains(), []);
    // Read from whichever brick the client likes, and with the healed one as a needed witness.
    await volume.kill(0);
    assert.match(await healVerify(volume), /^verified [1-9]/);
  }));
